"""What a matching of points to a surface says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UndeterminedError
from ..transforms import Transform
from .objects import Verdict


@dataclass(frozen=True, eq=False)
class SurfaceAlignment:
    """One way to lay points on a surface.

    Attributes
    ----------
    transform : Transform
        Of the points as given.
    feet : (n, d) array
        The closest point of the surface to each image.
    distance : (n,) array
        From the image to its foot, target units.
    used : (n,) array of bool
        Points that lie on the surface; the others are spurious.
    log10_false_alarms : float
        Decimal logarithm of a bound on how many alignments as good as this one scattered points yield in the mean.
    noise_sd : float
        S.d. of the distance of a point, target units.
    mirrored : bool
    """

    transform: Transform
    feet: np.ndarray
    distance: np.ndarray
    used: np.ndarray
    log10_false_alarms: float
    noise_sd: float
    mirrored: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"matrix": self.transform.matrix.tolist(), "offset": self.transform.offset.tolist(), "feet": self.feet.tolist(),
                "distance": self.distance.tolist(), "used": self.used.tolist(), "log10_false_alarms": self.log10_false_alarms,
                "noise_sd": self.noise_sd, "mirrored": self.mirrored}


@dataclass(frozen=True, eq=False)
class SurfaceMatching:
    """Points laid on a surface, and whether to believe it.

    Attributes
    ----------
    verdict : Verdict
    best : SurfaceAlignment or None
    alternatives : tuple of SurfaceAlignment
        Other places where the points lie as close, but for noise: a round outline has many.
    model : str
    names : tuple of str
        Of the points.
    source_unit, target_unit : str
    threshold : float
        Expected number of false alarms below which an alignment is believed.
    """

    verdict: Verdict
    best: SurfaceAlignment | None
    alternatives: tuple[SurfaceAlignment, ...]
    model: str
    names: tuple[str, ...]
    source_unit: str
    target_unit: str
    threshold: float

    @property
    def accepted(self) -> bool:
        """Whether the transformation may be used."""
        return self.verdict is Verdict.ACCEPTED

    @property
    def transform(self) -> Transform:
        """Source to target; raises UndeterminedError with the reason when the matching was refused."""
        if self.best is None or not self.accepted:
            raise UndeterminedError(self.sentence)
        return self.best.transform

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        from ..reporting.surface_matchings import verdict

        return verdict(self)

    def __str__(self) -> str:
        from ..reporting.surface_matchings import surface_report

        return surface_report(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"verdict": self.verdict.value, "accepted": self.accepted, "sentence": self.sentence, "model": self.model,
                "names": list(self.names), "threshold": self.threshold,
                "best": None if self.best is None else self.best.to_dict(),
                "alternatives": [a.to_dict() for a in self.alternatives]}
