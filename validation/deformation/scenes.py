"""Where landmarks lie, and how they truly move: a rotation, after a stretch along the first axis that no rigid model has."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from regerr.linalg import apply, symmetrised
from regerr.pairs import FiducialPairs
from simulations import rotations

from .noises import Gaussian, Law

GATHERED = {2: (22.0, 22.0), 3: (22.0, 22.0, 22.0)}
BRAIN = (15.0, 16.0, 25.0)  # spread of the landmarks of a human brain, mm


@dataclass(frozen=True)
class Scene:
    """Pairs of one person or program, new positions for each dataset.

    Parameters
    ----------
    spread : tuple of float
        S.d. of positions along each axis; its length is the dimension.
    n : int
    stretch : float
        Of the first axis: 0.01 is one per cent.
    side : float, optional
        Positions uniform in a square or cube of this side instead.
    noise : float
        S.d. per coordinate in each space.
    law : Law
    spaces : (float, float)
        How often that s.d. in the source and in the target.
    mirrored : bool
        Landmarks 1 and 2, 3 and 4, ... lie opposite each other along the first axis, as left and right do.
    """

    spread: tuple[float, ...]
    n: int
    stretch: float = 0.0
    side: float | None = None
    noise: float = 1.0
    law: Law = field(default_factory=Gaussian)
    spaces: tuple[float, float] = (1.0, 1.0)
    mirrored: bool = False

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.spread)

    def sample(self, rng: np.random.Generator, size: int) -> FiducialPairs:
        """So many datasets."""
        x, y = self.true(rng, size)
        source, target = (points + self.noise * part * self.law.sample(rng, points)
                          for points, part in zip((x, y), self.spaces, strict=True))
        return FiducialPairs(source, apply(rotations(rng, (size,), self.dimension), target))

    def true(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        """True positions (size, n, d) in both spaces, that of the target not yet turned."""
        shape = (size, self.n, self.dimension)
        x = np.multiply(self.spread, rng.standard_normal(shape)) if self.side is None else self.side * rng.random(shape)
        if self.mirrored:
            x[:, 1::2] = x[:, :self.n - 1:2]
            x[:, 1::2, 0] *= -1.0
        return x, x * np.array([1.0 + self.stretch, *[1.0] * (self.dimension - 1)])


@dataclass(frozen=True)
class Raters(Scene):
    """Pairs (size, K, n, d) by K people in each image, each of whom strains what they see in a way of their own.

    Parameters
    ----------
    raters : int
    bias : float
        S.d. of the entries on the diagonal of a person's strain, a symmetric matrix.
    """

    raters: int = 4
    bias: float = 0.01

    def sample(self, rng: np.random.Generator, size: int) -> FiducialPairs:
        """So many datasets."""
        source, target = (self._placed(rng, points) for points in self.true(rng, size))
        return FiducialPairs(source, apply(rotations(rng, (size, 1), self.dimension), target))

    def _placed(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        size, n, d = points.shape
        strain = self.bias * symmetrised(rng.standard_normal((size, self.raters, d, d)))
        centred = np.broadcast_to((points - points.mean(1, keepdims=True))[:, None], (size, self.raters, n, d))
        return points[:, None] + apply(strain, centred) + self.noise * self.law.sample(rng, centred)
