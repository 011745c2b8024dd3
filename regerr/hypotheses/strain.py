"""What the residuals of the simpler model show of the ways in which only the wider one can move.

At the simpler fit, with residuals ``r_i`` and centred latent points ``eta_i``: G has the rows ``[I, M_k eta_i]`` of the moves M_k
of the simpler model, D the rows ``S_k eta_i`` of those that the wider one adds (symmetric matrices for rigid < affine, the
identity for rigid < similarity). ``Q_G`` and ``Q_D`` are orthonormal bases of G and of D after G (theory, section 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..blocks import fit_blocks
from ..linalg import about
from ..models import Model
from ..noise import Noise

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
        z, what is left of the (weighted) residuals after G.
    """

    kept: np.ndarray
    added: np.ndarray
    residuals: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray, simpler: Model, wider: Model, noise: Noise,
           degrees: float | None = None) -> Strain:
        """From points (b, n, d), with rows weighted as under Student's t of so many degrees if any are given."""
        fit = fit_blocks(simpler.under(noise), source, target)
        v = fit.transform.apply(source)
        r = target - v
        eta = about(v + noise.source_share * r, fit.y_mean)
        weights = None if degrees is None else np.sqrt(t_weights(r, degrees))[..., None]
        kept, added = bases(eta, simpler, wider, weights)
        z = r if weights is None else weights * r
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


def bases(eta: np.ndarray, simpler: Model, wider: Model, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """``Q_G`` (b, n, d, k) and ``Q_D`` (b, n, d, q) at centred latent points (b, n, d), rows times weights (b, n, 1)."""
    b, n, d = eta.shape
    moves = simpler.card.moves(d)
    turned = np.einsum("kij,bnj->bnik", np.concatenate([moves, complement(moves, wider.card.moves(d))]), eta)
    shift = np.broadcast_to(np.eye(d), (b, n, d, d))
    columns = np.concatenate([shift, turned], -1)
    if weights is not None:
        columns = weights[..., None] * columns
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
    variance = square.mean(-1, keepdims=True) / d
    for _ in range(_STEPS):
        weights = (degrees + d) / (degrees + square / variance)
        variance = (weights * square).mean(-1, keepdims=True) / d
    return (degrees + d) / (degrees + square / variance)
