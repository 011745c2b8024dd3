"""One registration and what is asked of it, as a batch that every estimator answers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regerr.models.base import without_each
from regerr.pairs import FiducialPairs

_SPLITS = 3  # halvings of the points into blocks of neighbours, 8 in all


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
    """

    name: str
    source: np.ndarray
    target: np.ndarray
    points: np.ndarray
    answers: np.ndarray
    landmarks: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def count(self) -> int:
        """Points that are asked for."""
        return int(self.points.shape[0] * self.points.shape[1])

    @cached_property
    def pairs(self) -> FiducialPairs:
        """What is fitted."""
        return FiducialPairs(self.source, self.target)

    @cached_property
    def blocks(self) -> np.ndarray:
        """Number of the block of neighbours of each point, (b m,): halves of halves along the longest side."""
        return _halved(self.points.reshape(-1, self.points.shape[-1]), _SPLITS)

    def some(self, count: int) -> Case:
        """At most so many of the points, evenly spaced: rows of the batch, or points of its one dataset."""
        b, m = self.points.shape[:2]
        rows, columns = _spaced(b, count), _spaced(m, max(count // b, 1))
        names = np.array(self.landmarks, object).reshape(b, m)[np.ix_(rows, columns)]
        return Case(self.name, self.source[rows], self.target[rows], self.points[np.ix_(rows, columns)],
                    self.answers[np.ix_(rows, columns)], tuple(names.ravel()), self.units)


def left_out(name: str, pairs: FiducialPairs, units: Sequence[str], most: int, answers: np.ndarray | None = None) -> Case:
    """Each pair predicted from the others, of at most so many pairs, evenly spaced.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset.
    answers : (n, d), optional
        Where the points were localised by somebody else, in place of the pairs' own targets.
    """
    rows = _spaced(pairs.n, most)
    own = pairs.target if answers is None else answers
    source, target = (without_each(points)[rows] for points in (pairs.source, pairs.target))
    names = tuple(pairs.names[i] for i in rows)
    return Case(name, source, target, pairs.source[rows, None], own[rows, None], names, tuple(units))


def transfer(name: str, fitted: FiducialPairs, asked: FiducialPairs, units: Sequence[str], most: int) -> Case:
    """One registration predicts the pairs of another, at most so many."""
    rows = _spaced(asked.n, most)
    return Case(name, fitted.source[None], fitted.target[None], asked.source[None, rows], asked.target[None, rows],
                tuple(asked.names[i] for i in rows), tuple(units))


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
