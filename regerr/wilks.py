"""Tests of a rigid or similarity map when the noise may have any covariance (theory, section 7).

Both models then leave the covariance of the noise free, and what is minimised is the determinant of the residual scatter,
``Q = |W| |A|^(-2k)`` with k the source's share of the noise. The affine minimum has a closed form (`regerr.models`); under a
rotation, or a rotation and a scale, it is found by scoring. All scatters are kept relative to the isotropic fit
(`regerr.scatter.Frame`), so a step costs the same for any number of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from .linalg import proper_rotation, trace, transpose
from .scatter import Frame, Scatter
from .tangent import cayley, turns

_STEPS = 200
_HALVINGS = 10
_SETTLED = 1e-10  # change of log Q of a step at which the search ends


def log_determinant(scatter: Scatter, matrix: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """``log Q`` (...) and the residual scatter W (..., d, d) of a linear part (..., d, d)."""
    within = Frame.of(scatter, matrix).rr
    return np.linalg.slogdet(within)[1] - 2.0 * share * np.linalg.slogdet(matrix)[1], within


def least_log_determinant(scatter: Scatter, share: float, scaled: bool) -> np.ndarray:
    """The least ``log Q`` (...) over all rotations, and all scales if ``scaled``."""
    rotation, nu = proper_rotation(scatter.sxy)
    matrix = rotation * (nu / trace(scatter.sxx))[..., None, None] if scaled else rotation
    search = _Search(_flat(Frame.of(scatter, matrix)), share, scaled)
    value = search.run() - 2.0 * share * np.linalg.slogdet(matrix)[1].ravel()
    return value.reshape(matrix.shape[:-2])


def rao(log_ratio: np.ndarray, dimension: int, q: int, denominator: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Rao's F of Wilks' lambda ``exp(-log_ratio)``: statistic, p-value, and the second degrees of freedom.

    Parameters
    ----------
    log_ratio : (...)
        ``log(Q_0 / Q_1)``.
    dimension : int
    q : int
        Parameters that the wider model has more; ``h = q/d`` per coordinate need not be whole.
    denominator : float
        Residual degrees of freedom per coordinate of the wider model.

    References
    ----------
    Rao 1951, Bulletin of the International Statistical Institute 33, 177. Sizes found at 5 %, n from 2d + 1: rigid null .031
    to .045 (isotropic noise), similarity null .01 to .04: it errs to the safe side with few pairs.
    """
    h = q / dimension
    above, below = q * q - 4.0, dimension**2 + h * h - 5.0
    root = np.sqrt(above / below) if above > 0 and below > 0 else 1.0
    second = (denominator + h - (dimension + h + 1.0) / 2.0) * root - (q - 2.0) / 2.0
    statistic = np.expm1(log_ratio / root) * (second / q)
    return statistic, fdtrc(q, second, statistic), float(second)


def _flat(frame: Frame) -> Frame:
    d = frame.rr.shape[-1]
    return Frame(*(m.reshape(-1, d, d) for m in (frame.vv, frame.vr, frame.rr)))


@dataclass(frozen=True, eq=False)
class _Search:
    """Scoring from the fit that a frame (b, d, d) is relative to; M below is the linear part over the fitted one."""

    frame: Frame
    share: float
    scaled: bool

    @property
    def moves(self) -> np.ndarray:
        """Generators of rotation and scale (k, d, d)."""
        d = self.frame.rr.shape[-1]
        return np.concatenate([turns(d), np.eye(d)[None]]) if self.scaled else turns(d)

    def run(self) -> np.ndarray:
        """The least ``log Q`` found for each dataset (b,), relative to the fit's ``|A|``."""
        size, d = self.frame.rr.shape[:2]
        best, index = np.empty(size), np.arange(size)
        part, whole = self, np.broadcast_to(np.eye(d), (size, d, d))
        value = part.value(whole)
        for _ in range(_STEPS):
            best[index] = value
            moved, new = part.descend(whole, value, part.step(whole))
            going = value - new > _SETTLED
            best[index] = new
            if not going.any():
                break
            part, whole, value, index = part.some(going), moved[going], new[going], index[going]
        return best

    def some(self, mask: np.ndarray) -> _Search:
        """A part of the datasets."""
        f = self.frame
        return _Search(Frame(f.vv[mask], f.vr[mask], f.rr[mask]), self.share, self.scaled)

    def within(self, whole: np.ndarray) -> np.ndarray:
        """``W = sum (r - G v)(r - G v)'`` with ``G = M - I``."""
        change = whole - np.eye(whole.shape[-1])
        mixed = change @ self.frame.vr
        return self.frame.rr - mixed - transpose(mixed) + change @ self.frame.vv @ transpose(change)

    def value(self, whole: np.ndarray) -> np.ndarray:
        """``log Q``."""
        area = np.linalg.slogdet(whole)[1] if self.scaled else 0.0
        return np.linalg.slogdet(self.within(whole))[1] - 2.0 * self.share * area

    def step(self, whole: np.ndarray) -> np.ndarray:
        """Gradient of ``-log Q / 2`` over its information, (b, k)."""
        f, moves, d = self.frame, self.moves, whole.shape[-1]
        precision = np.linalg.inv(self.within(whole))
        spread = whole @ f.vv @ transpose(whole)
        mixed = whole @ (f.vr - f.vv @ transpose(whole - np.eye(d)))
        pulled = precision[:, None] @ moves  # W^-1 B_k
        information = np.einsum("bkij,lim,bmj->bkl", pulled, moves, spread, optimize=True)
        gradient = np.einsum("bkij,bji->bk", pulled, mixed)
        if self.scaled:
            gradient[:, -1] += self.share * d
        return np.linalg.solve(information, gradient[..., None])[..., 0]

    def descend(self, whole: np.ndarray, value: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """M after the step, halved until ``log Q`` falls, and its ``log Q``; unchanged where it never does."""
        length = np.ones(value.shape)
        for _ in range(_HALVINGS):
            moved = self.moved(whole, step * length[:, None])
            new = self.value(moved)
            worse = ~(new <= value)
            if not worse.any():
                break
            length[worse] *= 0.5
        return np.where(worse[:, None, None], whole, moved), np.where(worse, value, new)

    def moved(self, whole: np.ndarray, step: np.ndarray) -> np.ndarray:
        """M turned, and scaled, by a step (b, k)."""
        generators = turns(whole.shape[-1])
        rotated = cayley(np.einsum("bk,kij->bij", step[:, :len(generators)], generators)) @ whole
        return rotated * np.exp(step[:, -1])[:, None, None] if self.scaled else rotated
