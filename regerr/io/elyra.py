"""Localisations of Zeiss Elyra: a table with tabs, ``Position X [nm]``, ``Precision [nm]``, then lines about the image."""

from __future__ import annotations

from .document import Document
from .frame import Frame
from .localisations import Precision, read_table
from .sheet import Card, Sheet
from .table import first_row, split

CARD = Card("Zeiss Elyra localisations", ".txt", "points", "in the header", "image axes", "`Precision` gives covariances")


def recognises(document: Document) -> bool:
    """Whether the header is Elyra's."""
    cells = first_row(document)
    return any(cell.startswith("Position X") for cell in cells) and any(cell.startswith("Position Y") for cell in cells)


def read(document: Document) -> Sheet:
    """All localisations: the rows before the first blank line."""
    lines = document.text.lstrip("\n").split("\n")
    end = next((i for i, text in enumerate(lines) if not text.strip()), len(lines))
    return read_table(document, CARD.kind, split(Document(document.path, "\n".join(lines[:end]))), Frame(),
                      Precision(("precision",)))
