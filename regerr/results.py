"""Fit matched points, and what the fit says."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import BLOCK, fit_blocks
from .errors import Failure, InputError, RegistrationWarning, UndeterminedError, UnsupportedError
from .linalg import trace
from .methods import Deletion
from .models import Model, parse_model
from .models.base import Estimator, Fit, mapped, without_each
from .noise import Noise, parse_noise
from .pair_covariances import PairCovariances
from .pairs import FiducialPairs
from .predictions import Prediction, checked_kind, checked_targets
from .suspicions import suspicions
from .transforms import Transform

if TYPE_CHECKING:
    from .error_map import ErrorMap


def fit(pairs: FiducialPairs, model: str | Model = "rigid", noise: str | Noise = "both",
        on_failure: str = "raise") -> RegistrationResult:
    """Register matched points.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset, or a batch (..., n, d).
    model : {"rigid", "similarity", "affine"} or a model object
    noise : {"both", "target", "source", "full", "given"} or Noise
        Where the fiducials are noisy; the size of the noise is estimated from the residuals. Covariances that pairs carry take
        the place of "both".
    on_failure : {"raise", "mark"}
        Raise when a dataset leaves the transformation undetermined, or mark it in ``failure``.

    Raises
    ------
    InputError, UnsupportedError
        For arguments, and for pairs that carry covariances the model cannot use.
    UndeterminedError
        For too few pairs, and for degenerate layouts unless marked.
    """
    if on_failure not in ("raise", "mark"):
        raise InputError(f"on_failure is {on_failure!r}: use 'raise' or 'mark'")
    chosen = parse_model(model)
    assumed = assumed_noise(pairs, parse_noise(noise))
    estimator = chosen.under(assumed)
    _check_count(pairs, estimator)
    fitted = fit_blocks(estimator, pairs.source, pairs.target, given_covariances(pairs, assumed))
    if on_failure == "raise":
        _raise_failures(fitted.failure)
    result = RegistrationResult(pairs, chosen, estimator, fitted)
    for sentence in suspicions(result):
        warnings.warn(sentence, RegistrationWarning, stacklevel=2)
    return result


@dataclass(frozen=True, eq=False)
class RegistrationResult:
    """A fitted registration, or a batch (...) of them.

    Attributes
    ----------
    pairs : FiducialPairs
    model : the model object
    estimator : Estimator
        The model under the assumed noise.
    fitted : Fit
        Arrays of the fit.
    """

    pairs: FiducialPairs
    model: Model
    estimator: Estimator
    fitted: Fit

    @property
    def noise(self) -> Noise:
        """The noise that was assumed."""
        return self.estimator.noise

    @property
    def transform(self) -> Transform:
        """Source to target."""
        return self.fitted.transform

    @property
    def failure(self) -> np.ndarray:
        """One `Failure` code for each dataset, (...)."""
        return self.fitted.failure

    @property
    def degrees_of_freedom(self) -> int:
        """Of the residual sum of squares (of each coordinate when the noise covariance is free)."""
        return self.estimator.degrees_of_freedom(self.pairs.n, self.pairs.dimension)

    @property
    def noise_covariance(self) -> np.ndarray:
        """Effective covariance of one pair, ``Lambda + A Omega A'``, (..., d, d), target units squared."""
        return self.fitted.noise_covariance * self.estimator.kept(self.pairs.n, self.pairs.dimension)

    @property
    def fle_rms(self) -> np.ndarray:
        """Effective r.m.s. FLE, a length in target units: square root of the trace of the noise covariance, (...)."""
        return np.sqrt(trace(self.noise_covariance))

    @property
    def residuals(self) -> np.ndarray:
        """``target - transform(source)``, (..., n, d), target units."""
        return self.pairs.target - self.transform.apply(self.pairs.source)

    @property
    def fre_rms(self) -> np.ndarray:
        """R.m.s. length of the residuals, no degrees-of-freedom correction, (...), target units."""
        residuals = self.residuals
        return np.sqrt(np.mean(np.einsum("...d,...d->...", residuals, residuals), -1))

    def __getitem__(self, index: Any) -> RegistrationResult:
        """One dataset, or a part, of a batch."""
        return RegistrationResult(self.pairs[index], self.model, self.estimator, mapped(self.fitted, lambda a: a[index]))

    def predict(self, targets: Any, kind: str, source_covariance: Any = None, target_covariance: Any = None) -> Prediction:
        """The law of target points.

        Parameters
        ----------
        targets : (m, d), the same for all datasets, or (..., m, d)
            Points in the source, source units.
        kind : {"tre", "lre", "observation"}
            Which question is asked (theory, section 2); there is no default.
        source_covariance, target_covariance : variance, (d, d) or (..., m, d, d), optional
            With which the targets themselves are localised, where the fiducials came with covariances; one that is not given is
            the mean of the fiducials' in that space.
        """
        points = checked_targets(targets, self.pairs.batch_shape, self.pairs.dimension)
        localised = self._localised(source_covariance, target_covariance)
        return Prediction(self.estimator, self.fitted, points, checked_kind(kind, self.estimator), self.pairs.target_unit,
                          localised)

    def _localised(self, source: Any, target: Any) -> PairCovariances | None:
        """The covariances of targets; in a space for which none are given, the mean of the fiducials'."""
        localised = PairCovariances.of(source, target, self.pairs.dimension)
        if localised is None or (source is not None and target is not None):
            return localised
        given = given_covariances(self.pairs, self.noise)
        if given is None:
            return localised
        mean = given.average()
        return replace(localised, source=mean.source) if source is None else replace(localised, target=mean.target)

    def leave_one_out(self) -> np.ndarray:
        """Each target point minus its prediction from the other pairs, (..., n, d), target units; exact.

        NaN where a pair cannot be left out because the others do not determine the transformation.
        """
        self._check_removable(self.estimator.card.determining[self.pairs.dimension])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self._bound().left_out(self.pairs.source, self.pairs.target)

    def pair_p_values(self) -> np.ndarray:
        """P-value of each pair given all others, (..., n): the score statistic of its deleted residual (theory, section 7)."""
        self._check_removable(self.estimator.least_pairs(self.pairs.dimension))
        x, y = self.pairs.source, self.pairs.target
        out, given = np.empty(x.shape[:-1]), given_covariances(self.pairs, self.noise)
        step = max(1, 64 * BLOCK // x.shape[-2])
        for rows in range(0, x.shape[-2], step):
            part = slice(rows, rows + step)
            others = fit_blocks(self.estimator, without_each(x, part), without_each(y, part),
                                None if given is None else given.without_each(part))
            left = Prediction(self.estimator, others, x[..., part, None, :], "observation", self.pairs.target_unit,
                              None if given is None else given.alone(part))
            p = left.p_value(y[..., part, None, :], Deletion())[..., 0]
            # pairs that fit exactly give no verdict
            out[..., part] = np.where(self.estimator.exact(others), np.nan, p)
        return np.where(self.estimator.exact(self.fitted)[..., None], np.nan, out)

    def leverages(self) -> np.ndarray:
        """How much each pair pulls its own prediction, (..., n): variance of its TRE over the noise, mean over coordinates."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.estimator.leverages(self.fitted)

    def sample(self, k: int, rng: np.random.Generator) -> Transform:
        """Draw k transformations (k, ...) from the first-order law of the estimate, for joint statements on several targets."""
        return self.estimator.sample(self.fitted, k, rng)

    def error_map(self, shape: tuple[int, ...], spacing: Any = 1.0, origin: Any = 0.0, kind: str = "tre", quantity: str = "rms",
                  level: float | None = None, image: str = "source") -> ErrorMap:
        """Expected deviation or region radius over an image or volume; see `regerr.error_map.error_map`."""
        from .error_map import error_map

        return error_map(self, shape, spacing=spacing, origin=origin, kind=kind, quantity=quantity, level=level, image=image)

    def summary(self, targets: Any = None) -> str:
        """What a person needs first, in words and a table."""
        from .reporting.sentences import summary

        return summary(self, targets)

    def report(self, path: str | Path, **options: Any) -> list[Path]:
        """Write one page for a stranger, HTML that needs no network; see `regerr.report.write` for its options."""
        from .report import write

        return write(self, path, **options)

    def to_dict(self) -> dict[str, Any]:
        """What `summary` prints, as plain numbers for JSON."""
        from .records import to_dict

        return to_dict(self)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the result as JSON, with its pairs; `regerr.load` reads it back. An existing file needs ``force``."""
        from .records import save

        save(self, path, force=force)

    def refit(self, source: np.ndarray, target: np.ndarray) -> Fit:
        """The same model under the same noise on other points (..., n, d) of these fiducials; failures are codes."""
        return fit_blocks(self.estimator, source, target, given_covariances(self.pairs, self.noise))

    def _bound(self) -> Estimator:
        """The estimator of these very pairs, with their covariances."""
        given = given_covariances(self.pairs, self.noise)
        return self.estimator if given is None else self.estimator.given(given)

    def _check_removable(self, least: int) -> None:
        n, d = self.pairs.n, self.pairs.dimension
        if n - 1 < least:
            name = self.estimator.card.name
            raise UndeterminedError(f"leaving one of {n} pairs out needs at least {least + 1} for the {name} model in {d}D: "
                                    f"add {least + 1 - n} more")


def assumed_noise(pairs: FiducialPairs, noise: Noise) -> Noise:
    """The noise that pairs and argument together state: covariances that pairs carry take the place of the default."""
    carried = [name for name in ("source_covariance", "target_covariance") if getattr(pairs, name) is not None]
    given = noise.shape == "given"
    if carried and noise.has_covariances:
        raise InputError(f"the pairs carry {' and '.join(carried)}, and the noise states covariances too: give them once")
    if given and not carried and not noise.has_covariances:
        raise InputError("the noise is 'given' and nobody gives it: fit pairs that carry source_covariance or "
                         "target_covariance, or a Noise with covariances")
    if carried and not given:
        if noise.ratio != 1.0 or noise.shape != "isotropic" or noise.tails is not None:
            raise UnsupportedError(f"the pairs carry {' and '.join(carried)}, which say where the noise is, and "
                                   f"{noise.describe()} says something else: leave the noise out, or drop the covariances")
        noise = replace(noise, shape="given")
    return _with_gate(_with_rounding(noise, pairs), pairs)


def _with_rounding(noise: Noise, pairs: FiducialPairs) -> Noise:
    """The noise with what rounding makes alone as its floor, where its size is estimated and alike in all directions."""
    if pairs.rounding is None or noise.floor is not None:
        return noise
    estimated = noise.shape == "isotropic" and noise.scale is None and noise.tails is None
    return replace(noise, floor=pairs.rounding) if estimated else noise


def _with_gate(noise: Noise, pairs: FiducialPairs) -> Noise:
    """The noise with the gate that chose the pairs, where its size is estimated and Gaussian."""
    if pairs.gate is None or noise.gate is not None or noise.scale is not None or noise.tails is not None:
        return noise
    return replace(noise, gate=pairs.gate)


def given_covariances(pairs: FiducialPairs, noise: Noise) -> PairCovariances | None:
    """Covariances of the fiducials that pairs carry or the noise states, or None."""
    if noise.shape != "given":
        return None
    stated: Any = noise if noise.has_covariances else pairs
    given = PairCovariances.of(stated.source_covariance, stated.target_covariance, pairs.dimension)
    return None if given is None else given.checked_for(pairs.source.shape)


def _check_count(pairs: FiducialPairs, estimator: Estimator) -> None:
    least = estimator.least_pairs(pairs.dimension)
    if pairs.n < least:
        known = estimator.noise.scale is not None or estimator.noise.shape == "full"
        raise UndeterminedError(f"{pairs.n} pairs are too few for the {estimator.card.name} model in {pairs.dimension}D with "
                                f"{estimator.noise.describe()}, which needs {least}: add {least - pairs.n} more, or use a "
                                f"simpler model{'' if known else ', or give a known noise scale'}")


def _raise_failures(failure: np.ndarray) -> None:
    if not failure.any():
        return
    first = Failure(int(failure.ravel()[np.flatnonzero(failure.ravel())[0]]))
    count = int(np.count_nonzero(failure))
    where = f"{count} of {failure.size} datasets fail, the first because " if failure.ndim else ""
    raise UndeterminedError(where + first.sentence)
