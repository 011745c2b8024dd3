"""One registration and what is asked of it, as a batch that every estimator answers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regerr.models.base import without_each
from regerr.pair_covariances import PairCovariances
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
    told : FiducialPairs, batch (b,)
        What is fitted, with covariances for estimators that use them.
    points, answers : (b, m, d)
        In the source, and in the target.
    landmarks : tuple of str
        Of all b m points; the same name in two cases is the same landmark.
    units : tuple of str
        What the case stems from: raters, fields, subjects. Cases that share one are not independent.
    localised : PairCovariances (b, m, d, d), optional
        With which the points are localised in both spaces, up to the factor of the fiducials' covariances.
    """

    name: str
    told: FiducialPairs
    points: np.ndarray
    answers: np.ndarray
    landmarks: tuple[str, ...]
    units: tuple[str, ...]
    localised: PairCovariances | None = None

    @property
    def count(self) -> int:
        """Points that are asked for."""
        return int(self.points.shape[0] * self.points.shape[1])

    @cached_property
    def pairs(self) -> FiducialPairs:
        """What is fitted, without covariances."""
        return replace(self.told, source_covariance=None, target_covariance=None)

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
        known = None if self.localised is None else self.localised.mapped(lambda c: c[part])
        return replace(self, told=self.told[rows], points=self.points[part], answers=self.answers[part],
                       landmarks=tuple(names.ravel()), localised=known)


def left_out(name: str, pairs: FiducialPairs, units: Sequence[str], most: int, answers: np.ndarray | None = None) -> Case:
    """Each pair predicted from the others, of at most so many pairs, evenly spaced.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset; each left-out pair is localised with the covariances that it carries, if any.
    answers : (n, d), optional
        Where the points were localised by somebody else, in place of the pairs' own targets.
    """
    rows = _spaced(pairs.n, most)
    own = pairs.target if answers is None else answers
    known = _covariances(pairs)
    others = None if known is None else known.without_each(slice(None)).mapped(lambda c: c[rows])
    told = _batch(pairs, without_each(pairs.source)[rows], without_each(pairs.target)[rows], others)
    return Case(name, told, pairs.source[rows, None], own[rows, None], tuple(pairs.names[i] for i in rows), tuple(units),
                None if known is None else known.alone(slice(None)).mapped(lambda c: c[rows]))


def transfer(name: str, fitted: FiducialPairs, asked: FiducialPairs, units: Sequence[str], most: int) -> Case:
    """One registration predicts the pairs of another, at most so many; covariances that both carry are kept."""
    rows = _spaced(asked.n, most)
    fiducials, points = _covariances(fitted), _covariances(asked)
    told = _batch(fitted, fitted.source[None], fitted.target[None], fiducials and fiducials.mapped(lambda c: c[None]))
    return Case(name, told, asked.source[None, rows], asked.target[None, rows], tuple(asked.names[i] for i in rows), tuple(units),
                points and points.mapped(lambda c: c[None, rows]))


def spread(cases: list[Case], most: int) -> list[Case]:
    """At most so many of the cases, evenly spaced."""
    return [cases[i] for i in _spaced(len(cases), most)]


def _covariances(pairs: FiducialPairs) -> PairCovariances | None:
    """Those (n, d, d) that one dataset carries in both spaces."""
    own, others = pairs.source_covariance, pairs.target_covariance
    return None if own is None or others is None else PairCovariances(own, others)


def _batch(pairs: FiducialPairs, source: np.ndarray, target: np.ndarray, known: PairCovariances | None) -> FiducialPairs:
    """Datasets (b, n, d) of which all but the points is as in one."""
    own, others = (None, None) if known is None else (known.source, known.target)
    names = tuple(map(str, range(1, source.shape[-2] + 1)))
    return replace(pairs, source=source, target=target, names=names, source_covariance=own, target_covariance=others, unused=())


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
