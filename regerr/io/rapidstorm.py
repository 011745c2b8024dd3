"""Localisations of rapidSTORM: a comment of XML that describes the columns, then rows of numbers.

The columns of positions and, where there are any, of their uncertainties are found by the description.
"""

from __future__ import annotations

import re

import numpy as np

from .columns import normal_unit
from .document import Document
from .frame import Frame, ratio_of
from .localisations import positive
from .markup import parse
from .sheet import Card, Sheet, Side, diagonal, refusal, sheet_of
from .table import finite

CARD = Card("rapidSTORM localisations", ".txt", "points", "in the description of the columns", "image axes",
            "uncertainties give covariances")
_FIELD = re.compile(r"Position-([012])-0(-uncertainty)?\Z")
_UNITS = {"nanometer": "nm", "micrometer": "µm", "meter": "m", "pixel": "px"}


def recognises(document: Document) -> bool:
    """Whether the first line is rapidSTORM's description."""
    return re.match(r"#\s*<localizations\b", document.head) is not None


def read(document: Document) -> Sheet:
    """All localisations; raises InputError when the description lacks a position."""
    start = next(i for i, text in enumerate(document.lines) if text.strip())
    root = parse(Document(document.path, document.lines[start].lstrip(" \t#")))
    fields = list(root.iter("field"))
    found = {(m[1], bool(m[2])): (i, _unit(field.get("unit", ""))) for i, field in enumerate(fields)
             if (m := _FIELD.match(field.get("identifier", "")))}
    axes = [axis for axis in "012" if (axis, False) in found]
    rows = [(i, text.split()) for i, text in enumerate(document.lines[start + 1:], start + 2) if text.strip() and text[0] != "#"]
    faults = [f"row {line} has {len(cells)} columns, and {len(fields)} are described" for line, cells in rows
              if len(cells) != len(fields)]
    if axes not in (["0", "1"], ["0", "1", "2"]) or not rows or faults:
        raise refusal(document.path, faults or ["it has no points" if not rows else "it describes no columns of x and y"])
    points = np.array([[finite(cells[found[axis, False][0]], f"row {line}", faults) for axis in axes] for line, cells in rows])
    unit = found["0", False][1]
    side = Side(points, unit)
    if all((axis, True) in found for axis in axes):
        ratios = [ratio_of(found[axis, True][1], unit) or np.nan for axis in axes]
        sigma = np.array([[finite(cells[found[axis, True][0]], f"row {line}", faults) for axis in axes] for line, cells in rows])
        side = Side(points, unit, diagonal(positive(sigma * ratios, [line for line, _ in rows], faults)), Frame())
    return sheet_of(document.path, CARD.kind, [side], lines=[line for line, _ in rows], faults=faults)


def _unit(text: str) -> str:
    return _UNITS.get(text, normal_unit(text)) or "px"
