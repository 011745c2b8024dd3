"""Recompute what another program reported of a registration, and say which definition it used.

One word, "error" or "accuracy", stands for a dozen numbers: r.m.s. or mean length, per coordinate or not, divided by n, by n - 1
or by the degrees of freedom, squared, from fitted or from left-out points, in pixels or in nanometres. All of them are computed
here, for each model and both directions, and compared with the number as it was printed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from .column_audits import ReportedColumn, audit_column
from .errors import InputError, RegistrationWarning, UndeterminedError
from .models import MODELS
from .pairs import FiducialPairs
from .results import RegistrationResult, fit
from .transforms import Transform

QUANTITIES = ("FRE", "FLE", "TRE", "leave-one-out")


@dataclass(frozen=True)
class Definition:
    """One way to make a number out of residuals.

    Attributes
    ----------
    quantity : {"FRE", "FLE", "TRE", "leave-one-out"}
        What kind of number it is.
    words : str
        How it is made, in words.
    model : str
        Of which fit, or "given" for a transformation that was given.
    space : {"target", "source"}
        Where it is measured.
    value : float
    unit : str
    """

    quantity: str
    words: str
    model: str
    space: str
    value: float
    unit: str


@dataclass(frozen=True)
class Reported:
    """A number as another program printed it, and which definitions give it.

    Attributes
    ----------
    name : str
        What the program calls it.
    text : str
        As printed.
    value, precision : float
        And half a unit of its last digit.
    matches : tuple of Definition
        All that agree to the last digit, the plainest first.
    nearest : tuple of Definition
        The three closest in ratio, when none agrees.
    """

    name: str
    text: str
    value: float
    precision: float
    matches: tuple[Definition, ...]
    nearest: tuple[Definition, ...]

    @property
    def digits(self) -> int:
        """Significant digits that were printed."""
        return len(Decimal(self.text).normalize().as_tuple().digits) if "." not in self.text else \
            len(Decimal(self.text).as_tuple().digits)


@dataclass(frozen=True, eq=False)
class Audit:
    """What other numbers of a registration are.

    Attributes
    ----------
    reported : tuple of Reported
    definitions : tuple of Definition
        All that were tried.
    skipped : tuple of str
        Models that could not be fitted, with the reason.
    pairs : FiducialPairs
    columns : tuple of ReportedColumn
        Numbers that were printed for each pair.
    """

    reported: tuple[Reported, ...]
    definitions: tuple[Definition, ...]
    skipped: tuple[str, ...]
    pairs: FiducialPairs
    columns: tuple[ReportedColumn, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"reported": [{"name": r.name, "text": r.text, "matches": [vars(m) for m in r.matches],
                              "nearest": [vars(m) for m in r.nearest]} for r in self.reported],
                "columns": [{"name": c.name, "matches": [vars(m) for m in c.matches], "nearest": [vars(m) for m in c.nearest]}
                            for c in self.columns],
                "definitions": [vars(one) for one in self.definitions], "skipped": list(self.skipped)}

    def __str__(self) -> str:
        from .reporting.audits import audit_report

        return audit_report(self)


def audit(pairs: FiducialPairs, reported: Mapping[str, str | float], *, pixel_size: float | None = None,
          models: Sequence[str] | None = None, transform: Transform | None = None,
          columns: Mapping[str, Sequence[str | float]] | None = None) -> Audit:
    """Find the definitions that give reported numbers.

    Parameters
    ----------
    pairs : FiducialPairs
        The points that the other program used; one dataset.
    reported : mapping of names to numbers
        ``{"FRE": "0.07"}``. Give a text to keep its digits: "0.070" says more than 0.07.
    pixel_size : float, optional
        Size of a pixel of the coordinates: numbers in pixels and in physical units are then both tried.
    models : sequence of {"rigid", "similarity", "affine"}, optional
        Fits to try, by ordinary least squares; all by default.
    transform : Transform, optional
        The transformation that the program used, tried beside the fits.
    columns : mapping of names to n numbers, optional
        What the program printed for each pair: residuals, their coordinates or squares, leave-one-out distances.

    Raises
    ------
    InputError
        For a batch, for reported values that are no positive numbers, and for an unknown model.
    """
    if pairs.batch_shape:
        raise InputError(f"these are pairs of a batch of shape {pairs.batch_shape}: audit one dataset, pairs[i]")
    if not reported and not columns:
        raise InputError("no reported number was given: give some, such as reported={'FRE': '0.07'}")
    if pixel_size is not None and not (pixel_size > 0 and math.isfinite(pixel_size)):
        raise InputError(f"the pixel size is {pixel_size}: give a positive number")
    numbers = {name: _number(name, given) for name, given in reported.items()}
    found, skipped = _all(pairs, tuple(models or MODELS), transform)
    if not found:
        raise InputError("none of the models can be fitted, so there is nothing to compare with: " + "; ".join(skipped))
    found = [one for plain in found for one in _in_units(plain, pixel_size)]
    rows = tuple(audit_column(pairs, name, printed, pixel_size=pixel_size, models=models, transform=transform)
                 for name, printed in (columns or {}).items())
    return Audit(tuple(_compared(name, *numbers[name], found) for name in reported), tuple(found), tuple(skipped), pairs, rows)


def _number(name: str, given: str | float) -> tuple[str, float, float]:
    """A reported number: as printed, its value, and half a unit of its last digit."""
    text = str(given).strip()
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise InputError(f"the reported {name} is {given!r}: give a number, such as 0.07") from None
    # zeros at the end of a whole number may be digits or rounding
    exponent = (exact if "." in text else exact.normalize()).as_tuple().exponent
    if not exact.is_finite() or exact <= 0 or not isinstance(exponent, int):
        raise InputError(f"the reported {name} is {given!r}: give a positive number")
    return text, float(exact), 0.5 * 10.0**exponent


def _compared(name: str, text: str, value: float, precision: float, found: Sequence[Definition]) -> Reported:
    kind = next((q for q in QUANTITIES if q.lower() in name.lower()), None)
    rank = {words: i for i, words in enumerate(dict.fromkeys(one.words for one in found))}
    ordered = sorted(found, key=lambda one: (kind is not None and one.quantity != kind, rank[one.words]))
    matches = [one for one in _told_apart(ordered) if abs(one.value - value) <= precision * (1 + 1e-9)]
    positive = [one for one in ordered if one.value > 0]
    nearest = sorted(positive, key=lambda one: abs(math.log(one.value / value)))[:3]
    return Reported(name, text, value, precision, tuple(matches), () if matches else tuple(nearest))


def _told_apart(found: Sequence[Definition]) -> list[Definition]:
    """Without those in the source that are the same number in the target, as all of a rigid fit are."""
    there = {(one.quantity, one.words, one.model, one.unit): one.value for one in found if one.space == "target"}
    return [one for one in found if one.space == "target" or not math.isclose(
        one.value, there.get((one.quantity, one.words, one.model, one.unit), math.nan), rel_tol=1e-9)]


def _all(pairs: FiducialPairs, models: Sequence[str], transform: Transform | None) -> tuple[list[Definition], list[str]]:
    found: list[Definition] = []
    skipped: list[str] = []
    if transform is not None:
        residuals = pairs.target - transform.apply(pairs.source)
        found += [Definition("TRE", words, "given", "target", value, pairs.target_unit) for words, value in _lengths(residuals)]
    for space, those in (("target", pairs), ("source", pairs.swap())):
        for model in models:
            try:
                found += _of_model(those, model, space)
            except UndeterminedError as fault:
                skipped += [f"{model}: {fault}"] if space == "target" else []
    return found, skipped


def _of_model(pairs: FiducialPairs, model: str, space: str) -> list[Definition]:
    """All numbers of one least-squares fit, plain ones first; left-out ones where one pair can be spared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        result = fit(_points_alone(pairs), model, "target")
    unit, n, d = pairs.target_unit, pairs.n, pairs.dimension
    k = result.estimator.card.parameters[d]
    found = [("FRE", words, value) for words, value in _lengths(result.residuals)]
    found += [("FRE", words, value) for words, value in _divided(result.residuals, k)]
    found += [("FLE", words, value) for words, value in _noise(float(result.fre_rms), n, d, k)]
    with suppress(UndeterminedError):
        found += [("leave-one-out", words, value) for words, value in _lengths(result.leave_one_out())]
    found += list(_predicted(result))
    return [Definition(quantity, words, model, space, value, unit) for quantity, words, value in found if math.isfinite(value)]


