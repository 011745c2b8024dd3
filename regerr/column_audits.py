"""A column that another program printed beside the points: which number of each pair it holds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np

from .errors import InputError, RegistrationWarning, UndeterminedError
from .models import MODELS
from .pairs import FiducialPairs
from .results import fit
from .transforms import Transform


@dataclass(frozen=True)
class Column:
    """A number of each pair: how it is made, of which fit, in which space and unit, and how far it is from what was printed.

    Attributes
    ----------
    words, model, space, unit : str
    off : float
        Largest difference from the printed numbers, in half units of their last digits: at most 1 for a match.
    """

    words: str
    model: str
    space: str
    unit: str
    off: float


@dataclass(frozen=True)
class ReportedColumn:
    """A printed column, the definitions that give all its numbers to the last digit, and the nearest when none does."""

    name: str
    matches: tuple[Column, ...]
    nearest: tuple[Column, ...]


def audit_column(pairs: FiducialPairs, name: str, printed: Sequence[str | float], *, pixel_size: float | None = None,
                 models: Sequence[str] | None = None, transform: Transform | None = None) -> ReportedColumn:
    """Find which number of each pair a printed column holds; arguments as in `regerr.audit`.

    Raises
    ------
    InputError
        For another number of rows than pairs, and for texts that are no numbers.
    """
    if len(printed) != pairs.n:
        raise InputError(f"the column {name!r} has {len(printed)} numbers for {pairs.n} pairs: give one for each pair in use")
    values, precision = np.array([_printed(name, i, text) for i, text in enumerate(printed)]).T
    found = [Column(words, model, space, unit, float((np.abs(numbers - values) / precision).max()))
             for words, model, space, unit, numbers in _candidates(pairs, tuple(models or MODELS), transform, pixel_size)]
    found.sort(key=lambda one: one.off > 1.0 + 1e-9)
    matches = tuple(one for one in found if one.off <= 1.0 + 1e-9)
    return ReportedColumn(name, matches, () if matches else tuple(sorted(found, key=lambda one: one.off)[:3]))


def _printed(name: str, i: int, text: str | float) -> tuple[float, float]:
    """A number and half a unit of its last digit."""
    try:
        exact = Decimal(str(text).strip())
    except InvalidOperation:
        raise InputError(f"the column {name!r} holds {text!r} for pair {i + 1}: give numbers") from None
    exponent = exact.as_tuple().exponent
    if not exact.is_finite() or not isinstance(exponent, int):
        raise InputError(f"the column {name!r} holds {text!r} for pair {i + 1}: give finite numbers")
    return float(exact), 0.5 * 10.0**exponent


Candidate = tuple[str, str, str, str, np.ndarray]


def _candidates(pairs: FiducialPairs, models: Sequence[str], transform: Transform | None,
                pixel_size: float | None) -> Iterator[Candidate]:
    for words, model, space, unit, vectors in _vectors(pairs, models, transform):
        for made, numbers, power in _numbers(vectors):
            yield f"{made} {words}", model, space, unit, numbers
            if pixel_size is not None:
                yield f"{made} {words}", model, space, f"{unit} times the pixel size", numbers * pixel_size**power
                yield f"{made} {words}", model, space, f"{unit} over the pixel size", numbers / pixel_size**power


def _vectors(pairs: FiducialPairs, models: Sequence[str], transform: Transform | None) -> Iterator[Candidate]:
    """Residuals of each kind, (n, d)."""
    if transform is not None:
        yield "residual", "given", "target", pairs.target_unit, pairs.target - transform.apply(pairs.source)
    for space, those in (("target", pairs), ("source", pairs.swap())):
        for model in models:
            with suppress(UndeterminedError), warnings.catch_warnings():
                warnings.simplefilter("ignore", RegistrationWarning)
                result = fit(FiducialPairs(those.source, those.target, those.names), model, "target")
                yield "residual", model, space, those.target_unit, result.residuals
                yield "leave-one-out residual", model, space, those.target_unit, result.leave_one_out()


def _numbers(vectors: np.ndarray) -> Iterator[tuple[str, np.ndarray, int]]:
    """What is printed of vectors (n, d): words, numbers (n,), and the power of a length."""
    lengths = np.linalg.norm(vectors, axis=-1)
    yield "length of the", lengths, 1
    yield "squared length of the", lengths**2, 2
    for i, axis in enumerate("xyz"[:vectors.shape[1]]):
        yield f"{axis} of the", vectors[:, i], 1
        yield f"{axis}, with the other sign, of the", -vectors[:, i], 1
        yield f"absolute {axis} of the", np.abs(vectors[:, i]), 1
