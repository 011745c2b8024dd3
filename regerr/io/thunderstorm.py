"""Localisations of ThunderSTORM (Fiji): ``x [nm]``, ``y [nm]``, ``uncertainty [nm]`` (3D: ``uncertainty_xy``, ``uncertainty_z``).

The uncertainty is the s.d. per coordinate and becomes the covariance; ``sigma`` is the width of the spot. Tables that another
program saved with the whole header in one quoted cell are read too.
"""

from __future__ import annotations

import csv

from .columns import unit_of
from .document import Document
from .frame import CORNER
from .localisations import Precision, read_table
from .sheet import Card, Sheet
from .table import split

CARD = Card("ThunderSTORM localisations", ".csv", "points", "in the header", "image axes, corner of the first pixel",
            "`uncertainty` gives covariances")
_OWN = ("frame", "sigma", "intensity", "offset", "bkgstd", "uncertainty", "uncertainty_xy", "sigma1")
_PRECISION = Precision(("uncertainty_xy", "uncertainty"), ("uncertainty_z",))


def recognises(document: Document) -> bool:
    """Whether the header has x, y and at least three of ThunderSTORM's other columns."""
    bare = {unit_of(cell)[0] for cell in _header(document)}
    return {"x", "y"} <= bare and len(bare.intersection(_OWN)) >= 3


def read(document: Document) -> Sheet:
    """All localisations."""
    first = ",".join(f'"{cell}"' for cell in _header(document))
    text = "\n".join([first, *document.text.lstrip().split("\n")[1:]])
    blank = "\n" * (len(document.text) - len(document.text.lstrip()))
    return read_table(document, CARD.kind, split(Document(document.path, blank + text)), CORNER, _PRECISION)


def _header(document: Document) -> list[str]:
    """The cells of the first line, out of the one cell they may have been put in."""
    line = document.head.partition("\n")[0]
    for _ in range(2):
        try:
            cells = next(csv.reader([line]), [])
        except csv.Error:
            return []
        if len(cells) != 1:
            break
        line = cells[0]
    return [cell.replace('"', "").strip() for cell in cells]
