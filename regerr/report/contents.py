"""Everything that a report says of one registration, as numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checking import Check, check
from ..errors import RegistrationWarning, UnsupportedError
from ..models import parse_model
from ..nested import LADDER
from ..progress import watched
from ..reporting.additions import refitted
from ..reporting.findings import LEVEL, Findings, find, own_ladder
from ..reporting.forecasts import Forecast, forecast, forecasts, together
from .gains import Gains, gains

if TYPE_CHECKING:
    from ..deformation import Ladder
    from ..results import RegistrationResult

_PLACES = {2: 9, 3: 6}  # fiducials whose regions are drawn when no targets are given


@dataclass(frozen=True, eq=False)
class Rung:
    """One model of the ladder, fitted to the same pairs.

    Attributes
    ----------
    name : str
    parameters : int
    fre, fle : float
        R.m.s., target units.
    centre, edge : float
        95 % radius of the TRE at the fiducials' centroid, and at the fiducial where that of the reported model is largest.
    apart : float
        Largest distance, over the fiducials, between where it and the reported model put them.
    """

    name: str
    parameters: int
    fre: float
    fle: float
    centre: float
    edge: float
    apart: float


@dataclass(frozen=True, eq=False)
class Contents:
    """What a report says.

    Attributes
    ----------
    result : RegistrationResult
    files : tuple of str
        Where the pairs came from.
    found : Findings
    check : Check
    ladder : Ladder
    rungs : tuple of Rung
    fiducials : Forecast
        TRE at each fiducial.
    targets : tuple of Forecast
        Of the targets, one for each kind; empty without targets.
    ends : Forecast
        TRE at the fiducials' centroid, and at the fiducial where it is largest.
    drawn : Forecast
        TRE at the places whose regions are drawn: the targets, or some fiducials.
    gains : Gains or None
    """

    result: RegistrationResult
    files: tuple[str, ...]
    found: Findings
    check: Check
    ladder: Ladder
    rungs: tuple[Rung, ...]
    fiducials: Forecast
    targets: tuple[Forecast, ...]
    ends: Forecast
    drawn: Forecast
    gains: Gains | None

    @property
    def unit(self) -> str:
        """Unit of the target, where predictions land."""
        return self.result.pairs.target_unit

    @property
    def suspicious(self) -> frozenset[str]:
        """Names of fiducials that do not agree with the others."""
        beads = self.found.beads
        return frozenset() if self.found.exact else frozenset(beads.names[i] for i in beads.suspicious)


def gather(result: RegistrationResult, targets: Any = None, files: Sequence[str] = ()) -> Contents:
    """Look at one registration from all sides.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    targets : (m, d) array or `regerr.io.Points`, optional
        Source units.
    files : sequence of str, optional
        Where the pairs came from.

    Raises
    ------
    InputError, UndeterminedError
        As `regerr.reporting.findings.find` does: for a batch, for targets that are none, for a dataset without a fit.
    """
    found = find(result, targets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)  # each is said on the page
        parts: dict[str, Callable[[], Any]] = {
            "check": lambda: check(result.pairs, result.model, result.noise),
            "ladder": lambda: own_ladder(result),
            "rungs": lambda: _rungs(result, found),
            "fiducials": lambda: forecast(result, result.pairs.source, "tre", LEVEL, names=result.pairs.names),
            "targets": lambda: _measured(result, found, targets),
            "ends": lambda: together(found.centre, found.edge),
            "drawn": lambda: found.targets or _some_fiducials(result),
            "gains": lambda: gains(result, found.targets or found.edge)}
        made = {name: make() for name, make in watched(list(parts.items()), "Report, numbers")}
        return Contents(result, tuple(files), found, **made)


def _measured(result: RegistrationResult, found: Findings, targets: Any) -> tuple[Forecast, ...]:
    """Forecasts of the targets of each kind, that of the TRE the one of the findings; how far regions reach is asked here."""
    made = () if targets is None else forecasts(result, targets)
    own = tuple(found.targets if one.kind == "tre" and found.targets is not None else one for one in made)
    for one in own:
        assert one.extents is not None
    return own


def _some_fiducials(result: RegistrationResult) -> Forecast:
    """The TRE at fiducials far from each other, the outermost first."""
    x = result.pairs.source
    chosen = [int(np.argmax(np.linalg.norm(x - x.mean(0), axis=-1)))]
    while len(chosen) < min(_PLACES[x.shape[1]], len(x)):
        gap = np.linalg.norm(x[:, None] - x[chosen], axis=-1).min(-1)
        chosen.append(int(np.argmax(gap)))
    chosen.sort()
    return forecast(result, x[chosen], "tre", LEVEL, names=[result.pairs.names[i] for i in chosen])


def _rungs(result: RegistrationResult, found: Findings) -> tuple[Rung, ...]:
    """Every model of the ladder that these pairs and this noise allow."""
    return tuple(rung for step in LADDER if (rung := _rung(result, found, step.name)) is not None)


def _rung(result: RegistrationResult, found: Findings, name: str) -> Rung | None:
    model, pairs = parse_model(name), result.pairs
    try:
        few = pairs.n < model.under(result.noise).least_pairs(pairs.dimension)
    except UnsupportedError:
        return None
    if few:
        return None
    other = result if name == result.model.card.name else refitted(pairs, model, result.noise)
    if other.failure:
        return None
    places = np.concatenate([found.centre.prediction.targets, found.edge.prediction.targets])
    ends = found.centre.radius[0], found.edge.radius[0]
    centre, edge = ends if other is result else forecast(other, places, "tre", LEVEL).radius
    x = pairs.source
    apart = np.linalg.norm(other.transform.apply(x) - result.transform.apply(x), axis=-1).max()
    return Rung(name, other.model.card.parameters[pairs.dimension], float(other.fre_rms), float(other.fle_rms),
                float(centre), float(edge), float(apart))

