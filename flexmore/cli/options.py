"""Arguments and options that several verbs have, and the checks of what they name."""

from pathlib import Path
from typing import Annotated

import typer

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError

Config = Annotated[Path, typer.Option("--config", help="The study's configuration (YAML).")]
DEFAULT = Path("config.yaml")
Reports = Annotated[Path, typer.Option(help="Committed tables, a folder for each family.")]
REPORTS = Path("reports")
Threads = Annotated[int, typer.Option(min=1, help="Threads of the tensor library; results do not depend on it.")]
Stage = Annotated[
    Path | None,
    typer.Option(
        help="Copy weights to this folder of the node once, and read them there.",
        parser=lambda text: Path(text) if text else None,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Expert = Annotated[str, typer.Argument(help="An expert's name.")]


def load_with_expert(config: Path, expert: str, *, public: bool = False) -> Study:
    """Load a configuration and check that it has an expert of that name.

    Args:
        public: allow `public` too.

    Raises:
        FlexmoreError: it has none.
    """
    study = load_study(config)
    known = tuple(study.experts) if public else study.names
    if expert not in known:
        raise FlexmoreError(f"{config}: no expert {expert!r}; it has {', '.join(known)}")
    return study
