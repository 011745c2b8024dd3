"""Transformations of ITK in text (``.tfm``, ``.txt``), as SimpleITK, Slicer and ANTs exchange them.

A file holds one transformation, or a composite whose last part acts first. What ITK calls a transformation maps points of the
fixed image to the moving image, in LPS; the file of a registration from source to target, used to resample the source, is
therefore the way from target to source.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from ..transforms import Transform
from .document import Document
from .sheet import Card, brief, refusal, tidy
from .table import finite

CARD = Card("ITK transformation", ".tfm .txt", "a transformation", "not in the file", "LPS; from fixed to moving",
            "translation, Euler, similarity, affine and composites of them")
TARGET_TO_SOURCE = True
_MAGIC = "#Insight Transform File V1.0"
_TYPE = re.compile(r"([A-Za-z0-9]+)_(?:double|float)_([23])_([23])\Z")


def recognises(document: Document) -> bool:
    """Whether the first line is ITK's."""
    return document.head.startswith(_MAGIC)


def read(document: Document) -> Transform:
    """The map that the file describes; raises InputError for other types and for numbers that are lacking."""
    blocks = _blocks(document)
    if not blocks:
        raise refusal(document.path, ["it holds no transformation"])
    if blocks[0]["Transform"].startswith("CompositeTransform"):
        blocks = blocks[1:]
    parts = [_transform(document, block) for block in blocks]
    if not parts or len({part.matrix.shape for part in parts}) > 1:
        raise refusal(document.path, ["its parts are 2D and 3D" if parts else "its composite is empty"])
    whole = parts[-1]
    for part in parts[-2::-1]:
        whole = whole.compose(part)
    return whole


def _blocks(document: Document) -> list[dict[str, str]]:
    blocks: list[dict[str, str]] = []
    for text in document.lines:
        key, colon, value = text.partition(":")
        if text.lstrip().startswith("#") or not colon:
            continue
        if key.strip() == "Transform":
            blocks.append({})
        if blocks:
            blocks[-1][key.strip()] = value.strip()
    return blocks


def _transform(document: Document, block: dict[str, str]) -> Transform:
    match = _TYPE.match(block["Transform"])
    kind, d = (match[1], int(match[2])) if match and match[2] == match[3] else (block["Transform"], 0)
    faults: list[str] = []
    p, centre = (np.array([finite(text, key, faults) for text in block.get(key, "").split()])
                 for key in ("Parameters", "FixedParameters"))
    if faults:
        raise refusal(document.path, faults)
    return build(document, kind, d, p, centre)


def build(document: Document, kind: str, d: int, parameters: np.ndarray, centre: np.ndarray) -> Transform:
    """The map of ITK's type ``kind`` in d dimensions; raises InputError for other types and numbers of parameters."""
    known = _KINDS.get(kind)
    if known is None or d not in known[0]:
        raise refusal(document.path, [f"its transformation is a {brief(kind) or 'nameless one'}, which is not read: give an "
                                      "affine, Euler or similarity transformation in text"])
    _, count, linear = known
    if len(parameters) != count(d) or len(centre) not in (0, d, d + 1):
        raise refusal(document.path, [f"its {kind} has {len(parameters)} parameters, where {count(d)} are expected, and "
                                      f"{len(centre)} fixed ones"])
    c = centre[:d] if len(centre) else np.zeros(d)
    shift = parameters[3:6] if kind == "Similarity3DTransform" else parameters[count(d) - d:]
    with np.errstate(over="ignore", invalid="ignore"):
        return Transform(linear(parameters, d), c, c + shift)


# The linear part of each type, from its parameters.


def _identity(p: np.ndarray, d: int) -> np.ndarray:
    return np.eye(d)


def _affine(p: np.ndarray, d: int) -> np.ndarray:
    return p[: d * d].reshape(d, d)


def _turn(p: np.ndarray, d: int = 2) -> np.ndarray:
    return np.array([[np.cos(p[0]), -np.sin(p[0])], [np.sin(p[0]), np.cos(p[0])]])


def _similarity(p: np.ndarray, d: int) -> np.ndarray:
    return np.asarray(p[0] * _turn(p[1:]))


def _euler(p: np.ndarray, d: int) -> np.ndarray:
    """The rotation z x y of angles about x, y and z."""
    x, y, z = np.eye(3), np.eye(3), np.eye(3)
    x[1:, 1:], z[:2, :2] = _turn(p), _turn(p[2:])
    y[np.ix_([2, 0], [2, 0])] = _turn(p[1:])
    return z @ x @ y


def _versor(p: np.ndarray, d: int) -> np.ndarray:
    """The rotation of the unit quaternion whose vector part comes first."""
    x, y, z = p[:3]
    w = np.sqrt(max(0.0, 1.0 - x * x - y * y - z * z))
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def _scaled_versor(p: np.ndarray, d: int) -> np.ndarray:
    return np.asarray(p[6] * _versor(p, d))


# Dimensions, number of parameters, linear part.
_KINDS: dict[str, tuple[tuple[int, ...], Callable[[int], int], Callable[[np.ndarray, int], np.ndarray]]] = {
    "TranslationTransform": ((2, 3), lambda d: d, _identity),
    "AffineTransform": ((2, 3), lambda d: d * d + d, _affine),
    "MatrixOffsetTransformBase": ((2, 3), lambda d: d * d + d, _affine),
    "Euler2DTransform": ((2,), lambda d: 3, _turn),
    "Rigid2DTransform": ((2,), lambda d: 3, _turn),
    "Similarity2DTransform": ((2,), lambda d: 4, _similarity),
    "Euler3DTransform": ((3,), lambda d: 6, _euler),
    "VersorRigid3DTransform": ((3,), lambda d: 6, _versor),
    "Similarity3DTransform": ((3,), lambda d: 7, _scaled_versor),
}


def write(transform: Transform, remark: str) -> str:
    """An affine transformation about the image of the centre, with a remark that says what it maps."""
    d = transform.matrix.shape[-1]
    shift = transform.target_centre - transform.source_centre
    parameters = " ".join(repr(value) for value in [*transform.matrix.ravel().tolist(), *shift.tolist()])
    fixed = " ".join(repr(value) for value in transform.source_centre.tolist())
    return (f"{_MAGIC}\n# {tidy(remark)}\n#Transform 0\nTransform: AffineTransform_double_{d}_{d}\nParameters: {parameters}\n"
            f"FixedParameters: {fixed}\n")
