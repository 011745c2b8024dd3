"""The command ``regerr predict``: each target with the s.d. that its file states, where the pairs carry some of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..io import Points
    from ..reporting.forecasts import Forecast
    from ..results import RegistrationResult

USED = "LRE and observation take the s.d. of each target from its file"
FACTOR = ", times the factor that is estimated for those of the fiducials (none with --stated)"
UNUSED = ("The s.d. of the targets in their file are not used, because the fiducials have none: LRE and observation take each "
          "target to be as noisy as a fiducial.")


def predicted(result: RegistrationResult, points: Points, kind: str | None, level: float, method: str) -> tuple[Forecast, ...]:
    """Predictions of one kind, or of all that the assumed noise can answer."""
    from ..reporting.forecasts import Forecast, forecasts

    found = forecasts(result, points, kind, level, method)
    if not _used(result, points):
        return found
    out = []
    for one in found:
        own = result.predict(points.points, one.kind, source_covariance=points.covariance)
        out.append(one if one.kind == "tre" else Forecast(one.names, own, own.region(level, method)))
    return tuple(out)


def said(result: RegistrationResult, points: Points, found: Sequence[Forecast]) -> str:
    """What became of the s.d. of the targets; nothing where there are none, or where they do not matter."""
    if points.covariance is None or all(one.kind == "tre" for one in found):
        return ""
    if not _used(result, points):
        return UNUSED
    return f"{USED}{FACTOR if result.noise.scale is None else ''}."


def _used(result: RegistrationResult, points: Points) -> bool:
    from ..results import given_covariances

    return points.covariance is not None and given_covariances(result.pairs, result.noise) is not None


def printed(result: RegistrationResult, points: Points, found: Sequence[Forecast], json: bool) -> str:
    """The answer as text or as JSON."""
    from ..records import dumps, forecasts_to_dict
    from ..reporting.sentences import forecasts_report
    from ..reporting.text import paragraph

    note = said(result, points, found)
    if not json:
        return forecasts_report(result, found) + (f"\n\n{paragraph(note)}" if note else "") + "\n"
    more: dict[str, Any] = {"target_sd": note} if note else {}
    return dumps(forecasts_to_dict(result, found) | more)
