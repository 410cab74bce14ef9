"""Where the figures' captions are."""

from pathlib import Path

CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"
"""A folder of <figure>.rst, part of the workflow; where it is not installed, a page shows figures without captions."""
