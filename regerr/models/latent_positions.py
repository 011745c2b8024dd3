"""Any model under given covariances, one for each point and space: maximum likelihood by latent positions (theory, section 12).

There are no sufficient statistics here: a fit keeps its pairs and their covariances, and a new pair means a new search from the
fit. Where a closed form exists it gives the same numbers, so this is also its second witness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..covariances import Covariance, Dense
from ..errors import Failure
from ..linalg import (
    EPS,
    components,
    determinant,
    dot,
    entries,
    inverse_components,
    mahalanobis,
    matrix_components,
    product,
    root,
    rows_matrix,
    square,
    times,
    trace,
)
from ..noise import Noise
from ..pair_covariances import PairCovariances, Weight
from ..scatter import Scatter
from ..transforms import Transform
from .base import Card, Estimator, Fit, Joint, mapped, rest_of
from .joining import Start, appended, part_of, portions, spread_out
from .solver import Problem, Solution, Terms, gradients, normal_equations, seen_in_target, solve, solved

_CONDITION = 1e-8  # of the effective noise, below which sums of squares under it are rounding
_REFIT = 40  # most steps of a refit with a new pair: near the boundary of a region few are taken, and far out none is missed


@dataclass(frozen=True, eq=False)
class LatentFit(Fit):
    """A fit with what it came from.

    Attributes
    ----------
    source_covariance, target_covariance : (..., n or 1, d, d)
        As they were given.
    variance : (...)
        The factor of the covariances, estimated or known.
    lever, spread : (..., k, k)
        Inverse information of shift (first) and moves about the fiducials' centroid, for a factor of 1: at the latent points,
        and without the noise that passes for their spread; infinite where it hides a direction.
    steps : (...) int
        Steps of the search.
    """

    source_covariance: np.ndarray
    target_covariance: np.ndarray
    variance: np.ndarray
    lever: np.ndarray
    spread: np.ndarray
    steps: np.ndarray

    @property
    def covariances(self) -> PairCovariances:
        """Those of the fiducials."""
        return PairCovariances(self.source_covariance, self.target_covariance)


@dataclass(frozen=True)
class LatentPositions(Estimator):
    """One model under given covariances.

    Parameters
    ----------
    noise : Noise
        Its scale is the known factor of their s.d., or None.
    card : Card
        Of the model.
    closed_form : callable
        The estimator of the same model for isotropic noise, from which the search starts.
    bends : bool
        Whether regions bend around the fiducials' centroid, as those of a rotation do.
    attenuated : bool
        Whether noise along the graph of the map passes for spread of the fiducials, as it does where the map may stretch
        freely; their information is then counted without it, and the ellipse is steady (theory, section 10).
    covariances : PairCovariances, optional
        Of the pairs to fit, (..., n, d, d).
    """

    noise: Noise
    card: Card  # type: ignore[misc]  # one for each object, where closed forms have one for each class
    closed_form: Callable[[Noise], Estimator]
    bends: bool = False
    attenuated: bool = False
    covariances: PairCovariances | None = None

    @property
    def polar(self) -> bool:  # type: ignore[override]
        return self.bends

    @property
    def steady_ellipse(self) -> bool:  # type: ignore[override]
        return self.attenuated

    def given(self, covariances: PairCovariances) -> LatentPositions:
        return replace(self, covariances=covariances)

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return n * dimension - self.card.parameters[dimension]

    def new_pair(self, kind: str, fit: LatentFit, covariances: PairCovariances | None) -> Weight:
        kept = self.kept(fit.n, fit.x_mean.shape[-1])
        new = (fit.covariances.average() if covariances is None else covariances).mapped(lambda c: c * kept)
        if kind == "lre":
            new = PairCovariances(new.source, np.zeros_like(new.target[..., :1, :, :]))
        return np.inf if kind == "tre" or not (new.source.any() or new.target.any()) else new

    def fit(self, source: np.ndarray, target: np.ndarray) -> LatentFit:
        assert self.covariances is not None, "an estimator of given covariances fits after `given`"
        batch, (n, d) = source.shape[:-2], source.shape[-2:]
        given = self.covariances.flat(batch)
        x, y = source.reshape(-1, n, d), target.reshape(-1, n, d)
        scatter = Scatter.of(x, y)
        first = self.closed_form(Noise(_ratio(scatter, given))).fit(x, y)
        failure = first.failure
        problem = self._problem(components(scatter.dx), components(scatter.dy), given.block(slice(None), slice(None)))
        matrix = matrix_components(np.where(failure[:, None, None] > 0, np.nan, first.matrix))
        solution = solve(problem, matrix, np.zeros((d, len(x))))
        fit = self._complete(scatter, failure, given, problem, solution)
        return mapped(fit, lambda a: a.reshape(*batch, *a.shape[1:]))

    def _problem(self, x: np.ndarray, y: np.ndarray, given: PairCovariances, shifts: bool = True) -> Problem:
        return Problem(x, y, given.source, given.target, self.card.moves(len(x)), self.card.moved, shifts)

    def _complete(self, scatter: Scatter, failure: np.ndarray, given: PairCovariances, problem: Problem,
                  solution: Solution) -> LatentFit:
        n, d = scatter.n, scatter.dimension
        terms = solution.terms
        once = rows_matrix(terms.effective.mean(-1))
        lost = ~solution.settled | _endless(once)
        failure = np.where((failure == 0) & lost, np.int8(Failure.NOT_SETTLED), failure)
        failed = failure > 0
        exact = square(terms.residual).sum(-1) < scatter.smallest_resolved()
        rss = np.where(failed, np.nan, np.where(exact, 0.0, terms.rss))
        variance = rss / self.residual_divisor(n, d)
        if self.noise.scale is not None:
            variance = np.where(failed, np.nan, self.noise.scale**2)
        information = normal_equations(problem, terms)[0]
        lever = spread = _inverse_if_positive(information)
        if self.attenuated:
            spread = _inverse_if_positive(information - variance[:, None, None] * _hidden(problem, terms))
        matrix = np.where(failed[:, None, None], np.nan, rows_matrix(terms.matrix))
        return LatentFit(n, scatter.x_mean, scatter.y_mean + terms.shift.T, matrix, rss, trace(once) / d,
                         variance[:, None, None] * once, scatter.rounding(), failure, scatter.source, scatter.target,
                         _one_each(given.source, len(rss)), _one_each(given.target, len(rss)), variance, lever, spread,
                         solution.steps)

    def joint(self, fit: LatentFit, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> Joint:
        shape = np.broadcast_shapes(dx.shape[1:], dy.shape[1:])
        dataset = np.broadcast_to(np.arange(shape[-2])[:, None], shape).ravel()
        flat = Start.of(fit.n, fit.source - fit.x_mean[..., None, :], fit.target - fit.y_mean[..., None, :], fit.covariances,
                        fit.matrix)
        u, v = (np.broadcast_to(z, (len(z), *shape)).reshape(len(z), -1) for z in (dx, dy))
        parts = portions(dataset.size, fit.n + 1)
        if isinstance(weight, float):
            pieces = [self._constrained(flat.take(dataset[part]), u[:, part], v[:, part]) for part in parts]
        else:
            new = weight.mapped(lambda c: spread_out(c, shape))
            pieces = [self._joined(flat.take(dataset[part]), u[:, part], v[:, part], part_of(new, part)) for part in parts]
        total, deleted = (np.concatenate([piece[i] for piece in pieces]).reshape(shape) for i in (0, 1))
        before = fit.rss[..., None]
        # so far out that rounding hides the sum of squares
        lost = np.isnan(total) & (fit.failure == 0)[..., None]
        total, deleted = np.where(lost, np.inf, total), np.where(lost | np.isnan(deleted), np.inf, deleted)
        deleted = np.minimum(deleted, total)
        return Joint(deleted, rest_of(total, deleted), np.maximum(total - before, 0.0), before, np.ones_like(before))

    def _joined(self, fit: Start, u: np.ndarray, v: np.ndarray, new: PairCovariances) -> tuple[np.ndarray, np.ndarray]:
        """RSS with the pair at u, v (d, b), and its deleted residual there."""
        x, y = (np.concatenate([old, z[..., None]], -1) for old, z in ((fit.x, u), (fit.y, v)))
        given = PairCovariances(appended(fit.given.source, new.source, fit.n), appended(fit.given.target, new.target, fit.n))
        problem = self._problem(x, y, given)
        terms = solve(problem, fit.matrix, np.zeros(u.shape), _REFIT).terms
        normal = normal_equations(problem, terms)[0]
        last = _last(terms)
        g = [np.broadcast_to(row[:, None, None], last.latent.shape) for row in np.eye(len(u))] + gradients(problem, last.latent)
        design = np.stack([z[..., 0] for z in g])
        left = last.effective[..., 0] - _sandwich(design, normal)
        return terms.rss, mahalanobis(left, last.residual[..., 0])

    def _constrained(self, fit: Start, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """RSS with ``T(u) = v``, and what this constraint costs at the constrained fit (theory, section 10, `tre`)."""
        problem = self._problem(fit.x - u[..., None], fit.y - v[..., None], fit.given, shifts=False)
        terms = solve(problem, fit.matrix, np.zeros(u.shape), _REFIT).terms
        normal = normal_equations(problem, terms)[0]
        pull = terms.pull.sum(-1)
        repeats = fit.n if terms.precision.shape[-1] == 1 else 1
        moved = np.stack([times(terms.precision, g).sum(-1) for g in gradients(problem, terms.latent)])
        kept = terms.precision.sum(-1) * repeats - _sandwich(moved, normal)
        return terms.rss, mahalanobis(kept, pull)

    def covariance(self, fit: LatentFit, dx: np.ndarray, weight: Weight) -> Covariance:
        matrix = self._of_image(fit.spread, times(entries(fit.matrix), dx))
        if not isinstance(weight, float):
            a = entries(fit.matrix)
            matrix = matrix + seen_in_target(weight.source, a) + weight.target
        return Dense(matrix * fit.variance[..., None])

    def _of_image(self, spread: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Covariance (d, d, ..., m) of images at v (d, ..., m) from the root, for a factor of 1."""
        d = len(v)
        moves = self.card.moves(d)
        # the gradient is linear in [1, v]: [I, D_1 v, ...]
        design = np.zeros((d, d + len(moves), d + 1))
        design[np.arange(d), np.arange(d), 0] = 1.0
        design[:, d:, 1:] = np.moveaxis(moves, 0, 1)
        core = np.einsum("ika,...kl,jlb->ijab...", design, np.where(np.isfinite(spread), spread, 0.0), design, optimize=True)
        one = [np.ones_like(v[0]), *v]
        out = sum(core[:, :, a, b][..., None] * (one[a] * one[b]) for a in range(d + 1) for b in range(d + 1))
        hidden = ~np.isfinite(spread).all((-2, -1))[..., None]
        diagonal = np.eye(d, dtype=bool).reshape(d, d, *(1,) * (v.ndim - 1))
        return np.where(hidden, np.where(diagonal, np.inf, 0.0), np.asarray(out))

    def matrix_covariance(self, fit: LatentFit) -> np.ndarray:
        d = fit.x_mean.shape[-1]
        moves = self.card.moves(d) @ fit.matrix[..., None, :, :]
        spread = fit.spread[..., d:, d:] * fit.variance[..., None, None]
        return np.einsum("...kij,...kl,...lmn->...ijmn", moves, spread, moves)

    def sample(self, fit: LatentFit, k: int, rng: np.random.Generator) -> Transform:
        d = fit.x_mean.shape[-1]
        dof = self.degrees_of_freedom(fit.n, d)
        variance = fit.variance * np.ones((k, *fit.batch_shape))
        if self.noise.scale is None:
            variance = variance * dof / rng.chisquare(dof, variance.shape)
        draws = rng.standard_normal((*variance.shape, d + len(self.card.moves(d))))
        step = np.sqrt(variance)[..., None] * np.einsum("...ij,k...j->k...i", root(fit.spread), draws)
        change = rows_matrix(self.card.moved(np.moveaxis(step[..., d:], -1, 0)))
        centre = fit.y_mean + step[..., :d]
        return Transform(change @ fit.matrix, np.broadcast_to(fit.x_mean, centre.shape), centre)

    def leverages(self, fit: LatentFit) -> np.ndarray:
        dx = components(fit.source) - components(fit.x_mean)[..., None]
        own = self._of_image(fit.spread, times(entries(fit.matrix), dx))
        precision = inverse_components(self._effective(fit))
        return np.asarray(sum(precision[i, j] * own[j, i] for i in range(len(dx)) for j in range(len(dx)))) / len(dx)

    def studentised(self, fit: LatentFit, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        dx = components(source) - components(fit.x_mean)[..., None]
        v = times(entries(fit.matrix), dx)
        r = components(target) - components(fit.y_mean)[..., None] - v
        effective = self._effective(fit)
        lam = matrix_components(fit.target_covariance)
        latent = v + r - times(lam, times(inverse_components(effective), r))
        left = effective - self._of_image(fit.lever, latent)
        squared = mahalanobis(left, r) / fit.variance[..., None]
        return np.where((squared >= 0) & (determinant(left) > 0), squared, np.nan)

    def _effective(self, fit: LatentFit) -> np.ndarray:
        """``S_i`` of the fiducials, (d, d, ..., n or 1)."""
        source, target = matrix_components(fit.source_covariance), matrix_components(fit.target_covariance)
        return target + seen_in_target(source, entries(fit.matrix))

    def without(self, part: slice) -> LatentPositions:
        return self if self.covariances is None else self.given(self.covariances.without_each(part))



def _ratio(scatter: Scatter, given: PairCovariances) -> float:
    """About the noise of the source over that of the target, as seen in the target, the same for all of a batch."""
    if not len(scatter.x_length2):
        return 1.0
    source, target = (trace(c).mean() for c in (given.source, given.target))
    known = (scatter.x_length2 > 0) & np.isfinite(scatter.y_length2)
    growth = np.median(scatter.y_length2[known] / scatter.x_length2[known]) if known.any() else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num(growth * source / target, nan=1.0, posinf=np.inf))


