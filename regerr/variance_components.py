"""Scatter of repeated localisations, split into what one person varies and what people differ by.

Placement s of point l by person r is ``mu_l + b_rl + e_rls``: the true place, the person's own idea of it, and what changes from
one placement to the next. Sums of squares within and between the people of each point give unbiased covariances of e and b in
closed form, however many placements are missing (Henderson 1953, method 1; Searle, Casella & McCulloch 1992, ch. 3). Standard
errors come from the points and people as the units that were drawn, since points are unequal and a person's placements go
together (two-way clusters: Cameron, Gelbach & Miller 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .linalg import trace

_FEW = 3  # fewest people whose differences tell a standard error


@dataclass(frozen=True, eq=False)
class Estimate:
    """A quantity and its standard error, arrays of one shape; NaN where there is none.

    Attributes
    ----------
    value, error : arrays
    """

    value: np.ndarray
    error: np.ndarray

    def __getitem__(self, index: int) -> Estimate:
        """One of several."""
        return Estimate(self.value[index], self.error[index])

    @property
    def root(self) -> Estimate:
        """Square root of a variance, 0 for one that was estimated below 0, with its error to first order."""
        root = np.sqrt(np.maximum(self.value, 0.0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return Estimate(root, np.where(root > 0, self.error / (2.0 * root), np.nan))


@dataclass(frozen=True, eq=False)
class Cells:
    """What the placements of one point by one person say; R people, n points.

    Attributes
    ----------
    count : (R, n)
        Placements.
    mean : (R, n, d)
        0 where there is none.
    square : (R, n, d, d)
        Sum over placements of the outer product of their deviation from that mean.
    """

    count: np.ndarray
    mean: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, placements: np.ndarray, person: np.ndarray) -> Cells:
        """From placements (p, n, d), NaN where missing, and the number of the person of each file (p,)."""
        there = np.isfinite(placements).all(-1)
        x = np.where(there[..., None], placements, 0.0)
        member = (person == np.arange(person.max() + 1)[:, None]).astype(float)
        count = member @ there
        mean = np.einsum("rp,pnd->rnd", member, x) / np.maximum(count, 1.0)[..., None]
        apart = np.where(there[..., None], x - mean[person], 0.0)
        return cls(count, mean, np.einsum("rp,pni,pnj->rnij", member, apart, apart))

    @property
    def freedom(self) -> np.ndarray:
        """Degrees of freedom of each sum of squares, (R, n)."""
        return np.maximum(self.count - 1.0, 0.0)

    @cached_property
    def centre(self) -> np.ndarray:
        """Mean of all placements of each point, (n, d); NaN for a point without any."""
        total = self.count.sum(0)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.einsum("rn,rnd->nd", self.count, self.mean) / np.where(total > 0, total, np.nan)[:, None])

    @property
    def repeated(self) -> bool:
        """Whether anybody placed a point more than once."""
        return bool((self.count > 1).any())


@dataclass(frozen=True, eq=False)
class Component:
    """One source of scatter, squared units.

    Attributes
    ----------
    covariance : (d, d)
    axes : Estimate (d,)
        Variance per axis.
    size : Estimate ()
        Their sum, the squared r.m.s. FLE.
    """

    covariance: np.ndarray
    axes: Estimate
    size: Estimate

    @classmethod
    def of(cls, covariance: np.ndarray, pull: np.ndarray) -> Component:
        """From a covariance and the pull (R, n, d) of each cell on its diagonal."""
        diagonal = np.diagonal(covariance)
        return cls(covariance, Estimate(diagonal, clustered(pull)), Estimate(diagonal.sum(), clustered(pull.sum(-1))))


@dataclass(frozen=True, eq=False)
class Components:
    """Where the scatter of placements comes from.

    Attributes
    ----------
    within : Component
        One person who places a point again.
    between : Component or None
        The places that people have in mind; None for one person, and for people who placed everything once.
    total : Component
        A placement by anybody: the sum.
    """

    within: Component
    between: Component | None
    total: Component


def components(cells: Cells) -> Components:
    """Variance components of repeated placements.

    Parameters
    ----------
    cells : Cells
        With at least one point that one person placed twice.
    """
    within, pull = _within(cells)
    own, between = Component.of(within, pull), _between(cells, within)
    if between is None:
        return Components(own, None, own)
    return Components(own, Component.of(*between), Component.of(within + between[0], pull + between[1]))


def person_scatter(cells: Cells) -> Estimate:
    """Squared r.m.s. FLE of each person who places again, (R,); points are the units of its error."""
    freedom = cells.freedom
    total = np.where(freedom.sum(1) > 0, freedom.sum(1), np.nan)
    size = trace(cells.square)
    value = size.sum(1) / total
    pull = (size - value[:, None] * freedom) / total[:, None]
    used = (freedom > 0).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Estimate(value, np.sqrt((pull**2).sum(1) * used / np.where(used > 1, used - 1, np.nan)))


def person_offset(cells: Cells) -> np.ndarray:
    """R.m.s. distance of each person's mean places from the mean of the other people's, (R,); NaN for one person."""
    placed = cells.count > 0
    others = placed.sum(0) - placed
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (cells.mean.sum(0) - cells.mean) / others[..., None]
        square = np.where(placed & (others > 0), ((cells.mean - rest) ** 2).sum(-1), np.nan)
        compared = np.isfinite(square).sum(1)
        return np.asarray(np.sqrt(np.nansum(square, axis=1) / np.where(compared > 0, compared, np.nan)))


def point_scatter(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Scatter S_l of each point (n, d, d) and its degrees k_l (n,), placements minus people; 0 where nobody placed it twice."""
    degrees = cells.freedom.sum(0)
    return cells.square.sum(0) / np.maximum(degrees, 1.0)[:, None, None], degrees


