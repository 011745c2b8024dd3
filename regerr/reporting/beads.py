"""The fiducials one by one: how far each lies from the fit, how much it pulls the fit, and whether it agrees with the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UndeterminedError
from ..outliers import holm

if TYPE_CHECKING:
    from ..results import RegistrationResult

SUSPICIOUS = 0.05  # adjusted p-value below which a fiducial is named


@dataclass(frozen=True, eq=False)
class Beads:
    """One row per fiducial of one dataset, in the order of the pairs.

    Attributes
    ----------
    names : tuple of str
    residuals : (n, d)
        ``target - transform(source)``, target units.
    lengths : (n,)
        Their lengths.
    left_out : (n,)
        Length of the fiducial minus its prediction from all others; NaN where those do not determine the transformation.
    leverages : (n,)
        How much each fiducial pulls its own prediction: 0 not at all, 1 entirely.
    p_values : (n,)
        How often a fiducial that belongs lies so far from the others' prediction; NaN where those leave no degree of freedom.
    adjusted : (n,)
        The same for the worst of n looked at, by Holm's correction.
    """

    names: tuple[str, ...]
    residuals: np.ndarray
    lengths: np.ndarray
    left_out: np.ndarray
    leverages: np.ndarray
    p_values: np.ndarray
    adjusted: np.ndarray

    @property
    def worst_first(self) -> np.ndarray:
        """Indices by p-value, then by distance when left out, then by residual."""
        p = np.where(np.isnan(self.p_values), 1.0, self.p_values)
        distance = np.where(np.isnan(self.left_out), 0.0, self.left_out)
        return np.lexsort((-self.lengths, -distance, p))

    @property
    def suspicious(self) -> np.ndarray:
        """Indices of fiducials that do not agree with the others, worst first."""
        order = self.worst_first
        return order[self.adjusted[order] < SUSPICIOUS]


def bead_table(result: RegistrationResult) -> Beads:
    """Look at each fiducial of one dataset."""
    residuals = result.residuals
    unknown = np.full(result.pairs.n, np.nan)
    try:
        left_out = np.linalg.norm(result.leave_one_out(), axis=-1)
    except UndeterminedError:
        left_out = unknown
    try:
        p_values = result.pair_p_values()
    except UndeterminedError:
        p_values = unknown
    return Beads(result.pairs.names, residuals, np.linalg.norm(residuals, axis=-1), left_out, result.leverages(), p_values,
                 holm(p_values))
