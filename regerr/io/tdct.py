"""Results of 3DCT: markers of a volume, where its correlation puts them in the FIB image, and where they were picked there.

The pairs are the transformed markers and the picked ones, both in pixels of the FIB image: what they differ by is 3DCT's
residual. The markers in the volume, which are 3D, are read as points. User, machine and paths of the header are not kept.
(The coordinate files that 3DCT takes are plain tables.)
"""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import finite

CARD = Card("3DCT results", ".txt", "pairs and points", "px", "pixels of the FIB image; pixels of the volume",
            "source: transformed markers; target: picked markers; the markers of the volume are read as points")
_TABLE = re.compile(r"#\s*Initial \(3D\) markers\s+Transformed initial\s+Final \(2D\) markers", re.IGNORECASE)
_RMS = re.compile(r"#.*rms error \(in 2d pixels\)\s*=\s*([0-9.eE+-]+)")


def recognises(document: Document) -> bool:
    """Whether one line is the head of 3DCT's table."""
    return "Initial (3D) markers" in document.text[:20000] and any(_TABLE.match(text) for text in document.lines)


def read(document: Document) -> Sheet:
    """Transformed and picked markers, in 2D; the markers of the volume as the points beside them."""
    faults: list[str] = []
    rows = _rows(document)
    table = [[finite(cell, f"row {line}, column {k}", faults) for k, cell in enumerate(cells, 1)] for line, cells in rows]
    if not rows or any(len(row) != 10 for row in table):
        raise refusal(document.path, ["its table of markers has not ten numbers in each row: save the results again"])
    numbers, lines = np.array(table), [line for line, _ in rows]
    sides = [Side(numbers[:, 3:5], "px"), Side(numbers[:, 6:8], "px")]
    markers = sheet_of(document.path, CARD.kind, [Side(numbers[:, :3], "px")], lines=lines, faults=faults)
    return sheet_of(document.path, CARD.kind, sides, lines=lines, faults=faults).replace(targets=markers)


def reported_rms(document: Document) -> float | None:
    """The r.m.s. length in pixels that 3DCT says its residuals have; None where it says nothing."""
    found = [float(m[1]) for text in document.lines if (m := _RMS.match(text)) and re.fullmatch(r"[0-9]+\.?[0-9]*", m[1])]
    return found[0] if found else None


def _rows(document: Document) -> list[tuple[int, list[str]]]:
    """The rows below the head of the table, up to the next line that is none."""
    start = next(i for i, text in enumerate(document.lines) if _TABLE.match(text)) + 1
    rows: list[tuple[int, list[str]]] = []
    for i, text in enumerate(document.lines[start:], start + 1):
        cells = text.replace("#", " # ").split()
        if not cells or cells[0] == "#":
            if rows:
                break
            continue
        rows.append((i, cells))
    return rows
