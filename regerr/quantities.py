"""A fitted transformation in quantities that a person can check by eye, each with its s.d. (theory, sections 4 and 18).

Everything is a smooth function of the linear part A, so one covariance of A and one gradient per quantity are enough (the
delta method): rotation by the polar decomposition, scale by the determinant, stretch and shear by the images of the axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .linalg import outer, trace, transpose
from .tangent import turns

if TYPE_CHECKING:
    from .results import RegistrationResult

_AXES = "xyz"
_DEGREES = 180.0 / np.pi


@dataclass(frozen=True, eq=False)
class Quantity:
    """One readable quantity of a transformation.

    Attributes
    ----------
    name : str
    value, sd : (...)
        Value and s.d., in ``unit``; the s.d. is infinite where the fiducials do not bound it, NaN for a failed dataset.
    unit : str
        Empty for a pure number.
    definition : str
        What it is, in one phrase.
    """

    name: str
    value: np.ndarray
    sd: np.ndarray
    unit: str
    definition: str


@dataclass(frozen=True, eq=False)
class _Function:
    """A function of the linear part: its value (...) and its gradient (..., d, d)."""

    name: str
    value: np.ndarray
    gradient: np.ndarray
    unit: str
    definition: str

    def sd(self, covariance: np.ndarray) -> np.ndarray:
        """By the delta method from a covariance (..., d, d, d, d) of A; infinite where that is not finite."""
        bounded = np.isfinite(covariance).all((-4, -3, -2, -1))
        finite = np.where(bounded[..., None, None, None, None], covariance, 0.0)
        variance = np.einsum("...ij,...ijkl,...kl->...", self.gradient, finite, self.gradient)
        return np.where(bounded, np.sqrt(np.maximum(variance, 0.0)), np.inf)


def quantities(result: RegistrationResult) -> tuple[Quantity, ...]:
    """Rotation; scale, stretch and shear as far as the model leaves them free; the image of the fiducials' centroid.

    Angles are in degrees, scales in target units per source unit. A transformation that mirrors is described after the last
    axis of the source was flipped (see `mirrored`).
    """
    covariance = result.estimator.matrix_covariance(result.fitted)
    failed = result.failure > 0
    found = [Quantity(f.name, f.value, np.where(failed, np.nan, f.sd(covariance)), f.unit, f.definition)
             for f in _functions(result)]
    return (*found, *_centroid(result))


def mirrored(result: RegistrationResult) -> np.ndarray:
    """Whether the transformation mirrors, (...): the determinant of A is negative."""
    return np.asarray(np.linalg.det(result.transform.matrix) < 0)


# Functions of A


def _functions(result: RegistrationResult) -> list[_Function]:
    """All that the model leaves free; the others have no variation."""
    source, target = result.pairs.source_unit, result.pairs.target_unit
    unit = "" if source == target else f"{target} per {source}"
    matrix = np.where(result.failure[..., None, None] > 0, np.eye(result.pairs.dimension), result.transform.matrix)
    d = result.pairs.dimension
    beyond_rigid = result.model.card.parameters[d] - d - len(turns(d))
    rotation, scale = _rotation(matrix), _scale(matrix, unit)
    if beyond_rigid > 1:
        return [*rotation, scale, *_axis_scales(matrix, unit), *_shears(matrix), *_stretches(matrix, unit)]
    return [*rotation, scale] if beyond_rigid else rotation


def _rotation(matrix: np.ndarray) -> list[_Function]:
    """The angle, in 3D also the rotation vector about the axes of the target."""
    flip = _flip(matrix)
    turn, stretch = _polar(matrix * flip[..., None, :])
    if matrix.shape[-1] == 2:
        angle = np.arctan2(turn[..., 1, 0], turn[..., 0, 0])
        gradient = _turn_gradients(turn, stretch)[..., 0, :, :] * flip[..., None, :]
        return [_angle("rotation", angle, gradient, "angle from the x towards the y axis")]
    vector = _rotation_vector(turn)
    gradients = np.einsum("...mk,...kij->...mij", _left_jacobian_inverse(vector), _turn_gradients(turn, stretch))
    gradients = gradients * flip[..., None, None, :]
    angle = np.linalg.norm(vector, axis=-1)
    with np.errstate(invalid="ignore"):
        axis = np.where(angle[..., None] > 0, vector / angle[..., None], 1.0 / np.sqrt(3.0))
    about_axis = np.einsum("...m,...mij->...ij", axis, gradients)
    parts = [_angle(f"rotation about {_AXES[m]}", vector[..., m], gradients[..., m, :, :],
                    f"{_AXES[m]} component of the rotation vector") for m in range(3)]
    return [_angle("rotation", angle, about_axis, "angle about the axis of the rotation vector"), *parts]


def _scale(matrix: np.ndarray, unit: str) -> _Function:
    d = matrix.shape[-1]
    value = np.abs(np.linalg.det(matrix)) ** (1.0 / d)
    gradient = value[..., None, None] / d * transpose(np.linalg.inv(matrix))
    ratio = {2: "square root of the ratio of areas", 3: "cube root of the ratio of volumes"}[d]
    return _Function("scale", value, gradient, unit, ratio)


def _axis_scales(matrix: np.ndarray, unit: str) -> list[_Function]:
    """Lengths of the images of the source's axes."""
    d = matrix.shape[-1]
    lengths = np.linalg.norm(matrix, axis=-2)
    directions = matrix / lengths[..., None, :]
    return [_Function(f"scale along {_AXES[j]}", lengths[..., j], _column(directions[..., j], j, d), unit,
                      f"length of the image of a unit step along {_AXES[j]} of the source") for j in range(d)]


