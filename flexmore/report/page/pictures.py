"""The figures of a page: their captions, and those that there was nothing to draw for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flexmore.config.analysis import AnalysisSettings
from flexmore.report.figures.catalogue import FIGURES


@dataclass(frozen=True)
class Pictures:
    """Hold what a page needs to show its figures.

    Attributes:
        captions: of each figure, by name.
        undrawn: why there is nothing to see in a figure, by name; such a figure is not shown.
    """

    captions: Mapping[str, str] = field(default_factory=dict)
    undrawn: Mapping[str, str] = field(default_factory=dict)

    def show(self, name: str) -> str:
        """Return a figure with its caption, as Markdown; empty where there is nothing to see in it."""
        if name in self.undrawn:
            return ""
        caption = f"\n\n*{self.captions[name]}*" if name in self.captions else ""
        return f"![{name}](figures/{name}.png){caption}"


def read_captions(folder: Path, settings: AnalysisSettings) -> dict[str, str]:
    """Read the captions of the figures, from `workflow/report/<name>.rst`, as Markdown.

    They are templates that Snakemake fills from the parameters of the rule `draw`; here the same are filled in from
    the settings. A figure without a file has no caption.
    """
    values = {"level": settings.confidence, "recovery": settings.recovery}
    found = {}
    for name in FIGURES:
        path = folder / f"{name}.rst"
        if path.is_file():
            text = path.read_text(encoding="utf-8").strip()
            for key, value in values.items():
                text = text.replace("{{ snakemake.params." + key + " }}", f"{100 * value:g} %")
            found[name] = text.replace("``", "`").replace("\n", " ")
    return found
