"""The spots table of TrackMate (Fiji), CSV: one header row, or four (keys, long names, short names, units in brackets)."""

from __future__ import annotations

import re

from .columns import normal_unit
from .document import Document
from .frame import IMAGE
from .localisations import numbers
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import first_row, split

CARD = Card("TrackMate spots, CSV", ".csv", "points", "in the header (four rows), else not in the file",
            "image axes, centre of the first pixel", "hidden spots are unused; a z of 0 throughout is dropped")
_AXES = ("POSITION_X", "POSITION_Y", "POSITION_Z")
HIDDEN = "hidden in the file (VISIBILITY = 0)"


def recognises(document: Document) -> bool:
    """Whether the header has TrackMate's keys."""
    return {"POSITION_X", "POSITION_Y"} <= set(first_row(document))


def read(document: Document) -> Sheet:
    """All spots."""
    table = split(document)
    header, faults = table.rows[0].cells, list(table.faults)
    columns = [header.index(axis) for axis in _AXES if axis in header]
    heads = next((i for i, row in enumerate(table.rows[1:4], 1) if table.is_numeric(row.cells[columns[0]])), len(table.rows[:4]))
    rows = table.rows[heads:]
    if not rows:
        raise refusal(document.path, [*faults, "it holds a header and no spots"])
    said = {m[1] for row in table.rows[1:heads] for i in columns if (m := re.fullmatch(r"\(([^)]{1,20})\)", row.cells[i]))}
    if len(said) > 1:
        faults.append(f"its coordinates are in {' and '.join(sorted(said))}: use one unit")
    unit = normal_unit(min(said)) if said else None
    side = Side(numbers(table, rows, columns, header, faults), unit, frame=IMAGE).without_empty_z()
    shown = header.index("VISIBILITY") if "VISIBILITY" in header else None
    reasons = [HIDDEN if shown is not None and row.cells[shown] in ("0", "0.0") else "" for row in rows]
    label = header.index("LABEL") if "LABEL" in header else None
    names = own_names([row.cells[label] for row in rows]) if label is not None else None
    return sheet_of(document.path, CARD.kind, [side], names=names, reasons=reasons, lines=[row.line for row in rows],
                    faults=faults)


def own_names(names: list[str]) -> list[str] | None:
    """Names that a person gave; None when all are TrackMate's own counters, which say nothing across two images."""
    return None if all(re.fullmatch(r"(ID)?[0-9]*", name) for name in names) else names
