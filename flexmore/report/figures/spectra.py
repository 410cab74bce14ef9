"""The figure of the singular values of the deltas."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flexmore.analysis.tables.spectra import normalised
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.report.figures.style import PAGE, canvas, legend, looks, notice


def spectra(values: pd.DataFrame | None) -> Figure:
    """Draw singular values over the largest, a panel per projection, a line per expert (median over layers).

    Args:
        values: as `spectra.gather_spectra` returns them.
    """
    if values is None or values.empty:
        return notice("spectra: no factors were made")
    shares = normalised(values)
    figure = canvas(PAGE, 2.5)
    panels = np.ravel(figure.subplots(1, len(PROJECTIONS), sharey=True))
    for panel, projection in zip(panels, PROJECTIONS, strict=True):
        part = shares[shares["projection"] == projection]
        for expert, look in looks(shares["expert"]).items():
            own = part[part["expert"] == expert]
            place = own["index"].to_numpy() + 1
            powers = np.flatnonzero(place & (place - 1) == 0).tolist()
            panel.plot(
                place, own["median"].to_numpy(), color=look.colour, linestyle=look.dash, label=expert,
                marker=look.marker, markersize=3, markevery=powers,
            )  # fmt: skip
            panel.fill_between(place, own["low"], own["high"], color=look.colour, alpha=0.12, linewidth=0)
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_ylim(0, 1.02)
        panel.set_title(projection)
        panel.set_xlabel("index of the singular value")
    panels[0].set_ylabel("singular value / largest")
    legend(figure, list(panels))
    return figure
