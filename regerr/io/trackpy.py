"""Features of trackpy, saved as CSV: ``x``, ``y`` and the precision ``ep`` in pixels, which becomes the covariance."""

from __future__ import annotations

from .document import Document
from .frame import IMAGE
from .localisations import Precision, read_table
from .sheet import Card, Sheet
from .table import first_row, split

CARD = Card("trackpy features", ".csv", "points", "px", "image axes, centre of the first pixel", "`ep` gives covariances in 2D")


def recognises(document: Document) -> bool:
    """Whether the header has trackpy's columns."""
    return {"x", "y", "mass", "ep"} <= set(first_row(document))


def read(document: Document) -> Sheet:
    """All features."""
    return read_table(document, CARD.kind, split(document), IMAGE, Precision(("ep",)), unit="px")
