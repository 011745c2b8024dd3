"""A points layer of napari: ``index,axis-0,axis-1[,axis-2]``, the slowest axis first, then features.

Axes come in the order z, y, x and leave as x, y, z. Coordinates are data indices, the centre of the first pixel being 0: the
layer's scale is not in the file. A feature ``label`` or ``name`` names the points.
"""

from __future__ import annotations

import csv
import io

import numpy as np

from .document import Document
from .frame import IMAGE
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import Row, Table, finite, first_row, split

CARD = Card("napari points", ".csv", "points", "px (the layer's scale is not in the file)",
            "image axes z, y, x; centre of the first pixel",
            "a feature `label` or `name` names the points")
_NAMES = ("label", "name")


def recognises(document: Document) -> bool:
    """Whether the header has napari's axes."""
    return "axis-0" in first_row(document) and "axis-1" in first_row(document)


def read(document: Document) -> Sheet:
    """All points; raises InputError for layers of shapes or tracks and for more than three axes."""
    table = split(document)
    header = table.rows[0].cells
    if "shape-type" in header:
        raise refusal(document.path, ["it is a shapes layer of napari and not a points layer: save the points"])
    axes = [i for i, cell in enumerate(header) if cell.startswith("axis-")]
    if not 2 <= len(axes) <= 3:
        raise refusal(document.path, [f"its points have {len(axes)} axes: keep y and x, or z, y and x, of one time and channel"])
    faults, rows = list(table.faults), table.rows[1:]
    if not rows:
        raise refusal(document.path, faults or ["it holds a header and no points"])
    points = np.array([_point(table, row, axes, faults) for row in rows])
    name = next((header.index(n) for n in _NAMES if n in header), None)
    names = None if name is None else [row.cells[name] or f"row {row.line}" for row in rows]
    return sheet_of(document.path, CARD.kind, [Side(points, None, frame=IMAGE)], names=names, lines=[row.line for row in rows],
                    faults=faults)


def _point(table: Table, row: Row, axes: list[int], faults: list[str]) -> list[float]:
    return [finite(row.cells[i], f"row {row.line}, axis {k}", faults) for k, i in enumerate(axes)][::-1]


def write(sheet: Sheet) -> str:
    """The placed points in napari's order of axes, with their names and what is unused as features."""
    body = io.StringIO()
    rows = csv.writer(body, lineterminator="\n")
    rows.writerow(["index", *(f"axis-{k}" for k in range(sheet.source.dimension)), "label", "unused"])
    for i, point in enumerate(sheet.source.points.tolist()):
        if np.isfinite(point).all():
            rows.writerow([i, *map(repr, point[::-1]), sheet.labels[i], sheet.reasons[i]])
    return body.getvalue()
