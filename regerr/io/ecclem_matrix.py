"""The matrix that ec-CLEM 2 (Icy) writes, XML: from the source to the target, in micrometres."""

from __future__ import annotations

import numpy as np

from ..transforms import Transform
from .document import Document
from .markup import parse, root_tag
from .sheet import Card, refusal
from .table import finite

CARD = Card("ec-CLEM matrix", ".xml", "a transformation", "µm", "from source to target", "4 x 4, in 3D")
TARGET_TO_SOURCE = False


def recognises(document: Document) -> bool:
    """Whether the file holds a matrix of ec-CLEM, and no points."""
    return root_tag(document) == "root" and "<MatrixTransformation" in document.text and "<point" not in document.text


def read(document: Document) -> Transform:
    """The map in 3D; raises InputError for entries that are lacking, and for a last row other than 0 0 0 1."""
    found = list(parse(document).iter("MatrixTransformation"))
    faults: list[str] = []
    if not found:
        raise refusal(document.path, ["it holds no matrix"])
    entries = [[finite(found[-1].get(f"m{i}{j}", ""), f"m{i}{j}", faults) for j in range(4)] for i in range(4)]
    if faults or entries[3] != [0.0, 0.0, 0.0, 1.0]:
        raise refusal(document.path, faults or ["the last row of its matrix is not 0 0 0 1"])
    matrix = np.array(entries)
    return Transform.from_matrix(matrix[:3, :3], matrix[:3, 3])
