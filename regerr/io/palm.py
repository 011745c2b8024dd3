"""Elements of Zeiss PALM for laser microdissection: the vertices of outlines, on the stage."""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .frame import Frame
from .sheet import Card, Sheet, Side, refusal, sheet_of
from .table import finite

CARD = Card("Zeiss PALM elements", ".txt", "points", "in the header", "of the stage", "vertices of all outlines")
_UNITS = {"MICROMETER": "µm", "NANOMETER": "nm", "MILLIMETER": "mm"}


def recognises(document: Document) -> bool:
    """Whether the first line is PALM's."""
    return document.head.startswith("PALMRobo Elements")


def read(document: Document) -> Sheet:
    """All vertices, named by their element; raises InputError when there is none, or no unit."""
    faults: list[str] = []
    unit = next((_UNITS[text.strip().upper()] for text in document.lines[:20] if text.strip().upper() in _UNITS), None)
    found: list[tuple[str, list[float], int]] = []
    element, vertex = "", 0
    body = next((i for i, text in enumerate(document.lines) if text.startswith("Type\t")), len(document.lines))
    for i, text in enumerate(document.lines[body + 1:], body + 2):
        if text.strip() and not text.startswith("."):
            element, vertex = _name(text), 0
        for cell in text[1:].split() if text.startswith(".") else []:
            vertex += 1
            found.append((f"{element}, vertex {vertex}", _point(cell, f"row {i}", faults), i))
    names, points, lines = [one[0] for one in found], [one[1] for one in found], [one[2] for one in found]
    if not points or unit is None:
        raise refusal(document.path, [*faults, "it holds no outlines" if not points
                                      else "it says no unit: MICROMETER is expected"])
    return sheet_of(document.path, CARD.kind, [Side(np.array(points), unit, frame=Frame())], names=names, lines=lines,
                    faults=faults)


def _name(text: str) -> str:
    """The comment of an element, else its type and number."""
    cells = [cell.strip() for cell in text.split("\t")]
    comment = cells[6] if len(cells) > 6 else ""
    return comment or " ".join([cells[0], *cells[3:4]])


def _point(cell: str, where: str, faults: list[str]) -> list[float]:
    parts = re.split(",", cell)
    if len(parts) != 2:
        faults.append(f"{where}: {cell[:40]!r} is no vertex x,y")
        return [np.nan] * 2
    return [finite(part, where, faults) for part in parts]
