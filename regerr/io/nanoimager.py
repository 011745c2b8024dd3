"""Localisations of the ONI Nanoimager: ``Channel,Frame,X (nm),Y (nm),Z (nm),Photons,Background``; no precision is given."""

from __future__ import annotations

from .document import Document
from .frame import Frame
from .localisations import Precision, read_table
from .sheet import Card, Sheet
from .table import first_row, split

CARD = Card("Nanoimager localisations", ".csv", "points", "in the header", "image axes", "a z of 0 throughout is dropped")


def recognises(document: Document) -> bool:
    """Whether the header is the Nanoimager's."""
    cells = first_row(document)
    return cells[:2] == ("Channel", "Frame") and "Photons" in cells


def read(document: Document) -> Sheet:
    """All localisations."""
    return read_table(document, CARD.kind, split(document), Frame(), Precision(()))
