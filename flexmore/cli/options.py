"""Arguments and options that several verbs have, and the checks of what they name."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.steps.planned import load_planned

Config = Annotated[Path, typer.Option("--config", help="The study's configuration (YAML).")]
DEFAULT = Path("config.yaml")
Partial = Annotated[
    bool, typer.Option("--partial", help="Of a study that is not complete, what there is: to partial/, and headed so.")
]
Reports = Annotated[Path, typer.Option(help="Committed tables, a folder for each family.")]
REPORTS = Path("reports")
Threads = Annotated[int, typer.Option(min=1, help="Threads of the tensor library; results do not depend on it.")]
Stage = Annotated[
    Path | None,
    typer.Option(
        help="Copy weights to this folder of the node once, and read them there; $NAME is a variable of the node.",
        parser=lambda text: find_stage(text),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Expert = Annotated[str, typer.Argument(help="An expert's name.")]


def find_stage(text: str) -> Path | None:
    """Return the folder that `--stage` names, variables of this node's environment filled in; None for no folder.

    A rule passes it as it is in the profile, since `$TMPDIR` is only known on the node. Where a variable is not set
    there, that is printed, and weights are read in place.
    """
    folder = os.path.expandvars(text)
    if unset := re.findall(r"\$\{?(\w+)", folder):
        print(f"weights are read in place, not staged: --stage is {text!r} and {unset[0]} is not set here", flush=True)
        return None
    return Path(folder) if folder else None


def load_with_expert(config: Path, expert: str, *, public: bool = False) -> Study:
    """Load the configuration of a step (`load_planned`) and check that it has an expert of that name.

    Args:
        public: allow `public` too.

    Raises:
        FlexmoreError: it has none.
    """
    study = load_planned(config)
    known = tuple(study.experts) if public else study.names
    if expert not in known:
        raise FlexmoreError(f"{config}: no expert {expert!r}; it has {', '.join(known)}")
    return study
