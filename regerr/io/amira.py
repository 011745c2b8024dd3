"""Landmarks of Amira and Avizo, ASCII: one set of points, or two that belong together row by row."""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .frame import Frame
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import finite

CARD = Card("Amira landmarks", ".am .landmarkAscii", "pairs or points", "not in the file", "physical axes",
            "two sets are pairs: the first is the source")
_START = re.compile(r"#\s*(AmiraMesh|Avizo|HyperMesh)\b([^\n]*)")
_COUNT = re.compile(r"define\s+Markers\s+([0-9]{1,9})\b")
_SETS = re.compile(r"NumSets\s+([0-9]{1,3})\b")
_FIELD = re.compile(r"Markers\s*\{\s*float\[3\]\s+\w+\s*\}\s*=?\s*(@[0-9]{1,3})\b")


def recognises(document: Document) -> bool:
    """Whether the first line is Amira's."""
    return _START.match(document.head) is not None


def read(document: Document) -> Sheet:
    """One or two sets of points; raises InputError for binary files, for other data, and when points are lacking."""
    start = _START.match(document.head)
    if start is None or "ASCII" not in start[2]:
        raise refusal(document.path, ["it is not Amira's ASCII format: save it as ASCII"])
    count, sets = _COUNT.search(document.text), _SETS.search(document.text)
    fields = _FIELD.findall(document.text)
    if count is None or "LandmarkSet" not in document.text or len(fields) not in (1, 2):
        raise refusal(document.path, ["it holds no set of landmarks, nor two: save landmarks from Amira"])
    faults: list[str] = []
    if sets is not None and int(sets[1]) != len(fields):
        faults.append(f"it says that it holds {sets[1]} sets and describes {len(fields)}")
    sides = [_points(document, field, int(count[1]), faults) for field in fields]
    if faults and any(len(points) != len(sides[0]) or not len(points) for points, _ in sides):
        raise refusal(document.path, faults)
    return sheet_of(document.path, CARD.kind, [Side(points, "unit", frame=Frame()) for points, _ in sides], lines=sides[0][1],
                    faults=faults)


def _points(document: Document, field: str, count: int, faults: list[str]) -> tuple[np.ndarray, list[int]]:
    """The rows below the field's own mark, and their lines."""
    starts = [i for i, text in enumerate(document.lines) if text.strip() == field]
    rows = []
    for i, text in enumerate(document.lines[starts[-1] + 1:] if starts else [], (starts or [0])[-1] + 2):
        if text.lstrip().startswith("@"):
            break
        if text.strip():
            rows.append((i, text.split()))
    if len(rows) != count or not rows:
        faults.append(f"it says that it holds {count} points, and {field} has {len(rows)}: the file is incomplete")
    odd = [f"row {line} has {len(cells)} numbers, not x, y and z" for line, cells in rows if len(cells) != 3]
    faults += odd
    points = [[np.nan] * 3 if len(cells) != 3 else [finite(cell, f"row {line}", faults) for cell in cells] for line,
              cells in rows]
    return np.array(points).reshape(-1, 3), [line for line, _ in rows]