def _points_alone(pairs: FiducialPairs) -> FiducialPairs:
    return FiducialPairs(pairs.source, pairs.target, pairs.names, pairs.source_unit, pairs.target_unit,
                         source_step=pairs.source_step, target_step=pairs.target_step)


def _lengths(residuals: np.ndarray) -> list[tuple[str, float]]:
    """What is made of residuals (n, d) without any correction, the plainest first."""
    lengths = np.linalg.norm(residuals, axis=-1)
    squares, (n, d) = float((lengths**2).sum()), residuals.shape
    return [("r.m.s. length", math.sqrt(squares / n)), ("mean length", float(lengths.mean())),
            ("median length", float(np.median(lengths))), ("largest length", float(lengths.max())),
            ("r.m.s. per coordinate", math.sqrt(squares / (n * d))),
            ("mean absolute coordinate", float(np.abs(residuals).mean())),
            ("mean squared length", squares / n), ("mean square per coordinate", squares / (n * d)),
            ("sum of squared lengths", squares), ("root of the sum of squared lengths", math.sqrt(squares)),
            *((f"r.m.s. along {axis}", float(np.sqrt((residuals[:, i] ** 2).mean()))) for i, axis in enumerate("xyz"[:d])),
            *((f"mean absolute value along {axis}", float(np.abs(residuals[:, i]).mean())) for i, axis in enumerate("xyz"[:d]))]


