"""Points of elastix and transformix: ``point`` (world) or ``index`` (voxels), their number, then a row for each.

World coordinates are millimetres in LPS. A file without the first word holds indices.
"""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .frame import IMAGE, Frame
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import finite

CARD = Card("elastix points", ".txt .pts", "points", "mm for `point`, voxel for `index`", "LPS, or voxels from their centre")
_START = re.compile(r"(?:(point|index)\s+)?([0-9]+)[ \t]*\n", re.IGNORECASE)


def recognises(document: Document) -> bool:
    """Whether the file begins with point, index or a number alone, and then the number of its points."""
    match = _START.match(document.head)
    return match is not None and (match[1] is not None or len(document.head[match.end():].partition("\n")[0].split()) in (2, 3))


def read(document: Document) -> Sheet:
    """All points; raises InputError when there are not as many as the file says."""
    rows = [(i, text.split()) for i, text in enumerate(document.lines, 1) if text.strip()]
    word = rows[0][1][0].lower()
    head = 1 if len(rows[0][1]) > 1 or word not in ("point", "index") else 2
    stated, body = rows[head - 1][1][-1], rows[head:]
    widths = sorted({len(cells) for _, cells in body})
    said = " or ".join(map(str, widths)) or "no"
    faults = [] if widths in ([2], [3]) else [f"its rows have {said} numbers: give x, y or x, y, z"]
    if len(stated) > 12 or int(stated) != len(body):
        faults.append(f"it says that it holds {stated[:12]} points and holds {len(body)}: the file is incomplete")
    if faults:
        raise refusal(document.path, faults)
    points = np.array([[finite(cell, f"row {line}, column {k}", faults) for k, cell in enumerate(cells, 1)] for line,
                       cells in body])
    side = Side(points, "mm", frame=Frame("LPS")) if word == "point" else Side(points, "voxel", frame=IMAGE)
    return sheet_of(document.path, CARD.kind, [side], lines=[line for line, _ in body], faults=faults)
