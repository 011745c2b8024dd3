"""True transformations, drawn at random or given: what an estimate is compared with.

Every truth has ``dimension`` and ``sample(rng, batch)``, which gives one ``regerr`` Transform that holds the whole batch.
Rotations are always proper; without a largest angle they follow the uniform (Haar) measure.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from regerr.errors import InputError
from regerr.linalg import transpose
from regerr.transforms import Transform

from ._checks import Vector, check_dimension, check_matrix, check_not_negative, check_positive, check_range, check_vector
from .layouts import FIELD, unit_vectors


@dataclass(frozen=True)
class Rigid:
    """A random rotation about a centre and a random shift.

    Parameters
    ----------
    dimension : 2 or 3
    max_angle : float, optional
        Largest angle of rotation in degrees: uniform within it, about a uniform axis in 3D. None: any rotation, Haar measure.
    shift : float
        Each coordinate of the centre moves by a uniform amount within ``-shift`` and ``shift``, in target units.
    centre : float or one per axis
        The point of the source that is rotated about, the middle of a 512 x 512 image by default.
    """

    dimension: int = 2
    _: KW_ONLY
    max_angle: float | None = None
    shift: float = 100.0
    centre: Vector = FIELD / 2

    def __post_init__(self) -> None:
        check_dimension(self.dimension)
        check_not_negative("shift", self.shift)
        object.__setattr__(self, "centre", check_vector("centre", self.centre, self.dimension))
        if self.max_angle is not None and check_not_negative("max_angle", self.max_angle) > 180:
            raise InputError(f"max_angle is {self.max_angle:g} degrees: give at most 180, or None for any rotation")

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Transform:
        """One transformation per element of the batch."""
        matrix = rotations(rng, batch, self.dimension, self.max_angle) @ self._stretch(rng, batch)
        centre = np.broadcast_to(np.asarray(self.centre, float), (*batch, self.dimension))
        return Transform(matrix, centre, centre + rng.uniform(-self.shift, self.shift, centre.shape))

    def _stretch(self, rng: np.random.Generator, batch: tuple[int, ...]) -> np.ndarray:
        """The symmetric factor of the matrix, broadcasting to (*batch, d, d)."""
        return np.eye(self.dimension)


@dataclass(frozen=True, kw_only=True)
class Similarity(Rigid):
    """A rigid motion and a scale.

    Parameters
    ----------
    scale : (float, float)
        The scale, target over source, is log-uniform between the two; equal numbers fix it.
    """

    scale: tuple[float, float] = (0.5, 2.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", check_range("scale", self.scale, above=0.0))

    def _stretch(self, rng: np.random.Generator, batch: tuple[int, ...]) -> np.ndarray:
        return np.eye(self.dimension) * log_uniform(rng, *self.scale, batch)[..., None, None]


@dataclass(frozen=True, kw_only=True)
class Affine(Similarity):
    """A rotation after a stretch along random axes, ``A = R V diag(s) V'``.

    Parameters
    ----------
    stretch : float
        The largest principal stretch over the smallest, exactly. In 3D the third is log-uniform between them.
    scale : (float, float)
        Range of the geometric mean of the principal stretches, log-uniform; 1 by default.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    stretch: float = 1.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if check_positive("stretch", self.stretch) < 1:
            raise InputError(f"stretch is {self.stretch:g}: give the largest over the smallest principal stretch, at least 1")

    def _stretch(self, rng: np.random.Generator, batch: tuple[int, ...]) -> np.ndarray:
        half = math.log(self.stretch) / 2
        logs = np.empty((*batch, self.dimension))
        logs[..., :2] = -half, half
        logs[..., 2:] = rng.uniform(-half, half, logs[..., 2:].shape)
        logs += (np.log(log_uniform(rng, *self.scale, batch)) - logs.mean(-1))[..., None]
        axes = rotations(rng, batch, self.dimension)
        return (axes * np.exp(logs)[..., None, :]) @ transpose(axes)


@dataclass(frozen=True)
class Identity:
    """Nothing moves: source and target are one space."""

    dimension: int = 2

    def __post_init__(self) -> None:
        check_dimension(self.dimension)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Transform:
        """The identity for every element of the batch; draws nothing."""
        return Given(np.eye(self.dimension)).sample(rng, batch)


@dataclass(frozen=True)
class Given:
    """One known transformation ``T(x) = A x + t``.

    Parameters
    ----------
    matrix : (d, d) array
    offset : (d,) array or one number for all axes
        In target units. Both are kept as tuples, so that truths compare by content.
    """

    matrix: Any
    offset: Any = field(default=0.0)

    def __post_init__(self) -> None:
        rows = check_matrix("matrix", self.matrix)
        check_dimension(len(rows))
        if len(rows[0]) != len(rows):
            raise InputError(f"matrix has shape ({len(rows)}, {len(rows[0])}): give (2, 2) or (3, 3)")
        object.__setattr__(self, "matrix", rows)
        object.__setattr__(self, "offset", check_vector("offset", self.offset, len(rows)))

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.matrix)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Transform:
        """The same transformation for every element of the batch; draws nothing."""
        d = self.dimension
        return Transform.from_matrix(np.broadcast_to(np.array(self.matrix), (*batch, d, d)),
                                     np.broadcast_to(np.asarray(self.offset, float), (*batch, d)))


def rotations(rng: np.random.Generator, batch: tuple[int, ...], dimension: int, max_angle: float | None = None) -> np.ndarray:
    """Proper rotations (*batch, d, d): Haar measure, or within an angle in degrees (uniform angle, uniform axis)."""
    if dimension == 2:
        half_turn = math.pi if max_angle is None else math.radians(max_angle)
        angle = rng.uniform(-half_turn, half_turn, batch)
        c, s = np.cos(angle), np.sin(angle)
        return np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    if max_angle is None:
        return _rotation_of(unit_vectors(rng, (*batch, 4)))
    half = rng.uniform(0.0, math.radians(max_angle) / 2, (*batch, 1))
    return _rotation_of(np.concatenate([np.cos(half), np.sin(half) * unit_vectors(rng, (*batch, 3))], -1))


def log_uniform(rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers between two positive ones, uniform in their logarithm."""
    return np.asarray(np.exp(rng.uniform(math.log(low), math.log(high), shape)))


def _rotation_of(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4), scalar part first; uniform ones give the Haar measure."""
    w, v = quaternion[..., 0, None, None], quaternion[..., 1:]
    x, y, z = np.moveaxis(v, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross
