"""The card (README.md) of what `flexmore materialize` writes: Hugging Face metadata and a description."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import yaml

from flexmore import __version__
from flexmore.config.paths import StudyPaths
from flexmore.exchange.choices import Base, Format
from flexmore.factors.measure import measure
from flexmore.files import read_json
from flexmore.mixtures.recipe import Recipe

_DESCRIPTIONS = {
    "flexolmo": """Dense FlexOlmo: every expert at full size, low-rank deltas merged in.

```python
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("{folder}")
```
""",
    "flexmore": """Factored: low-rank experts are kept as A and B beside the public expert's weights
(`experts.N.gate_proj_a.weight`, `_b`; `expert_ranks` in config.json, `null` for full size).

```python
import flexmore.modeling
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("{folder}")
```
""",
    "peft": """A PEFT LoRA adapter of the public model ({base} layout): merged, it gives the expert's own
feed-forward weights, public + B·A, in every layer. **This is the expert without routing**: the mixture's router, which
weighs public and expert for each token, is not part of it, so it is another model than the pair.

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base_model}"), "{folder}")
```
""",
}


def make_card(recipe: Recipe, paths: StudyPaths, *, format: Format, folder: str, base: Base, base_model: str) -> str:
    """Return the text of the card.

    Args:
        folder: the name that the examples load.
        base: the layout of the public model that a `peft` adapter is for.
        base_model: name or path of the public model.
    """
    licence = _licence(paths.expert("public"))
    head = {
        "license": licence or "other",
        "library_name": "peft" if format == "peft" else "transformers",
        "pipeline_tag": "text-generation",
        "base_model": base_model,
        "tags": ["flexmore", *(["lora"] if format == "peft" else ["mixture-of-experts"])],
    }
    said = "as the public model's" if licence else "the public model's card states none: ask its owner before use"
    mixture = recipe.mixture
    parts = [
        "---",
        yaml.safe_dump(head, sort_keys=False).strip(),
        "---",
        f"# {mixture.name}\n",
        _DESCRIPTIONS[format].format(folder=folder, base=base, base_model=base_model),
        f"- Family `{paths.root.name}`, {_experts_in_words(recipe)}.",
        f"- Licence: {licence or 'other'} ({said}).",
        f"- Made by flexmore {__version__} from the truncated SVD of each expert's weight delta; "
        f"recipe `{recipe.fingerprint}`, everything else in `flexmore.json`.",
        "",
        *_experts(recipe, paths),
        *_parameters(recipe, format),
        *_scores(recipe, paths),
    ]
    return "\n".join(parts) + "\n"


def _experts_in_words(recipe: Recipe) -> str:
    """Return which experts a mixture has."""
    mixture = recipe.mixture
    if not mixture.experts:
        return "the public model alone"
    return f"public and {', '.join(mixture.experts)}, {mixture.active} active for each token"


def _experts(recipe: Recipe, paths: StudyPaths) -> Iterator[str]:
    """Yield a table of experts: ranks, and what the SVD keeps at them."""
    if not recipe.mixture.experts:
        return
    yield "| expert | rank | effective rank | error (relative, Frobenius) | energy kept |"
    yield "| --- | --- | --- | --- | --- |"
    pairs = zip(recipe.mixture.experts, recipe.mixture.ranks, recipe.effective_ranks, strict=True)
    for name, rank, effective in pairs:
        spectrum = paths.factors(name) / "spectrum.parquet"
        kept = ["0", "1"] if effective == "full" else ["1", "0"] if effective == 0 else ["unknown", "unknown"]
        if isinstance(effective, int) and effective and spectrum.is_file():
            found = next(measure(pd.read_parquet(spectrum), [effective], 0, 0))
            kept = [f"{found['error']:.3g}", f"{found['energy']:.3g}"]
        yield f"| {name} | {rank} | {effective} | {kept[0]} | {kept[1]} |"
    if recipe.mixture.kind == "control":
        yield "\nA control: its delta is a random one with the singular values of the expert's."
    yield ""


def _parameters(recipe: Recipe, format: Format) -> Iterator[str]:
    """Yield the number of parameters."""
    counted = recipe.parameters
    if format == "peft":
        yield f"{sum(counted['experts'].values()):,} parameters in the adapter.\n"
        return
    total, used = counted["total"], counted["active"]
    yield f"{total:,} parameters as a factored mixture, at most {used:,} of them for one token.\n"


def _scores(recipe: Recipe, paths: StudyPaths) -> Iterator[str]:
    """Yield a table of the mean score of each group and their average, where this very mixture has been evaluated."""
    for path in sorted((paths.root / "scores").glob(f"*/{recipe.mixture.name}.json")):
        content = read_json(path)
        if content["fingerprint"] != recipe.fingerprint:
            continue
        tasks = pd.DataFrame(content["tasks"].values())
        groups = tasks.groupby("group", sort=False)["score"].mean()
        yield "| group | tasks | score |"
        yield "| --- | --- | --- |"
        for group, score in groups.items():
            yield f"| {group} | {int((tasks['group'] == group).sum())} | {100 * score:.1f} |"
        yield f"| average | {len(tasks)} | {100 * groups.mean():.1f} |"
        return
    yield "Scores: this mixture has not been evaluated where it was made."


def _licence(folder: Path) -> str | None:
    """Return the licence that the card in a folder names; None where there is none."""
    path = folder / "README.md"
    if not path.is_file():
        return None
    pieces = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(pieces) < 3 or pieces[0].strip():
        return None
    try:
        found = yaml.safe_load(pieces[1])
    except yaml.YAMLError:
        return None
    return str(found["license"]) if isinstance(found, dict) and "license" in found else None
