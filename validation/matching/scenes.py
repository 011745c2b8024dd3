"""Point sets whose pairs are known: with points missing and spurious on both sides, or with nothing in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regerr.transforms import Transform

FIELD = {2: np.array([1000.0, 1000.0]), 3: np.array([1000.0, 1000.0, 300.0])}
_CLUSTERS, _WIDTH = 4, 60.0


@dataclass(frozen=True, eq=False)
class Case:
    """Two sets, and which target point belongs to each source point (-1: none)."""

    source: np.ndarray
    target: np.ndarray
    partner: np.ndarray
    truth: Transform


@dataclass(frozen=True)
class Related:
    """Beads seen in both images.

    Parameters
    ----------
    dimension : int
    n : int
        Points on each side.
    missing : float
        Share of each side without a partner.
    model : str
        Family of the true map: any rotation; scale 0.6 to 1.6; strains of 5 % s.d.
    noise : float
        S.d. per coordinate in each image, in the source's unit.
    share_of_field : float
        Side of the source's field over that of the target: an EM image within an LM image.
    extra : int
        Further points of the target alone.
    """

    dimension: int
    n: int
    missing: float
    model: str
    noise: float = 2.0
    share_of_field: float = 1.0
    extra: int = 0

    def sample(self, rng: np.random.Generator) -> Case:
        """One case."""
        d, side = self.dimension, FIELD[self.dimension]
        common = round(self.n * (1.0 - self.missing))
        alone = self.n - common
        own = side * np.where(np.arange(d) < 2, self.share_of_field, 1.0)
        true, matrix = rng.uniform(size=(common, d)) * own, drawn_matrix(self.model, d, rng)
        truth = Transform(matrix, side / 2, side + side / 2)
        size = abs(np.linalg.det(matrix)) ** (1.0 / d)
        source = np.concatenate([true + self.noise * rng.standard_normal(true.shape), rng.uniform(size=(alone, d)) * own])
        seen = truth.apply(true) + size * self.noise * rng.standard_normal(true.shape)
        others = truth.apply(rng.uniform(size=(alone + self.extra, d)) * side)
        order = rng.permutation(self.n + self.extra)
        partner = np.full(self.n, -1)
        partner[:common] = np.argsort(order)[:common]
        return Case(source, np.concatenate([seen, others])[order], partner, truth)

    def targets(self, rng: np.random.Generator, number: int = 100) -> np.ndarray:
        """Places over the source's field, (number, d)."""
        own = np.where(np.arange(self.dimension) < 2, self.share_of_field, 1.0)
        return rng.uniform(size=(number, self.dimension)) * FIELD[self.dimension] * own


@dataclass(frozen=True)
class Unrelated:
    """Two sets with nothing in common.

    Parameters
    ----------
    dimension, n
        As in `Related`.
    layout : {"uniform", "clusters", "same clusters", "curve", "mirrored"}
        Independent in each layout; "same clusters" share the places of the clusters, "mirrored" is a mirror image with noise.
    """

    dimension: int
    n: int
    layout: str

    def sample(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Source and target."""
        return _LAYOUTS[self.layout](rng, self.dimension, self.n)


def drawn_matrix(model: str, d: int, rng: np.random.Generator) -> np.ndarray:
    """A rotation, uniform over all; with a scale, or a scale and strains."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    q = q * np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    scale = rng.uniform(0.6, 1.6) if model != "rigid" else 1.0
    strain = 0.05 * rng.standard_normal((d, d)) if model == "affine" else np.zeros((d, d))
    return scale * q @ (np.eye(d) + 0.5 * (strain + strain.T))


def _uniform(rng: np.random.Generator, d: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(size=(n, d)) * FIELD[d], rng.uniform(size=(n, d)) * FIELD[d]


def _gathered(rng: np.random.Generator, centres: np.ndarray, n: int) -> np.ndarray:
    return centres[rng.integers(len(centres), size=n)] + _WIDTH * rng.standard_normal((n, centres.shape[1]))


def _clusters(rng: np.random.Generator, d: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    one, two = (_gathered(rng, rng.uniform(size=(_CLUSTERS, d)) * FIELD[d], n) for _ in range(2))
    return one, two


def _same_clusters(rng: np.random.Generator, d: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    centres = rng.uniform(size=(_CLUSTERS, d)) * FIELD[d]
    return _gathered(rng, centres, n), _gathered(rng, centres, n)


def _curve(rng: np.random.Generator, d: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    along = rng.uniform(size=(2, n)) * 1000.0
    points = np.zeros((2, n, d))
    points[..., 0], points[..., 1] = along, 200.0 * np.sin(along / 150.0)
    points += 10.0 * rng.standard_normal(points.shape)
    return points[0], points[1]


def _mirrored(rng: np.random.Generator, d: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    points = rng.uniform(size=(n, d)) * FIELD[d]
    flip = np.where(np.arange(d) == 0, -1.0, 1.0)
    return points, points * flip + 2.0 * rng.standard_normal(points.shape)


_LAYOUTS = {"uniform": _uniform, "clusters": _clusters, "same clusters": _same_clusters, "curve": _curve, "mirrored": _mirrored}
