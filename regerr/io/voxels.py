"""Landmarks in voxels of two benchmarks, three columns without a header.

Learn2Reg: commas and five decimals, indices from 0. DIR-Lab: whole numbers in padded columns, indices from 1, which leave from 0.
"""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .frame import IMAGE
from .sheet import Card, Sheet, Side, sheet_of

CARD = Card("Learn2Reg and DIR-Lab landmarks", ".csv .txt", "points", "voxel", "array axes, centre of the first voxel",
            "DIR-Lab counts from 1 and is read from 0")
_LEARN2REG = re.compile(r"(?:-?[0-9]{1,6}\.[0-9]{5},){2}-?[0-9]{1,6}\.[0-9]{5}\Z")
_DIRLAB = re.compile(r"[ ]{0,3}[0-9]{1,4}[ ]*\t[ ]{0,3}[0-9]{1,4}[ ]*\t[ ]{0,3}[0-9]{1,4}[ \t]*\Z")


def recognises(document: Document) -> bool:
    """Whether all rows look like one of the two; DIR-Lab's have blanks before the numbers."""
    rows = [text for text in document.lines if text.strip()]
    if _LEARN2REG.match(rows[0]):
        return all(map(_LEARN2REG.match, rows))
    return bool(_DIRLAB.match(rows[0])) and all(map(_DIRLAB.match, rows)) and any(text.startswith(" ") for text in rows)


def read(document: Document) -> Sheet:
    """All points, in voxels from 0."""
    rows = [(i, text) for i, text in enumerate(document.lines, 1) if text.strip()]
    first = 0.0 if "," in rows[0][1] else 1.0
    points = np.array([[float(cell) for cell in re.split(r"[,\t]", text.strip())] for _, text in rows]) - first
    return sheet_of(document.path, CARD.kind, [Side(points, "voxel", frame=IMAGE)], lines=[line for line, _ in rows])
