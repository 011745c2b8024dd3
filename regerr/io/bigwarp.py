"""Landmarks of BigWarp (Fiji): name, active, moving x, y[, z], fixed x, y[, z], without a header.

Moving is the source. Coordinates are physical, from each image's calibration, but no unit is written. A landmark that is switched
off, placed in one image only (``Infinity``), or written twice (same name and numbers: a file loaded into itself) is kept as
unused. Files re-saved by a spreadsheet (no quotes, ``TRUE``) are read too.
"""

from __future__ import annotations

import math

import numpy as np

from .document import Document
from .frame import IMAGE
from .sheet import UNREADABLE, Card, Sheet, Side, distinct, short
from .table import Row, Table, first_row, split

CARD = Card("BigWarp landmarks", ".csv", "pairs", "not in the file", "image axes, centre of the first pixel",
            "`false` is unused, `Infinity` is not placed; moving is the source")
UNIT = "unit"  # a length, but the file does not say in what


def recognises(document: Document) -> bool:
    """Whether the first row has 6 or 8 cells and the second of them is true or false."""
    cells = first_row(document)
    return len(cells) in (6, 8) and cells[1].lower() in ("true", "false")


def read(document: Document) -> Sheet:
    """All landmarks, in the order of the file."""
    table = split(document)
    faults = list(table.faults)
    points = np.array([_numbers(table, row, faults) for row in table.rows])
    d = points.shape[1] // 2
    first: dict[tuple[str | float, ...], int] = {}
    repeats = [first.setdefault((*row.cells[:2], *here), row.line) for row, here in zip(table.rows, points.tolist(), strict=True)]
    reasons = tuple(_reason(table, row, here) if line == row.line else f"repeats row {line}"
                    for row, here, line in zip(table.rows, points, repeats, strict=True))
    lines = tuple(row.line for row in table.rows)
    names = distinct([row.cells[0] or f"row {row.line}" for row in table.rows], lines)
    source, target = (Side(half, UNIT, frame=IMAGE) for half in (points[:, :d], points[:, d:]))
    return Sheet(document.path, CARD.kind, source, target, lines, reasons, names, tuple(faults))


def _numbers(table: Table, row: Row, faults: list[str]) -> list[float]:
    values = [table.number(cell) for cell in row.cells[2:]]
    faults += [f"row {row.line}, column {k + 3}: {short(row.cells[k + 2])} is not a number"
               for k, value in enumerate(values) if value is None]
    return [math.nan if value is None else value for value in values]


def _reason(table: Table, row: Row, points: np.ndarray) -> str:
    """Why BigWarp would not use it; any word but "true" switches off, as in BigWarp itself."""
    if any(table.number(cell) is None for cell in row.cells[2:]):
        return UNREADABLE
    halves = zip(("source", "target"), points.reshape(2, -1), strict=True)
    return reason_of(row.cells[1].lower() == "true", *halves)


def reason_of(active: bool, *halves: tuple[str, np.ndarray]) -> str:
    """Why a landmark is not used: not placed in a space, else switched off."""
    missing = [space for space, point in halves if not np.isfinite(point).all()]
    if missing:
        return f"not placed in the {' and the '.join(missing)}"
    return "" if active else "disabled in the file"


def write(sheet: Sheet) -> str:
    """Landmarks as BigWarp saves them: what is unused is inactive, what is not placed is at infinity."""
    rows = []
    for i, name in enumerate(sheet.labels):
        numbers = [repr(value) if math.isfinite(value) else "Infinity" for side in sheet.sides
                   for value in side.points[i].tolist()]
        cells = [name.replace('"', "'"), "false" if sheet.reasons[i] else "true", *numbers]
        rows.append(",".join(f'"{cell}"' for cell in cells))
    return "\n".join(rows) + "\n"
