"""Is this registration believable?  One answer with at most two reasons and one thing to do.

All that can be told from the pairs alone is looked at: too few of them, a layout that leaves the map undetermined, mirrored
images, rows out of step or exchanged, residuals too small to be true, points that are there twice, a wrong scale, one fiducial
that does not agree, deformation, heavy tails. What a finding explains is not reported as another one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .equal_rows import equal_rows
from .errors import InputError, RegistrationError, RegistrationWarning, UndeterminedError
from .outliers import suspects
from .pairs import FiducialPairs
from .reporting.findings import own_ladder, scale_of
from .reporting.text import article, listed, number
from .results import RegistrationResult, fit
from .suspicions import Finding, matching
from .tails import tails_p_value

if TYPE_CHECKING:
    from .models import Model
    from .noise import Noise

DOUBTFUL = 0.01  # p-value of a test against the model below which it is a reason
_WORST = 0.05  # Holm's p-value below which a fiducial is named
_ALIKE = 0.05  # distance over the noise below which two fiducials are one point that was placed twice
_UNLIKE = 1.5  # factor of scale beyond which two images hardly are in one unit
_SHOWN = 2


@dataclass(frozen=True, eq=False)
class Check:
    """What speaks against a registration.

    Attributes
    ----------
    findings : tuple of Finding
        The gravest first; empty when nothing speaks against it.
    result : RegistrationResult or None
        The fit, where there is one.
    """

    findings: tuple[Finding, ...]
    result: RegistrationResult | None

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def reasons(self) -> tuple[str, ...]:
        """At most two reasons to doubt the registration, the gravest first."""
        return tuple(finding.reason for finding in self.findings[:_SHOWN])

    @property
    def action(self) -> str:
        """One thing to do; empty when nothing was found."""
        return next((finding.action for finding in self.findings if finding.action), "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = [{"name": f.name, "reason": f.reason, "action": f.action, "pairs": list(f.pairs), "p_value": f.p_value}
                 for f in self.findings]
        return {"sound": self.sound, "reasons": list(self.reasons), "action": self.action, "findings": found}

    def __str__(self) -> str:
        from .reporting.checks import check_report

        return check_report(self)


def check(pairs: FiducialPairs, model: str | Model = "rigid", noise: str | Noise = "both") -> Check:
    """Look for whatever speaks against registering these pairs by this model.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset.
    model : {"rigid", "similarity", "affine"} or a model object
    noise : {"both", "target", "source", "full", "given"} or Noise

    Returns
    -------
    Check
        Pairs that cannot be registered are a finding and no error.

    Raises
    ------
    InputError, UnsupportedError
        For a batch, for an unknown model or noise, and for a noise that the model cannot use.
    """
    if pairs.batch_shape:
        raise InputError(f"these are pairs of a batch of shape {pairs.batch_shape}: check one dataset, pairs[i]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)  # what they say is found again below
        try:
            result = fit(pairs, model, noise)
        except UndeterminedError as fault:
            what, _, mend = str(fault).partition(": ")
            return Check((Finding("undetermined", what, mend), *_one_place(pairs)), None)
        return Check(tuple(_findings(result)), result)


def _findings(result: RegistrationResult) -> list[Finding]:
    """The gravest first; a wrong matching explains all the rest."""
    found = matching(result)
    if found:
        return found
    found = _disagreements(result)
    # residuals that something else explains say nothing of how near two fiducials may be
    double = _one_place(result.pairs) or ([] if found else _twice(result))
    return [*found, *double, *_few(result)]


def _disagreements(result: RegistrationResult) -> list[Finding]:
    """A wrong fiducial or a wrong model, whichever explains the other; then the tails of what is left."""
    bead, shape = _bead(result), _deformation(result)
    if bead is None:
        return shape or _tails(result)
    try:
        without = fit(result.pairs.drop(*bead.pairs), result.model, result.noise)
    except UndeterminedError:
        return [bead]
    left = [] if matching(without) else _deformation(without) or _tails(without)
    if shape and left and _wider_agrees(result):
        return shape
    return [bead, *left]


def _wider_agrees(result: RegistrationResult) -> bool:
    """Whether no fiducial disagrees under the simplest model that nothing speaks against."""
    simplest = own_ladder(result).simplest
    try:
        return simplest is not None and _bead(fit(result.pairs, simplest, result.noise)) is None
    except RegistrationError:
        return False


def _bead(result: RegistrationResult) -> Finding | None:
    """The fiducial that disagrees most with the others."""
    try:
        found = suspects(result, level=_WORST)
        names = found.worst_first
        if not names:
            return None
        i = result.pairs.names.index(names[0])
        off = float(np.linalg.norm(result.leave_one_out()[i]))
    except UndeterminedError:
        return None
    more = f"; look at {listed(names[1:])} too" if len(names) > 1 else ""
    unit = "" if result.pairs.target_unit == "unit" else f" {result.pairs.target_unit}"
    return Finding("bead", f"{names[0]!r} does not agree with the other fiducials ({number(off, 2)}{unit} off)",
                   f"have a look at {names[0]!r}, or leave it out and compare (--exclude){more}", names[:1],
                   float(found.adjusted[i]))


def _deformation(result: RegistrationResult) -> list[Finding]:
    """A scale that the model does not allow, or more than that."""
    ladder = own_ladder(result)
    rejected = {test.models[1]: float(test.p_value) for test in ladder.comparisons
           if test.models[0] == result.model.card.name and test.p_value < DOUBTFUL}
    if not rejected or ladder.simplest is None or ladder.simplest == result.model.card.name:
        return []
    better, p = ladder.simplest, rejected.get(ladder.simplest, min(rejected.values()))
    if better == "similarity":
        return [_wrong_scale(result, p)]
    own, wider = article(result.model.card.name), article(better)
    return [Finding("deformation", f"the two images differ by more than {own} transformation and noise: {wider} one fits better "
                    f"than chance allows", f"fit {wider} model (--model {better}), or look for misplaced fiducials", p_value=p)]


def _wrong_scale(result: RegistrationResult, p: float) -> Finding:
    other = fit(result.pairs, "similarity", result.noise)
    factor = scale_of(other) / scale_of(result)
    far = not 1 / _UNLIKE < factor < _UNLIKE
    mend = "check that both images are in one unit, or give the ratio of their pixel sizes (--scale)" if far else \
        "check the pixel sizes (--scale), or fit a similarity (--model similarity)"
    more = f"{number(abs(factor - 1) * 100, 2)} % {'larger' if factor > 1 else 'smaller'} than" if 0.8 < factor < 1.25 else \
        f"{number(factor, 4)} times as large as"
    return Finding("scale", f"the target is {more} this registration allows", mend, p_value=p)


def _tails(result: RegistrationResult) -> list[Finding]:
    """Residuals of which a few are too large, for noise that is Gaussian and alike for all."""
    p = tails_p_value(result)
    if result.noise.tails is not None or not p < DOUBTFUL:
        return []
    return [Finding("tails", "some fiducials are far less well placed than most: the noise has heavier tails than regions allow "
                    "for", "weigh them down (--tails 4), or take regions by rank (--method interpolated-rank)", p_value=p)]


def _one_place(pairs: FiducialPairs) -> list[Finding]:
    """Two fiducials at one place in one space alone; no fault where coordinates are whole pixels."""
    if pairs.rounding is not None:
        return []
    points = {"source": pairs.source, "target": pairs.target}
    for space, other in (("source", "target"), ("target", "source")):
        same = [(i, j) for i, j in equal_rows(points[space]) if (points[other][i] != points[other][j]).any()]
        if same:
            a, b = (pairs.names[i] for i in same[0])
            return [Finding("one place", f"{a!r} and {b!r} lie at one place in the {space} and not in the {other}",
                            "check the matching of the two", (a, b))]
    return []


def _twice(result: RegistrationResult) -> list[Finding]:
    """Two fiducials that are nearly at one place in both spaces."""
    pairs, near = result.pairs, _ALIKE * float(result.fle_rms)
    if pairs.rounding is not None:
        return []
    from scipy.spatial import cKDTree

    # both lengths at once: no longer than the root of two in the common space of both
    both = np.concatenate([pairs.target, pairs.source * scale_of(result)], -1)
    close = cKDTree(both - both.mean(0)).query_pairs(np.sqrt(2.0) * near, output_type="ndarray")
    apart = [np.linalg.norm(points[close[:, 0]] - points[close[:, 1]], axis=-1) for points in np.split(both, 2, -1)]
    close = close[np.maximum(*apart) < near]
    if not len(close):
        return []
    a, b = (pairs.names[int(i)] for i in min(close.tolist()))
    return [Finding("twice", f"{a!r} and {b!r} are nearly one point in both images, and count as two", f"keep one of {a!r} and "
                    f"{b!r}", (a, b))]


def _few(result: RegistrationResult) -> list[Finding]:
    n, least = result.pairs.n, result.estimator.least_pairs(result.pairs.dimension)
    if n > least:
        return []
    return [Finding("few", f"{n} fiducials are too few to check any of them against the others",
                    "add at least one more fiducial")]