def clustered(pull: np.ndarray) -> np.ndarray:
    """Standard errors from the pull of each person and point on an estimate, (R, n, ...) to (...).

    Points are drawn, and so are people when there are at least three: the variances of both kinds of sums are added, less that
    of the single cells which both count.
    """
    people, points = pull.shape[:2]
    by_point = _spread(pull.sum(0), points)
    if people < _FEW:
        return np.sqrt(by_point)
    by_person = _spread(pull.sum(1), people)
    both = by_point + by_person - (pull**2).sum((0, 1))
    return np.asarray(np.sqrt(np.maximum(both, np.maximum(by_point, by_person))))


def _spread(sums: np.ndarray, count: int) -> np.ndarray:
    if count < 2:
        return np.full(sums.shape[1:], np.nan)
    return np.asarray((sums**2).sum(0) * count / (count - 1))


def _diagonals(square: np.ndarray) -> np.ndarray:
    return np.diagonal(square, axis1=-2, axis2=-1)


def _within(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of repeats (d, d), and the pull (R, n, d) of each cell on its diagonal."""
    freedom = cells.freedom
    covariance = cells.square.sum((0, 1)) / freedom.sum()
    pull = (_diagonals(cells.square) - freedom[..., None] * np.diagonal(covariance)) / freedom.sum()
    return covariance, pull


def _between(cells: Cells, within: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Covariance between people (d, d), and the pull of each cell on its diagonal; None where no point has two people.

    ``E sum_r n_rl |ybar_rl - ybar_l|^2 = (n_l - sum_r n_rl^2/n_l) V_b + (R_l - 1) V_w`` for each point.
    """
    n = cells.count
    total = np.maximum(n.sum(0), 1.0)
    apart = np.where(n[..., None] > 0, cells.mean - np.nan_to_num(cells.centre), 0.0)
    square = np.einsum("rn,rni,rnj->rnij", n, apart, apart)
    of_between = n * (1.0 - 2.0 * n / total + (n**2).sum(0) / total**2)
    of_within = np.where(n > 0, 1.0 - n / total, 0.0)
    weight = of_between.sum()
    if weight < 1e-9:
        return None
    covariance = (square.sum((0, 1)) - of_within.sum() * within) / weight
    inner, outer = np.diagonal(within), np.diagonal(covariance)
    pull = (_diagonals(square) - of_within[..., None] * inner - of_between[..., None] * outer) / weight
    return covariance, pull - of_within.sum() / weight * _within(cells)[1]
