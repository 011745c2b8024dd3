"""Columns of a plain table that say one thing of the whole table: the gate of the pairs, and from where pixels are counted.

A column, and not a comment, so that any program that reads tables reads them still; cells may be empty, and all others agree.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError
from ..noise import checked_gate
from ..pairs import ORIGINS
from .columns import Layout
from .sheet import Sheet, short
from .table import Row, Table

GATE, PIXEL_ORIGIN = "gate", "pixel_origin"


def gate_of(table: Table, rows: Sequence[Row], layout: Layout, faults: list[str]) -> float | None:
    """With which probability a true pair passes the gate of these pairs; a fault for what is no probability."""
    cell = _one(rows, layout.gate, GATE, faults)
    if cell is None:
        return None
    try:
        return checked_gate(table.number(cell))
    except InputError:
        faults.append(f"column {GATE}: {short(cell)} is no probability between 0 and 1: give one such as 0.997, or rename the "
                      "column")
        return None


def origin_of(rows: Sequence[Row], layout: Layout, side: str, faults: list[str]) -> str | None:
    """What of the first pixel lies at zero; a fault for any other words."""
    column = layout.origins.get(side, layout.origins.get(""))
    cell = _one(rows, column, PIXEL_ORIGIN, faults)
    if cell is None or cell in ORIGINS:
        return cell
    faults.append(f"column {PIXEL_ORIGIN}: {short(cell)} is neither centre nor corner: write one, or rename the column")
    return None


def _one(rows: Sequence[Row], column: int | None, name: str, faults: list[str]) -> str | None:
    """The cell that all rows agree on; None where there is none."""
    cells = [] if column is None else list(dict.fromkeys(cell for row in rows if (cell := row.cells[column])))
    if len(cells) > 1:
        faults.append(f"column {name} says {short(cells[0])} and {short(cells[1])}: it holds for the whole table, so give one")
    return cells[0] if len(cells) == 1 else None


def columns_of(sheet: Sheet) -> dict[str, list[str]]:
    """The columns that a sheet needs, by their headers."""
    spaces = ("",) if sheet.target is None else ("_source", "_target")
    said = {f"{PIXEL_ORIGIN}{space}": origin for space, side in zip(spaces, sheet.sides, strict=True)
            if (origin := side.frame.origin) is not None}
    if sheet.gate is not None:
        said[GATE] = repr(sheet.gate)
    return {header: [value] * len(sheet.lines) for header, value in said.items()}
