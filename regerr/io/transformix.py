"""Points that transformix has moved from the fixed to the moving image, ``outputpoints.txt``: input and output of each."""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .frame import Frame
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import finite

CARD = Card("transformix output points", ".txt", "pairs", "mm", "LPS",
            "source: input (fixed image); target: output (moving image)")
_START = re.compile(r"Point\s+[0-9]+\s*;\s*InputIndex")
_FIELD = re.compile(r"\b(InputPoint|OutputPoint)\s*=\s*\[([^\]]{0,200})\]")
_NUMBER = re.compile(r"Point\s+([0-9]{1,15})\b")


def recognises(document: Document) -> bool:
    """Whether the first line is a point of transformix."""
    return _START.match(document.head) is not None


def read(document: Document) -> Sheet:
    """All points before and after; raises InputError for lines that lack one of the two."""
    faults: list[str] = []
    rows = [(i, text) for i, text in enumerate(document.lines, 1) if text.strip()]
    found = [_row(line, text, faults) for line, text in rows]
    widths = sorted({len(half) for pair in found for half in pair})
    if widths not in ([2], [3]):
        raise refusal(document.path, [*faults, f"its points have {' or '.join(map(str, widths))} coordinates: give 2 or 3"])
    halves = np.array(found)
    names = [m[1] if (m := _NUMBER.match(text.strip())) else f"row {line}" for line, text in rows]
    sides = [Side(halves[:, k], "mm", frame=Frame("LPS")) for k in range(2)]
    return sheet_of(document.path, CARD.kind, sides, names=names, lines=[line for line, _ in rows], faults=faults)


def _row(line: int, text: str, faults: list[str]) -> tuple[list[float], list[float]]:
    fields = {m[1]: m[2].split() for m in _FIELD.finditer(text)}
    lacking = [name for name in ("InputPoint", "OutputPoint") if name not in fields]
    if lacking:
        faults.append(f"row {line} lacks {' and '.join(lacking)}")
        return [], []
    source, target = ([finite(cell, f"row {line}, {name}", faults) for cell in cells] for name, cells in sorted(fields.items()))
    return source, target
