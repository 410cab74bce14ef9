"""Print the schema of configurations."""

import json

from flexmore.config.reference import markdown as reference_page
from flexmore.config.study import Study


def schema(*, markdown: bool = False) -> str:
    """Return the JSON schema of configurations, or the page that explains every key."""
    return reference_page().rstrip("\n") if markdown else json.dumps(Study.model_json_schema(), indent=1)
