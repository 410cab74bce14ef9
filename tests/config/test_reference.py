"""The page that explains every key, and the schema for editors, are those of the models."""

import json
from pathlib import Path

from pydantic import BaseModel

from flexmore.config.reference import markdown
from flexmore.config.study import Study


def test_the_committed_schema_and_page_are_the_models() -> None:
    """`flexmore schema > config/schema.json` and `flexmore schema --markdown > config/README.md` write them."""
    assert json.loads(Path("config/schema.json").read_text()) == Study.model_json_schema()
    assert Path("config/README.md").read_text() == markdown()


def test_every_key_is_described() -> None:
    def undescribed(model: type[BaseModel]) -> list[str]:
        return [name for name, field in model.model_fields.items() if not field.description]

    models = [Study, *(field.annotation for field in Study.model_fields.values())]
    sections = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
    assert len(sections) == 9
    assert {model.__name__: undescribed(model) for model in sections} == {model.__name__: [] for model in sections}
