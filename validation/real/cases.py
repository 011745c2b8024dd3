"""One registration and what is asked of it, as a batch that every estimator answers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regerr.models.base import without_each
from regerr.pairs import FiducialPairs

_SPLITS = 3  # halvings of the points into blocks of neighbours, 8 in all


@dataclass(frozen=True)
class Size:
    """How much is asked.

    Attributes
    ----------
    points : int
        At most of one registration.
    cases : int
        At most of one question, evenly spaced.
    measured : int
        Regions without a closed form that are measured, of one question.
    """

    points: int = 60
    cases: int = 90
    measured: int = 24


QUICK = Size(8, 6, 2)
EVERY = 10**6  # points


@dataclass(frozen=True, eq=False)
class Case:
    """Datasets to fit, points to predict in each, and where those truly were localised.

    Attributes
    ----------
    name : str
    source, target : (b, n, d)
    points, answers : (b, m, d)
        In the source, and in the target.
    landmarks : tuple of str
        Of all b m points; the same name in two cases is the same landmark.
    units : tuple of str
        What the case stems from: raters, fields, subjects. Cases that share one are not independent.
    covariance, point_covariance : (b, n, d, d) and (b, m, d, d), optional
        With which fiducials and points are localised in each space, up to a factor; for estimators that use them.
    """

    name: str
    source: np.ndarray
    target: np.ndarray
    points: np.ndarray
    answers: np.ndarray
    landmarks: tuple[str, ...]
    units: tuple[str, ...]
    covariance: np.ndarray | None = None
    point_covariance: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Points that are asked for."""
        return int(self.points.shape[0] * self.points.shape[1])

    @cached_property
    def pairs(self) -> FiducialPairs:
        """What is fitted."""
        return FiducialPairs(self.source, self.target)

    @cached_property
    def told(self) -> FiducialPairs:
        """What is fitted, with its covariances."""
        return replace(self.pairs, source_covariance=self.covariance, target_covariance=self.covariance)

    @cached_property
    def blocks(self) -> np.ndarray:
        """Number of the block of neighbours of each point, (b m,): halves of halves along the longest side."""
        return _halved(self.points.reshape(-1, self.points.shape[-1]), _SPLITS)

    def some(self, count: int, first: int = 0) -> Case:
        """At most so many of the points, evenly spaced from the first on: rows of the batch, or points of its one dataset."""
        b, m = self.points.shape[:2]
        rows, columns = _from(b, count, first), _from(m, max(count // b, 1), first)
        names = np.array(self.landmarks, object).reshape(b, m)[np.ix_(rows, columns)]
        part = np.ix_(rows, columns)
        return replace(self, source=self.source[rows], target=self.target[rows], points=self.points[part],
                       answers=self.answers[part], landmarks=tuple(names.ravel()),
                       covariance=None if self.covariance is None else self.covariance[rows],
                       point_covariance=None if self.point_covariance is None else self.point_covariance[part])


def left_out(name: str, pairs: FiducialPairs, units: Sequence[str], most: int, answers: np.ndarray | None = None,
             covariance: np.ndarray | None = None) -> Case:
    """Each pair predicted from the others, of at most so many pairs, evenly spaced.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset.
    answers : (n, d), optional
        Where the points were localised by somebody else, in place of the pairs' own targets.
    covariance : (n, d, d), optional
        With which each point is localised, up to a factor.
    """
    rows = _spaced(pairs.n, most)
    own = pairs.target if answers is None else answers
    source, target = (without_each(points)[rows] for points in (pairs.source, pairs.target))
    names = tuple(pairs.names[i] for i in rows)
    others = None if covariance is None else covariance[without_each(np.arange(pairs.n)[:, None])[rows, :, 0].astype(int)]
    return Case(name, source, target, pairs.source[rows, None], own[rows, None], names, tuple(units), others,
                None if covariance is None else covariance[rows, None])


def transfer(name: str, fitted: FiducialPairs, asked: FiducialPairs, units: Sequence[str], most: int) -> Case:
    """One registration predicts the pairs of another, at most so many."""
    rows = _spaced(asked.n, most)
    return Case(name, fitted.source[None], fitted.target[None], asked.source[None, rows], asked.target[None, rows],
                tuple(asked.names[i] for i in rows), tuple(units))


def spread(cases: list[Case], most: int) -> list[Case]:
    """At most so many of the cases, evenly spaced."""
    return [cases[i] for i in _spaced(len(cases), most)]


def _from(n: int, most: int, first: int) -> np.ndarray:
    """At most so many of n, evenly spaced in a ring."""
    k = min(n, most)
    return np.sort((first + np.arange(k) * n // k) % n)


def _spaced(n: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _halved(points: np.ndarray, splits: int) -> np.ndarray:
    """Blocks of about equal size, numbered; points at one place stay together but for ties of a coordinate."""
    if splits == 0 or len(points) < 2:
        return np.zeros(len(points), int)
    axis = int(np.argmax(np.ptp(points, axis=0)))
    upper = np.argsort(np.argsort(points[:, axis], kind="stable"), kind="stable") >= len(points) / 2
    out = np.empty(len(points), int)
    for side in (False, True):
        out[upper == side] = 2 * _halved(points[upper == side], splits - 1) + side
    return out
