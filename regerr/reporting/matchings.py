"""What is said of a matching: the verdict in one sentence, and the report of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..matching.objects import Verdict

if TYPE_CHECKING:
    from ..matching.objects import Alignment, Matching

_LISTED = 5


def verdict(found: Matching) -> str:
    """Whether to use the pairs, in one sentence."""
    return _VERDICTS[found.verdict](found)


def matching_report(found: Matching) -> str:
    """What was matched, how sure it is, what to do."""
    told = [_table(found.best), _left_out(found)] if found.best is not None and found.accepted else []
    return report_of(found, _numbers, "Other alignments that are no accident:", _line, [*told, _advice(found)])


def report_of(found: Any, numbers: Callable[[Any, Any], str], heading: str, line: Callable[[Any], str], rest: list[str]) -> str:
    """The verdict, numbers of the best alignment but where chance could do as well, other alignments, and the rest."""
    parts = [found.sentence]
    if found.best is not None and found.verdict is not Verdict.CHANCE:
        parts.append(numbers(found, found.best))
    if found.alternatives:
        parts.append("\n".join([heading, *map(line, found.alternatives[:_LISTED])]))
    return "\n\n".join([*parts, *rest]) + "\n"


def false_alarms(log10: float) -> str:
    """An expected number of false alarms, in words that do not pretend to more than they are."""
    if log10 < -12:
        return "less than 1 in 10^12"
    return f"{10.0**log10:.2g}" if log10 < 4 else "more than 10,000"


def _accepted(found: Matching) -> str:
    best = found.best
    assert best is not None
    return (f"{best.pairs.n} pairs found among {found.counts[0]} points of the source and {found.counts[1]} of the target "
            f"({found.model}{', mirrored' if best.mirrored else ''}): no accident (expected number of alignments as good between "
            f"unrelated sets: {false_alarms(best.log10_false_alarms)}).")


def _ambiguous(found: Matching) -> str:
    return (f"Refused: the points can be laid on each other in at least {len(found.alternatives) + 1} ways that are no accident "
            "and disagree about the pairs, as in a symmetric layout or a grid; say which one is right, or add points that break "
            "the symmetry.")


def _lattice(found: Matching) -> str:
    return (f"Refused: the points of one set lie exactly on a lattice, which fits another one in many ways, and nothing says "
            f"that the best of them ({found.best.pairs.n if found.best else 0} pairs) is right; add points that are not on it, "
            "or give the pairs by hand.")


def _mirrored(found: Matching) -> str:
    return (f"Refused: the mirror image of the source fits the target far better than the source does ({found.model}); allow "
            "mirrored alignments if one of the images may be flipped.")


def _chance(found: Matching) -> str:
    best = "" if found.best is None else (f" (the best one has {found.best.pairs.n} pairs, and unrelated sets would yield "
                                          f"{false_alarms(found.best.log10_false_alarms)} as good)")
    return (f"Refused: no {found.model} alignment of the {found.counts[0]} and {found.counts[1]} points is better than "
            f"chance{best}; match more points, bound the scale, try another model or mirrored images, or give the "
            "pairs by hand.")


def _few(found: Matching) -> str:
    best = found.best
    assert best is not None
    return (f"Refused: the sets agree, but only {best.pairs.n} pairs are certain, and at least 5 are needed; add points, or "
            "remove points that lie too close together.")


_VERDICTS = {Verdict.ACCEPTED: _accepted, Verdict.AMBIGUOUS: _ambiguous, Verdict.LATTICE: _lattice,
             Verdict.MIRRORED: _mirrored, Verdict.CHANCE: _chance, Verdict.FEW: _few}


def _numbers(found: Matching, best: Alignment) -> str:
    sure = int((best.probability >= 0.99).sum())
    return (f"S.d. of a pair, per coordinate: {best.noise_sd:.3g} {best.pairs.target_unit} (corrected for the gate of "
            f"{found.gate:.1%}).\n{motion(best.transform.matrix, best.mirrored)}\n"
            f"{sure} of the {best.pairs.n} pairs are right with a probability of at least 99 %, the "
            f"least sure one with {best.probability.min():.1%}, if the alignment is right.")


def motion(matrix: np.ndarray, mirrored: bool) -> str:
    """Rotation and scale of a linear part (d, d), to be checked by eye."""
    d = len(matrix)
    size = abs(np.linalg.det(matrix)) ** (1.0 / d)
    left, _, right = np.linalg.svd(matrix * np.where(np.arange(d) == 0, -1.0 if mirrored else 1.0, 1.0))
    turn = left @ right
    cosine = turn[0, 0] if d == 2 else (np.trace(turn) - 1.0) / 2.0
    angle = np.degrees(np.arctan2(turn[1, 0], turn[0, 0])) if d == 2 else np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return f"Rotation by {angle:.4g} degrees, scale {size:.5g}{', mirrored first (x to -x)' if mirrored else ''}."


def _line(other: Alignment) -> str:
    return (f"  {other.pairs.n} pairs, {motion(other.transform.matrix, other.mirrored)[:-1]}, expected false alarms "
            f"{false_alarms(other.log10_false_alarms)}")


def _table(best: Alignment) -> str:
    pairs = best.pairs
    gaps = np.linalg.norm(pairs.target - best.transform.apply(pairs.source * _flip(best)), axis=-1)
    width = max(4, *map(len, pairs.names))
    rows = [f"{name:<{width}}  {gap:>10.4g}  {sure:>11.3f}"
            for name, gap, sure in zip(pairs.names, gaps, best.probability, strict=True)]
    return "\n".join([f"{'pair':<{width}}  {'residual':>10}  {'probability':>11}   (residuals in {pairs.target_unit})", *rows])


def _flip(best: Alignment) -> np.ndarray:
    flip = np.ones(best.pairs.dimension)
    flip[0] = -1.0 if best.mirrored else 1.0
    return flip


def _left_out(found: Matching) -> str:
    assert found.best is not None
    unused = found.best.pairs.unused
    if not unused:
        return "No point is left out."
    groups = {reason: [u.name for u in unused if u.reason == reason] for reason in dict.fromkeys(u.reason for u in unused)}
    return "\n".join(f"Left out, {reason}: {', '.join(names)}." for reason, names in groups.items())


def _advice(found: Matching) -> str:
    if found.accepted:
        mirrored = found.best is not None and found.best.mirrored
        flipped = " The x of the source is negated in the pairs." if mirrored else ""
        return f"Next: look at the pairs, then register them with regerr fit.{flipped}"
    return "Nothing was written: a refused matching has no pairs to use."
