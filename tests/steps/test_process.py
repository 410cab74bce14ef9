"""What a step sets in its process, before it imports a library."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("study.evaluate", "evaluate(study, find_sweep(study, 'public'))"),
        ("study.calibrate", "calibrate(study)"),
        ("look.inspect", "inspect(study, 'math-r1', 'arc_easy')"),
        ("look.plan", "plan(study, time_layers=True)"),
    ],
)
def test_evaluation_is_offline_before_anything_of_the_hub_is_imported(module: str, call: str) -> None:
    """Stop each step in `use_torch`, which it calls before it imports a library."""
    code = (
        "import os, sys; from pathlib import Path; from flexmore.config.loading import load_study\n"
        "from flexmore.mixtures.grid import find_sweep\n"
        f"from flexmore.steps.{module} import {call.partition('(')[0]}\n"
        f"import flexmore.steps.{module} as step\n"
        "def stop(*_): print(os.environ.get('HF_HUB_OFFLINE'), 'huggingface_hub' in sys.modules); sys.exit()\n"
        "step.use_torch = stop; os.environ.pop('HF_HUB_OFFLINE', None)\n"
        "study = load_study(Path('config/paper.yaml'))\n"
        f"{call}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
