"""Everything that a summary says of one registration, as numbers: what `sentences` puts into words and `records` into JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..deformation import Comparison, Ladder, compare_ladder
from ..errors import Failure, InputError, UndeterminedError
from ..noise import Noise
from ..quantities import Quantity, mirrored, quantities
from .beads import Beads, bead_table
from .extents import outside, reach
from .forecasts import Forecast, forecast
from .openings import Opening, opening

if TYPE_CHECKING:
    from ..pairs import FiducialPairs
    from ..results import RegistrationResult

LEVEL = 0.95
DOUBTFUL = 0.01  # p-value of a test against the model below which the summary says so
_FEW, _THIN = 10, 0.05  # pairs, and noise over spread (theory, section 10), where a second region is worth a look


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to say of one registration.

    Attributes
    ----------
    result : RegistrationResult
    quantities : tuple of Quantity
        The transformation.
    mirrored : bool
    scale : float
        Target units per source unit, on average over directions.
    beads : Beads
        The fiducials.
    centre, edge : Forecast
        TRE at the fiducials' centroid, and at the fiducial where it is largest.
    targets : Forecast or None
        TRE at the targets.
    outside : (m,) bool
        Which targets lie outside the fiducials.
    reach : (m,)
        How many times as far from the fiducials' centroid as the outermost fiducial.
    opening : Opening or None
        Of the farthest unbounded region among centre, edge and targets.
    regression : Forecast or None
        For few fiducials in a thin layout: the edge and the targets with noise in the target only (theory, section 17).
    """

    result: RegistrationResult
    quantities: tuple[Quantity, ...]
    mirrored: bool
    scale: float
    beads: Beads
    centre: Forecast
    edge: Forecast
    targets: Forecast | None
    outside: np.ndarray
    reach: np.ndarray
    opening: Opening | None
    regression: Forecast | None

    @property
    def exact(self) -> bool:
        """Whether the pairs fit to rounding, with a noise that was to be estimated from them."""
        return bool(self.result.estimator.exact(self.result.fitted))


def find(result: RegistrationResult, targets: Any = None) -> Findings:
    """Look at one registration, and at targets (m, d) or `regerr.io.Points`, source units.

    Raises
    ------
    InputError
        For a batch, and for targets that are none.
    UndeterminedError
        For a dataset without a fit.
    """
    if result.pairs.batch_shape:
        raise InputError(f"these are {result.failure.size} registrations, a batch of shape {result.pairs.batch_shape}, and a "
                         "summary tells of one: use result[i]")
    if result.failure:
        raise UndeterminedError(f"there is no registration to tell of: {Failure(int(result.failure)).sentence}")
    x = result.pairs.source
    centre = forecast(result, result.fitted.x_mean[None], "tre", LEVEL, names=["centre"])
    edge = _edge(result)
    asked = None if targets is None else forecast(result, targets, "tre", LEVEL)
    points = np.empty((0, x.shape[1])) if asked is None else asked.prediction.targets
    gap = opening(result, [centre, edge] if asked is None else [centre, edge, asked])
    return Findings(result, quantities(result), bool(mirrored(result)), scale_of(result), bead_table(result), centre, edge, asked,
                    outside(x, points), reach(x, points), gap, _regression(result, edge, asked))


def scale_of(result: RegistrationResult) -> float:
    """Target units per source unit, on average over directions, of one dataset."""
    return float(np.abs(np.linalg.det(result.transform.matrix)) ** (1.0 / result.pairs.dimension))


def spread_ratio(pairs: FiducialPairs) -> float:
    """R.m.s. spread of the fiducials in the target over that in the source, of one dataset."""
    target, source = (float(np.sqrt(points.var(0).sum())) for points in (pairs.target, pairs.source))
    return target / source


def own_ladder(result: RegistrationResult) -> Ladder:
    """The ladder of a registration: at its known scale, by the test that its noise allows."""
    heavy = result.noise.tails is not None
    return compare_ladder(result.pairs.scaled(result.model.scale), replace(result.noise, tails=None),
                          test="wild-t" if heavy else "F")


def doubt(result: RegistrationResult, ladder: Ladder | None = None) -> tuple[Comparison, str] | None:
    """The test that clearly speaks against the model of one dataset, and the simplest model that nothing speaks against.

    Of several such tests the one against that simplest model (theory, section 7). The ladder is its own unless given.
    """
    ladder = own_ladder(result) if ladder is None else ladder
    own = [test for test in ladder.comparisons if test.models[0] == result.model.card.name and test.p_value < DOUBTFUL]
    if not own or ladder.simplest is None:
        return None
    return min(own, key=lambda test: (test.models[1] != ladder.simplest, float(test.p_value))), ladder.simplest


def _edge(result: RegistrationResult) -> Forecast:
    """The TRE at the fiducial where it is largest; by distance from the centroid where it is infinite."""
    x = result.pairs.source
    rms = result.predict(x, "tre").rms
    distance = np.linalg.norm(x - result.fitted.x_mean, axis=-1)
    last = int(np.lexsort((distance, rms))[-1])
    return forecast(result, x[last:last + 1], "tre", LEVEL, names=[result.pairs.names[last]])


def _regression(result: RegistrationResult, edge: Forecast, asked: Forecast | None) -> Forecast | None:
    """The regions of ordinary regression, where the model's own are large for want of spread."""
    from ..results import fit

    n, d, model = result.pairs.n, result.pairs.dimension, result.model
    every_direction = model.card.parameters[d] == d * (d + 1)
    if not every_direction or result.noise.ratio == 0 or result.noise.shape != "isotropic" or n > _FEW or not _thin(result):
        return None
    other = fit(result.pairs, model, Noise(0.0))
    points, names = edge.prediction.targets, edge.names
    if asked is not None:
        points, names = np.concatenate([points, asked.prediction.targets]), (*names, *asked.names)
    return forecast(other, points, "tre", LEVEL, names=names)


def _thin(result: RegistrationResult) -> bool:
    """Whether ``s2 (n - d) / min L`` of theory section 10 is large; s2 is half the effective variance, L twice the scatter."""
    fitted_points = result.transform.apply(result.pairs.source) - result.fitted.y_mean
    least = np.linalg.eigvalsh(fitted_points.T @ fitted_points)[0]
    variance = np.trace(result.noise_covariance) / result.pairs.dimension
    return bool(variance * (result.pairs.n - result.pairs.dimension) > 4.0 * _THIN * least)
