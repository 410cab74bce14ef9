"""Wrong settings are refused with the key, the value and what is allowed."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from flexmore.config.pocket import PocketSettings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hiden": 64}, "hiden"),
        ({"layers": 0}, "layers"),
        ({"layers": "3"}, "layers"),
        ({"heads": 3}, "heads: 3 do not divide hidden: 64"),
        ({"public_facts_share": 0.9}, "exceed 1 together"),
        ({"batch": 1.5}, "batch"),
        ({"subjects": 20}, "items: 100 are more than .* choose at most 60"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        PocketSettings(**change)


def test_every_setting_is_described():
    assert all(field.description for field in PocketSettings.model_fields.values())


def test_neither_settings_nor_corpora_nor_tasks_need_torch():
    code = (
        "import sys, flexmore.pocket.corpora, flexmore.pocket.tasks, flexmore.config.pocket, flexmore.pocket.suite;"
        "sys.exit(bool({'torch', 'lm_eval', 'datasets', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
