"""Find the pairs of two point sets: triangles propose, points agree, chance is ruled out, regions decide who is whose partner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..models import Model, parse_model
from ..pair_covariances import PairCovariances
from ..pairs import FiducialPairs, Unused
from .consensus import proposals, refined
from .doors import LEAST, Given, checked_scale, checked_share, given, same_dimension
from .families import FAMILIES
from .objects import Alignment, Matching, Verdict
from .pairing import Pairing, Sets, paired
from .problem import Problem
from .significance import log_false_alarms
from .windows import Window

_AS_STRONG = 0.5  # share of the best alignment's decades from which on another one makes the matching ambiguous
_MOST = 0.75  # of the smaller set: with more pairs no mirror image is behind them
_DECADES = 3.0  # by which the mirror image has to be the better one
_SHARED = 0.5  # of the pairs: alignments that share more are one


def match(source: Any, target: Any, model: str | Model = "rigid", *, scale: tuple[float, float] | None = None,
          mirror: bool = False, threshold: float = 1e-3, gate: float = 0.997, seed: int = 0) -> Matching:
    """Propose which points of two sets are the same, or refuse (theory, section 22).

    Points may be missing or spurious in both sets, and the rotation may be any. The answer is the same in every run.

    Parameters
    ----------
    source, target : (n, d) arrays, or Points of `regerr.read_points`
        At least 5 points each, in 2 or 3 dimensions.
    model : {"rigid", "similarity", "affine"} or a model object
        Rigid takes both sets to be in one unit (or a known scale, ``regerr.models.Rigid(scale)``). Affine finds maps whose strain
        is small, about a tenth, beside any rotation and scale.
    scale : (low, high), optional
        Bounds on the scale, target units per source unit; within a factor of 5 of the ratio of the extents by default.
    mirror : bool
        Try mirrored alignments too.
    threshold : float
        Expected number of false alarms below which an alignment is believed.
    gate : float
        Probability with which a true pair lies within the gate.
    seed : int
        Of the triangles and subsets that are tried where there are too many for all.

    Returns
    -------
    Matching
        Its ``pairs`` go into `regerr.fit`. A matching that could be chance, or has an alternative, is refused.

    Raises
    ------
    InputError
        For points and arguments that are not what they should be.
    """
    chosen = parse_model(model)
    if chosen.card.name not in FAMILIES:
        raise InputError(f"model {chosen.card.name!r} has no matching: use one of {', '.join(FAMILIES)}")
    sets = given(source, "source"), given(target, "target")
    same_dimension(*sets)
    bounds = checked_scale(scale, FAMILIES[chosen.card.name].keeps_size)
    threshold, gate = checked_share("threshold", threshold), checked_share("gate", gate)
    def search(mirrored: bool) -> list[Alignment]:
        return list(_alignments(sets, chosen, bounds, mirrored, 1 + bool(mirror), gate, seed))

    found = sorted([*search(False), *(search(True) if mirror else ())], key=lambda a: a.log10_false_alarms)
    best = found[0] if found else None
    log_threshold = float(np.log10(threshold))
    others = _disagreeing([a for a in found if a.log10_false_alarms <= log_threshold])
    verdict = _verdict(best, others, log_threshold, any(Window.of(s.points).lattice for s in sets))
    if verdict is Verdict.ACCEPTED and best is not None and not mirror and _sparse(best, sets):
        flipped = min((a.log10_false_alarms for a in search(True)), default=np.inf)
        verdict = Verdict.MIRRORED if flipped < best.log10_false_alarms - _DECADES else verdict
    return Matching(verdict, best, tuple(others[1:]), chosen.card.name,
                    (len(sets[0].points), len(sets[1].points)), threshold, gate)


def _sparse(best: Alignment, sets: tuple[Given, Given]) -> bool:
    """Whether so few points have a partner that a mirror image, which fits along a line or a plane, could be behind them."""
    return best.pairs.n < _MOST * min(len(s.points) for s in sets)


def _verdict(best: Alignment | None, significant: list[Alignment], log_threshold: float, lattice: bool) -> Verdict:
    if best is None or best.log10_false_alarms > log_threshold:
        return Verdict.CHANCE
    if best.pairs.n < LEAST:
        return Verdict.FEW
    rivals = [a for a in significant[1:] if a.log10_false_alarms <= _AS_STRONG * best.log10_false_alarms]
    return Verdict.AMBIGUOUS if rivals else Verdict.LATTICE if lattice else Verdict.ACCEPTED


def _disagreeing(found: list[Alignment]) -> list[Alignment]:
    """The first of each group of alignments that share most of their pairs."""
    kept: list[Alignment] = []
    for one in found:
        if all(len(one.links & other.links) <= _SHARED * min(len(one.links), len(other.links)) for other in kept):
            kept.append(one)
    return kept


def _alignments(sets: tuple[Given, Given], model: Model, scale: tuple[float, float] | None, mirrored: bool, orientations: int,
                gate: float, seed: int) -> Iterator[Alignment]:
    """The finalists of one orientation, with their pairs; those that do not determine a map are left out."""
    rng = np.random.default_rng(seed)
    source, target = sets[0].points, sets[1].points
    problem = Problem.of(source, target, model.card.name, scale, model.scale, mirrored, orientations)
    flip = np.ones(source.shape[1])
    flip[0] = -1.0 if mirrored else 1.0
    for alarms, moving, fixed in _finalists(problem, rng):
        rows = (fixed, moving) if problem.swapped else (moving, fixed)
        pairing = paired(Sets(source * flip, target, _covariances(sets, flip)), rows, model, gate)
        if pairing is not None and np.linalg.det(pairing.result.transform.matrix) > 0:
            yield _alignment(sets, pairing, alarms, gate, mirrored)


def _covariances(sets: tuple[Given, Given], flip: np.ndarray) -> PairCovariances | None:
    """Those of both sets, the first one mirrored or not; None where one has none."""
    own, others = (one.covariance for one in sets)
    return None if own is None or others is None else PairCovariances(own * np.outer(flip, flip), others)


def _finalists(problem: Problem, rng: np.random.Generator) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """False alarms and rough pairs of each refined map; the ones that cannot beat chance only if none can."""
    found = refined(problem, proposals(problem, rng))
    order = np.argsort(found.score, kind="stable")
    order = order[np.linalg.det(found.maps.matrix[order]) > 0]  # an affine fit may have turned into a mirror image
    hopeful = order[found.score[order] + problem.log_tests < 0]
    out = []
    for k in hopeful if len(hopeful) else order[:1]:
        closest = np.argsort(found.residual[k], kind="stable")[: np.isfinite(found.residual[k]).sum()]
        partners = found.partner[k][closest]
        count = int(found.count[k])
        alarms = log_false_alarms(problem, found.maps[k], closest, partners, count, rng)
        out.append((alarms, closest[:count], partners[:count]))
    return out


def _alignment(sets: tuple[Given, Given], found: Pairing, alarms: float, gate: float, mirrored: bool) -> Alignment:
    result, d = found.result, sets[0].points.shape[1]
    flip = np.ones(d)
    flip[0] = -1.0 if mirrored else 1.0
    transform = result.transform
    whole = type(transform)(transform.matrix * flip, transform.source_centre * flip, transform.target_centre)
    variance = float(np.trace(result.noise_covariance)) / d
    return Alignment(_pairs(sets, found, gate), whole, alarms, found.probability, float(np.sqrt(max(variance, 0.0))),
                     found.source, found.target, mirrored)


def _pairs(sets: tuple[Given, Given], found: Pairing, gate: float) -> FiducialPairs:
    a, b = sets
    names = tuple(a.names[i] if a.names[i] == b.names[j] else f"{a.names[i]} = {b.names[j]}"
                  for i, j in zip(found.source, found.target, strict=True))
    return replace(found.result.pairs, names=names, source_unit=a.unit, target_unit=b.unit, source_step=None,
                   unused=tuple(_unused(sets, found)), gate=gate, source_origin=a.origin, target_origin=b.origin)


def _unused(sets: tuple[Given, Given], found: Pairing) -> Iterator[Unused]:
    """Everything that has no pair, with the reason."""
    rows = ((found.source, found.contested_source, "target"), (found.target, found.contested_target, "source"))
    for k, (one, (used, contested, other)) in enumerate(zip(sets, rows, strict=True)):
        for i in sorted(set(range(len(one.points))) - set(used.tolist())):
            reason = "two candidates within reach" if i in contested else f"no partner in the {other}"
            place = tuple(one.points[i].tolist())
            yield Unused(f"{one.names[i]} ({('source', 'target')[k]})", reason, *((place, None) if k == 0 else (None, place)))