def _endless(effective: np.ndarray) -> np.ndarray:
    """Whether a map stretches so far along some direction that its noise there has no digits left across: (b,)."""
    finite = np.isfinite(effective).all((-2, -1))
    values = np.linalg.eigvalsh(np.where(finite[:, None, None], effective, np.eye(effective.shape[-1])))
    return np.asarray(values[:, 0] < _CONDITION * values[:, -1])


def _one_each(c: np.ndarray, b: int) -> np.ndarray:
    """Covariances (b or 1, n or 1, d, d) for each of b datasets."""
    return np.broadcast_to(c, (b, *c.shape[1:]))


def _last(terms: Terms) -> Terms:
    """The terms of the last pair alone."""
    return replace(terms, **{name: getattr(terms, name)[..., -1:] for name in ("effective", "residual", "latent")})


def _sandwich(design: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """``G N^-1 G'`` for columns (k, d, b) of G and N (b, k, k): (d, d, b)."""
    d = design.shape[1]
    columns = [solved(normal, design[:, j].T).T for j in range(d)]
    return np.stack([np.stack([dot(design[:, i], columns[j]) for j in range(d)]) for i in range(d)])


def _hidden(problem: Problem, terms: Terms) -> np.ndarray:
    """What noise along the graph adds to the information of the moves, for a factor of 1: (b, k, k).

    A latent point has the covariance ``E - E S^-1 E`` with ``E = A Omega A'`` along the graph.
    """
    d = len(terms.residual)
    seen = terms.effective - problem.target
    along = seen - product(product(seen, terms.precision), seen)
    repeats = problem.x.shape[-1] // along.shape[-1]
    moves = problem.moves
    precision = np.broadcast_to(terms.precision, along.shape)
    added = repeats * np.einsum("kai,lbj,abrn,ijrn->rkl", moves, moves, precision, along, optimize=True)
    out = np.zeros((added.shape[0], d + len(moves), d + len(moves)))
    out[:, d:, d:] = added
    return out


def _inverse_if_positive(matrix: np.ndarray) -> np.ndarray:
    """Inverse of symmetric (b, k, k); infinite where not positive definite, NaN where not finite."""
    finite = np.isfinite(matrix).all((-2, -1))
    k = matrix.shape[-1]
    safe = np.where(finite[:, None, None], matrix, np.eye(k))
    diagonal = np.einsum("bii->bi", safe)
    usable = (diagonal > 1e-280).all(-1)
    scale = 1.0 / np.sqrt(np.where(usable[:, None], diagonal, 1.0))
    even = np.where(usable[:, None, None], safe * scale[:, :, None] * scale[:, None, :], np.eye(k))
    positive = usable & (np.linalg.eigvalsh(even)[:, 0] > EPS)
    inverse = np.linalg.inv(np.where(positive[:, None, None], even, np.eye(k))) * scale[:, :, None] * scale[:, None, :]
    return np.where(finite[:, None, None], np.where(positive[:, None, None], inverse, np.inf), np.nan)