def _divided(residuals: np.ndarray, k: int) -> Iterator[tuple[str, float]]:
    """R.m.s. with a divisor that is not n."""
    n, d = residuals.shape
    squares = float((residuals**2).sum())
    yield "r.m.s. length with n - 1 in place of n", math.sqrt(squares / (n - 1)) if n > 1 else math.nan
    least = math.ceil(k / d)
    yield (f"r.m.s. length with n - {least}, the fewest pairs, in place of n",
           math.sqrt(squares / (n - least)) if n > least else math.nan)
    yield ("r.m.s. per coordinate with the degrees of freedom in place of n d",
           math.sqrt(squares / (n * d - k)) if n * d > k else math.nan)


def _noise(fre: float, n: int, d: int, k: int) -> Iterator[tuple[str, float]]:
    """FLE from FRE, right and as ec-CLEM's source has it (theory, section 16)."""
    if n * d > k:
        yield "r.m.s. FLE, FRE over sqrt(1 - k/(n d))", fre / math.sqrt(1.0 - k / (n * d))
    yield "r.m.s. FLE as in ec-CLEM's source, FRE over sqrt(1 - 1/(2n))", fre / math.sqrt(1.0 - 1.0 / (2 * n))


def _predicted(result: RegistrationResult) -> Iterator[tuple[str, str, float]]:
    """Predicted TRE, which no residual is: at the centre, and over the fiducials."""
    if result.degrees_of_freedom < 1:
        return
    rms = result.predict(result.pairs.source, "tre").rms
    yield "TRE", "predicted r.m.s. TRE at the fiducials' centre", float(result.predict(result.fitted.x_mean[None], "tre").rms[0])
    yield "TRE", "predicted TRE, r.m.s. over the fiducials", float(np.sqrt((rms**2).mean()))
    yield "TRE", "predicted r.m.s. TRE, mean over the fiducials", float(rms.mean())


def _in_units(one: Definition, pixel_size: float | None) -> list[Definition]:
    """The number itself, and times and over the pixel size: its square for squares."""
    if pixel_size is None:
        return [one]
    factor = pixel_size**2 if "square" in one.words and "root" not in one.words else pixel_size
    return [one, replace(one, value=one.value * factor, unit=f"{one.unit} times the pixel size"),
            replace(one, value=one.value / factor, unit=f"{one.unit} over the pixel size")]
