"""The answer of the command ``regerr predict``, and what became of the s.d. that the file of the targets states."""

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


def said(result: RegistrationResult, points: Points, found: Sequence[Forecast]) -> str:
    """What became of the s.d. of the targets; nothing where there are none, or where they do not matter."""
    from ..reporting.forecasts import heeded

    if points.covariance is None or all(one.kind == "tre" for one in found):
        return ""
    if not heeded(result, points):
        return UNUSED
    return f"{USED}{FACTOR if result.noise.scale is None else ''}."


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
