"""What the residuals of the simpler model show of the ways in which only the wider one can move.

At the simpler fit, with residuals ``r_i`` and centred latent points ``eta_i``: G has the rows ``[I, M_k eta_i]`` of the moves M_k
of the simpler model, D the rows ``S_k eta_i`` of those that the wider one adds (symmetric matrices for rigid < affine, the
identity for rigid < similarity). ``Q_G`` and ``Q_D`` are orthonormal bases of G and of D after G (theory, section 7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..blocks import fit_blocks
from ..linalg import about
from ..models import Model
from ..noise import Noise
from ..pair_covariances import PairCovariances
from ..pairs import FiducialPairs
from ..results import given_covariances
from ..tangent import gradient

_STEPS = 50  # of the scale of t weights; each halves what is left, or better


@dataclass(frozen=True, eq=False)
class Strain:
    """Bases and residuals, flat batches (b).

    Attributes
    ----------
    kept : (b, n, d, k)
        ``Q_G``, rows of each landmark together.
    added : (b, n, d, q)
        ``Q_D``.
    residuals : (b, n, d)
        z, what is left after G of the residuals, over their s.d. where covariances are given, and times weights if any.
    """

    kept: np.ndarray
    added: np.ndarray
    residuals: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray, simpler: Model, wider: Model, noise: Noise,
           degrees: float | None = None, given: PairCovariances | None = None) -> Strain:
        """From points (b, n, d), with rows weighted as under Student's t of so many degrees if any are given."""
        fit = fit_blocks(simpler.under(noise), source, target, given)
        v = fit.transform.apply(source)
        r = target - v
        if given is None:
            metric, toward = np.broadcast_to(np.eye(r.shape[-1]), (1, 1, *2 * r.shape[-1:])), noise.source_share * r
        else:
            metric, toward = _whitened(fit.matrix, r, given)
        z = (metric @ r[..., None])[..., 0]
        if degrees is not None:
            weights = np.sqrt(t_weights(z, degrees))[..., None]
            metric, z = weights[..., None] * metric, weights * z
        kept, added = bases(about(v + toward, fit.y_mean), simpler, wider, metric)
        flat = kept.reshape(len(kept), -1, kept.shape[-1])
        along = flat @ (np.swapaxes(flat, -1, -2) @ z.reshape(len(z), -1, 1))
        return cls(kept, added, z - along.reshape(z.shape))

    @property
    def statistic(self) -> np.ndarray:
        """``F = (|Q_D'z|^2/q) / ((|z|^2 - |Q_D'z|^2)/(nd - k - q))``, (b,)."""
        explained = (np.einsum("bndq,bnd->bq", self.added, self.residuals) ** 2).sum(-1)
        return ratio(explained, (self.residuals**2).sum((-2, -1)), self.q, self.v)

    @property
    def q(self) -> int:
        """Parameters that the wider model has more."""
        return self.added.shape[-1]

    @property
    def v(self) -> int:
        """Residual degrees of freedom of the wider model."""
        n, d, k = self.kept.shape[1:]
        return n * d - k - self.q


def ratio(explained: np.ndarray, total: np.ndarray, q: int, v: int) -> np.ndarray:
    """F of an explained part of a total."""
    return explained / q / (np.maximum(total - explained, 0.0) / v)


def blocks_of_strain(pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise, degrees: float | None,
                     step: int) -> Iterator[Strain]:
    """The strain of a batch, so many datasets at a time."""
    source, target = (points.reshape(-1, pairs.n, pairs.dimension) for points in (pairs.source, pairs.target))
    given = given_covariances(pairs, noise)
    flat = None if given is None else given.flat(pairs.batch_shape)
    for i in range(0, len(source), step):
        rows = slice(i, i + step)
        part = None if flat is None else flat.datasets(rows)
        yield Strain.of(source[rows], target[rows], simpler, wider, noise, degrees, part)


def _whitened(matrix: np.ndarray, r: np.ndarray, given: PairCovariances) -> tuple[np.ndarray, np.ndarray]:
    """``S_i^(-1/2)`` of the effective covariances (b, n, d, d), and the way from an image to its latent point (b, n, d)."""
    seen = given.seen(matrix)
    root = np.linalg.cholesky(np.broadcast_to(given.target + seen, (*r.shape, r.shape[-1])))
    metric = np.linalg.inv(root)
    return metric, (seen @ np.swapaxes(metric, -1, -2) @ (metric @ r[..., None]))[..., 0]


def bases(eta: np.ndarray, simpler: Model, wider: Model, metric: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """``Q_G`` (b, n, d, k) and ``Q_D`` (b, n, d, q) at centred latent points (b, n, d), the rows of each times its metric."""
    b, n, d = eta.shape
    moves = simpler.card.moves(d)
    columns = gradient(np.concatenate([moves, complement(moves, wider.card.moves(d))]), eta)
    if metric is not None:
        columns = metric @ columns
    q, _ = np.linalg.qr(columns.reshape(b, n * d, -1))
    q = q.reshape(b, n, d, -1)
    k = d + len(moves)
    return q[..., :k], q[..., k:]


def complement(moves: np.ndarray, wider: np.ndarray) -> np.ndarray:
    """Orthonormal generators of what the wider moves (m, d, d) add to the simpler ones (k, d, d)."""
    d = moves.shape[-1]
    own, every = moves.reshape(-1, d * d), wider.reshape(-1, d * d)
    basis = np.linalg.qr(own.T)[0]
    rest = every - every @ basis @ basis.T
    _, sizes, rows = np.linalg.svd(rest)
    return rows[:int((sizes > 1e-9).sum())].reshape(-1, d, d)


def t_weights(residuals: np.ndarray, degrees: float) -> np.ndarray:
    """``(nu + d)/(nu + |r|^2/s^2)``, s the maximum-likelihood scale of these lengths: (b, n). Signs of residuals do not enter."""
    d = residuals.shape[-1]
    square = (residuals**2).sum(-1)
    variance = np.maximum(square.mean(-1, keepdims=True) / d, np.finfo(float).tiny)  # residuals may all be nought
    for _ in range(_STEPS):
        weights = (degrees + d) / (degrees + square / variance)
        variance = np.maximum((weights * square).mean(-1, keepdims=True) / d, np.finfo(float).tiny)
    return (degrees + d) / (degrees + square / variance)
