"""The bytes to download from the hub, as the hub states them."""

from flexmore.config.experts import HubSource
from flexmore.config.study import Study
from flexmore.hub.models import ModelHub


def ask_hub(study: Study, hub: ModelHub | None = None) -> dict[str, int]:
    """Return the bytes to download for each expert from the hub.

    Raises:
        FlexmoreError: a repository cannot be read.
    """
    hub = hub or ModelHub()
    return {
        name: sum(file.size for file in hub.find(source.repo, source.revision).files.values())
        for name, source in study.experts.items()
        if isinstance(source, HubSource)
    }
