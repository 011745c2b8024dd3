"""What is said of points laid on a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..matching.objects import Verdict
from .matchings import false_alarms, motion, report_of

if TYPE_CHECKING:
    from ..matching.surface_objects import SurfaceAlignment, SurfaceMatching

def verdict(found: SurfaceMatching) -> str:
    """Whether to use the transformation, in one sentence."""
    return _VERDICTS[found.verdict](found)


def surface_report(found: SurfaceMatching) -> str:
    """What was laid on what, how sure it is, what to do."""
    advice = ("Next: look at the points that were left out, and at the s.d. of the distances: another outline of like shape "
              "would fit too, only less well."
              if found.accepted else "Nothing was written: a refused matching is not to be used.")
    return report_of(found, _numbers, "Other places where the points fit as well:", _line, [advice])


def _accepted(found: SurfaceMatching) -> str:
    best = found.best
    assert best is not None
    return (f"{int(best.used.sum())} of {len(best.used)} points lie on the surface ({found.model}"
            f"{', mirrored' if best.mirrored else ''}): no accident (expected number of alignments as good of scattered points: "
            f"{false_alarms(best.log10_false_alarms)}).")


def _ambiguous(found: SurfaceMatching) -> str:
    return (f"Refused: the points lie on the surface equally well in at least {len(found.alternatives) + 1} places, as on a "
            "round outline; add a point whose partner is known, or points where the surface is irregular.")


def _chance(found: SurfaceMatching) -> str:
    return (f"Refused: no {found.model} alignment lays the {len(found.names)} points on the surface better than chance; add "
            "points, bound the scale, or try another model.")


_VERDICTS = {Verdict.ACCEPTED: _accepted, Verdict.AMBIGUOUS: _ambiguous, Verdict.CHANCE: _chance}


def _numbers(found: SurfaceMatching, best: SurfaceAlignment) -> str:
    left = [name for name, used in zip(found.names, best.used, strict=True) if not used]
    return (f"S.d. of the distance of a point: {best.noise_sd:.3g} {found.target_unit}, the largest of those used "
            f"{np.max(best.distance[best.used]):.3g} {found.target_unit}.\n{motion(best.transform.matrix, best.mirrored)}\n"
            f"Left out, not on the surface: {', '.join(left) or 'none'}.")


def _line(other: SurfaceAlignment) -> str:
    return f"  {motion(other.transform.matrix, other.mirrored)[:-1]}, s.d. of the distance {other.noise_sd:.3g}"
