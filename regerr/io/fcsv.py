"""Markups of 3D Slicer, ``.fcsv``: millimetres in patient axes, with the columns and the axes named in comment lines.

Points are named by ``label``. A hidden (vis = 0) or unselected (sel = 0) point is kept as unused. The axes, RAS or LPS, come from
the file and are never guessed; coordinates stay as they are written.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from io import StringIO

import numpy as np

from .document import Document
from .frame import Frame
from .sheet import UNREADABLE, Card, Sheet, Side, brief, refusal
from .table import finite

CARD = Card("3D Slicer markups, fcsv", ".fcsv", "points", "mm; voxel for IJK", "RAS, LPS or IJK as stated",
            "hidden and unselected points are unused")
_VERSION = re.compile(r"\s*#\s*markups fiducial file version", re.IGNORECASE)
_FIELD = re.compile(r"\s*#\s*(coordinatesystem|columns)\s*=(.*)$", re.IGNORECASE)
_FRAMES = {"0": "RAS", "RAS": "RAS", "1": "LPS", "LPS": "LPS", "2": "IJK", "IJK": "IJK"}
_SWITCHES = {"vis": "hidden in the file (vis = 0)", "sel": "not selected in the file (sel = 0)"}


def recognises(document: Document) -> bool:
    """Whether one of the first lines is Slicer's own."""
    return any(_VERSION.match(text) or _FIELD.match(text) for text in document.lines[:5])


def read(document: Document) -> Sheet:
    """All points, in the order of the file; raises InputError when the axes or the columns are not stated."""
    head = {m[1].lower(): m[2].strip() for text in document.lines if (m := _FIELD.match(text))}
    stated = head.get("coordinatesystem", "not stated")
    frame = _FRAMES.get(stated.upper())
    columns = [column.strip() for column in head.get("columns", "").split(",")]
    lacking = [] if frame else [f"its CoordinateSystem is {brief(stated)}: write RAS, LPS or IJK (0, 1 or 2)"]
    lacking += [f"its columns line lacks {c!r}" for c in ("x", "y", "z", "label") if c not in columns]
    rows = [(i + 1, _split(text)) for i, text in enumerate(document.lines) if text.strip() and not text.lstrip().startswith("#")]
    if lacking or not rows:
        raise refusal(document.path, lacking or ["it holds no point"])
    return _sheet(document.path, columns, rows, str(frame))


def _split(text: str) -> list[str]:
    try:
        return next(csv.reader([text]))
    except csv.Error:  # a cell of more than 100,000 characters
        return [text]


def _sheet(path: str, columns: Sequence[str], rows: Sequence[tuple[int, list[str]]], frame: str) -> Sheet:
    faults: list[str] = []
    cells = [_cells(columns, row) for _, row in rows]
    points = np.array([_point(here, line, faults) for here, (line, _) in zip(cells, rows, strict=True)])
    reasons = tuple(UNREADABLE if np.isnan(p).any() else _reason(here) for p, here in zip(points, cells, strict=True))
    names = tuple(here.get("label") or f"row {line}" for here, (line, _) in zip(cells, rows, strict=True))
    side = Side(points, "voxel" if frame == "IJK" else "mm", frame=Frame(frame))
    return Sheet(path, CARD.kind, side, None, tuple(line for line, _ in rows), reasons, names, tuple(faults))


def _cells(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """Cells by column; old versions wrote a comma within a label without quotes, so what is too much belongs to the label."""
    extra, at = max(len(row) - len(columns), 0), columns.index("label")
    merged = [*row[:at], ",".join(row[at:at + extra + 1]), *row[at + extra + 1:]]
    return {column: cell.strip() for column, cell in zip(columns, merged, strict=False)}


def _point(cells: dict[str, str], line: int, faults: list[str]) -> list[float]:
    return [finite(cells.get(axis, ""), f"row {line}, column {axis}", faults) for axis in "xyz"]


def _reason(cells: dict[str, str]) -> str:
    return next((reason for switch, reason in _SWITCHES.items() if cells.get(switch, "1") == "0"), "")


def write(sheet: Sheet) -> str:
    """All placed points, in mm and in the patient axes of the sheet (LPS where it has none); what is unused is not selected."""
    patient = sheet.source.frame.patient or "LPS"
    head = [f"# Markups fiducial file version = 4.11\n# CoordinateSystem = {patient}\n",
            "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"]
    body = StringIO()
    rows = csv.writer(body, lineterminator="\n")
    points = in_space(sheet.source.points)
    for i in np.flatnonzero(np.isfinite(points).all(1)).tolist():
        rows.writerow([str(i + 1), *map(repr, points[i].tolist()), 0, 0, 0, 1, 1, int(not sheet.reasons[i]), 0, sheet.labels[i],
                       sheet.reasons[i], ""])
    return "".join(head) + body.getvalue()


def in_space(points: np.ndarray) -> np.ndarray:
    """(n, 3), with z = 0 for points in the plane."""
    return points if points.shape[1] == 3 else np.column_stack([points, np.zeros(len(points))])
