"""Parameter files of elastix, ``TransformParameters.0.txt``: a translation, an Euler, a similarity or an affine transformation.

It maps points of the fixed image to the moving image, in world coordinates: ``T(x) = A (x - c) + t + c``. A file that
continues another is refused, since that one's place is not known.
"""

from __future__ import annotations

import re

import numpy as np

from ..transforms import Transform
from .document import Document
from .itk_transform import build
from .sheet import Card, refusal
from .table import finite

CARD = Card("elastix transformation", ".txt", "a transformation", "mm", "LPS; from fixed to moving",
            "Euler and affine; no chains")
# What ITK calls the types whose parameters are in ITK's order.
TARGET_TO_SOURCE = True
_NAMES = {("EulerTransform", 2): "Euler2DTransform", ("EulerTransform", 3): "Euler3DTransform",
          ("SimilarityTransform", 2): "Similarity2DTransform", ("SimilarityTransform", 3): "Similarity3DTransform"}
_FIELD = re.compile(r"^[ \t]*\(([A-Za-z]+)[ \t]+([^\n)]*)\)", re.MULTILINE)


def recognises(document: Document) -> bool:
    """Whether the text has elastix's parameters."""
    return document.head.startswith(("(", "//")) and "(TransformParameters" in document.text


def read(document: Document) -> Transform:
    """The map that the file describes; raises InputError for other types, chains, and numbers that are lacking."""
    fields = {m[1]: m[2].strip().strip('"') for m in _FIELD.finditer(document.text)}
    kind, before = fields.get("Transform", ""), fields.get("InitialTransformParametersFileName", "NoInitialTransform")
    faults: list[str] = []
    if before not in ("", "NoInitialTransform"):
        faults.append("it continues another file of parameters: combine them into one")
    if fields.get("ComputeZYX", "false") == "true":
        faults.append("its Euler angles are in the order ZYX, which is not read: give an affine transformation")
    p, centre = (np.array([finite(text, key, faults) for text in fields.get(key, "").split()])
                 for key in ("TransformParameters", "CenterOfRotationPoint"))
    if faults:
        raise refusal(document.path, faults)
    d = {"2": 2, "3": 3}.get(fields.get("FixedImageDimension", ""), len(centre))
    return build(document, _NAMES.get((kind, d), kind), d, p, centre)