def _shears(matrix: np.ndarray) -> list[_Function]:
    """How far the images of two axes of the source are from a right angle."""
    return [_shear(matrix, j, k) for j, k in combinations(range(matrix.shape[-1]), 2)]


def _shear(matrix: np.ndarray, j: int, k: int) -> _Function:
    d = matrix.shape[-1]
    lengths = np.linalg.norm(matrix, axis=-2)
    a, b = (matrix[..., i] / lengths[..., i, None] for i in (j, k))
    cosine = (a * b).sum(-1)
    gradient = (_column((b - cosine[..., None] * a) / lengths[..., j, None], j, d)
                + _column((a - cosine[..., None] * b) / lengths[..., k, None], k, d))
    gradient = gradient / np.sqrt(np.maximum(1.0 - cosine**2, np.finfo(float).tiny))[..., None, None]
    return _angle(f"shear {_AXES[j]}{_AXES[k]}", np.arcsin(np.clip(cosine, -1.0, 1.0)), gradient,
                  f"90 degrees minus the angle between the images of the {_AXES[j]} and {_AXES[k]} axes of the source")


def _stretches(matrix: np.ndarray, unit: str) -> list[_Function]:
    """Largest and smallest singular value; ``d s_k = u_k' dA v_k``."""
    u, s, vt = np.linalg.svd(matrix)
    return [_Function(f"{which} stretch", s[..., k], outer(u[..., k], vt[..., k, :]), unit,
                      f"scale along the direction that is stretched {most}")
            for which, k, most in (("largest", 0, "most"), ("smallest", -1, "least"))]


def _centroid(result: RegistrationResult) -> list[Quantity]:
    """The image of the fiducials' centroid: the translation that does not depend on where the origin lies."""
    variances = np.einsum("...ii->...i", result.fitted.noise_covariance) / result.pairs.n
    return [Quantity(f"centroid {_AXES[j]}", result.fitted.y_mean[..., j], np.sqrt(variances[..., j]), result.pairs.target_unit,
                     f"{_AXES[j]} of the image of the fiducials' centroid") for j in range(result.pairs.dimension)]


# Pieces


def _angle(name: str, radians: np.ndarray, gradient: np.ndarray, definition: str) -> _Function:
    return _Function(name, radians * _DEGREES, gradient * _DEGREES, "deg", definition)


def _column(vector: np.ndarray, j: int, d: int) -> np.ndarray:
    """A matrix (..., d, d) with one column filled."""
    return outer(vector, np.eye(d)[j])


def _flip(matrix: np.ndarray) -> np.ndarray:
    """Signs (..., d) of the source's axes that make the determinant positive."""
    sign = np.ones(matrix.shape[:-1])
    sign[..., -1] = np.where(np.linalg.det(matrix) < 0, -1.0, 1.0)
    return sign


def _polar(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``A = R P`` with a rotation R and a positive P."""
    u, s, vt = np.linalg.svd(matrix)
    return u @ vt, (transpose(vt) * s[..., None, :]) @ vt


def _turn_gradients(turn: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """Gradients (..., k, d, d) of the small rotation ``dR = [w]_x R``, in the target's frame.

    With ``M = R'dA``: ``M - M' = W P + P W``, so ``(tr P I - P) w = sum_ab turns_ab M_ab`` in the frame of the source.
    """
    generators = turns(turn.shape[-1])
    moments = turn[..., None, :, :] @ generators
    if len(generators) == 1:
        return moments / trace(stretch)[..., None, None, None]
    inertia = trace(stretch)[..., None, None] * np.eye(3) - stretch
    return np.einsum("...mk,...kij->...mij", turn @ np.linalg.inv(inertia), moments)


def _rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle (..., 3), radians."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_rotvec()).reshape(rotation.shape[:-1])


def _left_jacobian_inverse(vector: np.ndarray) -> np.ndarray:
    """``d vector = J^-1 w`` for ``R -> exp([w]_x) R``: (..., 3, 3)."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    half = 0.5 * angle
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = np.where(angle > 1e-4, (1.0 - half / np.tan(half)) / angle**2, 1.0 / 12.0)
    cross = np.einsum("...k,kij->...ij", vector, turns(3))
    return np.eye(3) - 0.5 * cross + shrink * (cross @ cross)
