"""Loading of a mixture as a transformers model, from a folder of weights or from a recipe."""

from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from flexmore.checkpoints.completeness import check_tensors
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import check_recipe
from flexmore.config.paths import StudyPaths
from flexmore.device import torch_device
from flexmore.errors import FlexmoreError
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling.sweep import SweepModel


def load(
    source: str | Path, *, dtype: str = "checkpoint", device: str = "auto"
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a mixture and its tokenizer.

    A recipe is composed in memory from the experts and factors in the same results folder. Adapters past break-even
    are merged then, since they are cheaper as dense weights.

    Args:
        source: a folder that `flexmore materialize` or `save_pretrained` wrote, the authors' included, or a recipe,
            `results/<family>/mixtures/<name>.json`.
        dtype: a name such as `bfloat16`; `checkpoint` keeps the dtype of the files.
        device: `auto` is cuda where there is one.

    Returns:
        The model, in eval mode, and the tokenizer.

    Raises:
        FlexmoreError: there is no such folder or recipe, the folder lacks a tensor or holds one that is not used, or
            the recipe was made from other weights.
    """
    path = Path(source)
    if path.is_dir():
        check_tensors(Checkpoint(path))
        model = AutoModelForCausalLM.from_pretrained(path, dtype="auto" if dtype == "checkpoint" else dtype)
        return model.to(torch_device(device)).eval(), AutoTokenizer.from_pretrained(path)
    if not path.is_file():
        raise FlexmoreError(
            f"{path}: not found; expected a folder of weights or a recipe, which `flexmore compose` writes"
        )
    paths, recipe = StudyPaths(path.resolve().parent.parent), Recipe.read(path)
    check_recipe(paths, recipe)
    sweep = SweepModel.load(paths, [recipe.mixture], dtype=dtype, device=device, seed=recipe.seed or 0)
    sweep.set_mixture(recipe.mixture)
    return sweep.model, sweep.tokenizer
