"""Whether a layout of fiducials determines a transformation at all."""

from __future__ import annotations

import numpy as np

from ..errors import Failure
from ..linalg import EPS
from ..scatter import Scatter
from .base import failures

RANK = 1e-10  # relative spread below which a direction counts as missing
_DOUBTFUL = 1e-6  # below this a scatter matrix has lost the digits, and the points themselves are asked


def relative_spreads(scatter: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """R.m.s. spread along the principal axes over the largest one, ascending: (..., d)."""
    spreads = np.sqrt(np.maximum(_eigenvalues(scatter), 0.0))
    spreads = np.divide(spreads, spreads[..., -1:], out=np.zeros_like(spreads), where=spreads[..., -1:] > 0)
    doubtful = (spreads[..., 0] < _DOUBTFUL) & np.isfinite(centred).all((-2, -1))
    if doubtful.any():
        singular = np.linalg.svd(centred[doubtful], compute_uv=False)[..., ::-1]
        spreads[doubtful, :] = 0.0
        found = np.divide(singular, singular[..., -1:], out=np.zeros_like(singular), where=singular[..., -1:] > 0)
        spreads[doubtful, -found.shape[-1]:] = found
    return spreads


def undetermined(scatter: Scatter, missing: int, spaces: str = "both") -> np.ndarray:
    """Failure codes (...) of layouts that miss more than ``missing`` dimensions in one of the spaces ("source" or "both")."""
    sides = [scatter, scatter.swap()] if spaces == "both" else [scatter]
    return failures(*(case for side in sides for case in _cases(side, missing)))


def _cases(side: Scatter, missing: int) -> list[tuple[np.ndarray, Failure]]:
    """What can be wrong in the source of a scatter, the worst first."""
    d, length2, rounding = side.dimension, side.x_length2, 8.0 * EPS * side.x_size
    cases = [(length2 <= side.n * d * rounding**2, Failure.COINCIDENT)]
    if missing >= d - 1:
        return cases
    spreads = relative_spreads(side.sxx, side.dx)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.fmax(RANK, rounding * np.sqrt(side.n * d / length2))
    names = {d - 2: Failure.COLLINEAR}
    return cases + [(spreads[..., i] < least, names.get(i, Failure.COPLANAR)) for i in range(d - 2, missing - 1, -1)]


def _eigenvalues(scatter: np.ndarray) -> np.ndarray:
    """Ascending eigenvalues; in the plane written out, for speed."""
    if scatter.shape[-1] == 3:
        return np.linalg.eigvalsh(np.where(np.isfinite(scatter), scatter, 0.0))
    half = 0.5 * (scatter[..., 0, 0] - scatter[..., 1, 1])
    middle = 0.5 * (scatter[..., 0, 0] + scatter[..., 1, 1])
    radius = np.hypot(half, scatter[..., 0, 1])
    return np.stack([middle - radius, middle + radius], -1)
