"""The data-set CSV of ec-CLEM 2 (Icy): ``id,dimension_1,dimension_2[,dimension_3]``, micrometres, one file per image."""

from __future__ import annotations

from dataclasses import replace

from . import plain
from .document import Document
from .sheet import Card, Sheet
from .table import first_row

CARD = Card("ec-CLEM data set", ".csv", "points", "µm", "image axes", "a constant z of 2D images is dropped")
UNIT = "µm"
_HEADER = ("id", "dimension_1", "dimension_2", "dimension_3")


def recognises(document: Document) -> bool:
    """Whether the first row is ec-CLEM's header."""
    cells = first_row(document)
    return len(cells) in (3, 4) and cells == _HEADER[: len(cells)]


def read(document: Document) -> Sheet:
    """The points of one image, named by their id."""
    sheet = plain.read_columns(document, first_row(document)[1:])
    return sheet.replace(kind=CARD.kind, source=replace(sheet.source, unit=UNIT), pads_z=True)


def write(sheet: Sheet) -> str:
    """The points that are used, numbered from 0: the format knows no other names and no switch."""
    points = sheet.source.points[sheet.used].tolist()
    rows = [",".join([str(i), *map(repr, point)]) for i, point in enumerate(points)]
    return "\r\n".join([",".join(_HEADER[: sheet.source.dimension + 1]), *rows]) + "\r\n"
