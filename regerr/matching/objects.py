"""What a matching of two point sets says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ..errors import UndeterminedError
from ..pairs import FiducialPairs
from ..transforms import Transform


class Verdict(Enum):
    """Whether a matching may be used, and why not."""

    ACCEPTED = "accepted"
    AMBIGUOUS = "ambiguous"
    LATTICE = "points on a lattice"
    MIRRORED = "mirror images"
    CHANCE = "no better than chance"
    FEW = "too few pairs"


@dataclass(frozen=True, eq=False)
class Alignment:
    """One way to lay the source on the target.

    Attributes
    ----------
    pairs : FiducialPairs
        The pairs, ready for `regerr.fit`, which corrects the noise for their gate; all other points are in ``pairs.unused`` with
        the reason. If the alignment is mirrored, their source has the first coordinate negated.
    transform : Transform
        Source to target, from these pairs; of the points as they were given, mirrored or not.
    log10_false_alarms : float
        Decimal logarithm of a bound on how many alignments as good as this one unrelated sets yield in the mean (theory, section
        22).
    probability : (n,) array
        For each pair, that it is right and no neighbour by chance, given that the alignment is right.
    noise_sd : float
        S.d. per coordinate of a pair, target units, corrected for the gate.
    source_index, target_index : (n,) arrays of int
        Rows of the given points.
    mirrored : bool
    """

    pairs: FiducialPairs
    transform: Transform
    log10_false_alarms: float
    probability: np.ndarray
    noise_sd: float
    source_index: np.ndarray
    target_index: np.ndarray
    mirrored: bool = False

    @property
    def links(self) -> frozenset[tuple[int, int]]:
        """The pairs as rows of the given points."""
        return frozenset(zip(self.source_index.tolist(), self.target_index.tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"pairs": self.pairs.to_dict(), "matrix": self.transform.matrix.tolist(),
                "offset": self.transform.offset.tolist(), "log10_false_alarms": self.log10_false_alarms,
                "probability": self.probability.tolist(), "noise_sd": self.noise_sd,
                "source_index": self.source_index.tolist(), "target_index": self.target_index.tolist(), "mirrored": self.mirrored}


@dataclass(frozen=True, eq=False)
class Matching:
    """The proposed pairs of two point sets, and whether to believe them.

    Attributes
    ----------
    verdict : Verdict
    best : Alignment or None
        The best guess, accepted or not; None when nothing could be laid on anything.
    alternatives : tuple of Alignment
        Others that are no accident and disagree with the best about most pairs, as in symmetric layouts.
    model : str
    counts : (int, int)
        Points in the source and in the target.
    threshold : float
        Expected number of false alarms below which an alignment is believed.
    gate : float
        Probability with which a true pair lies within the gate.
    """

    verdict: Verdict
    best: Alignment | None
    alternatives: tuple[Alignment, ...]
    model: str
    counts: tuple[int, int]
    threshold: float
    gate: float

    @property
    def accepted(self) -> bool:
        """Whether the pairs may be used."""
        return self.verdict is Verdict.ACCEPTED

    @property
    def pairs(self) -> FiducialPairs:
        """The accepted pairs, for `regerr.fit`; raises UndeterminedError with the reason when the matching was refused."""
        return self._accepted().pairs

    @property
    def transform(self) -> Transform:
        """Source to target; raises UndeterminedError when the matching was refused."""
        return self._accepted().transform

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        from ..reporting.matchings import verdict

        return verdict(self)

    def __str__(self) -> str:
        from ..reporting.matchings import matching_report

        return matching_report(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"verdict": self.verdict.value, "accepted": self.accepted, "sentence": self.sentence, "model": self.model,
                "counts": list(self.counts), "threshold": self.threshold, "gate": self.gate,
                "best": None if self.best is None else self.best.to_dict(),
                "alternatives": [a.to_dict() for a in self.alternatives]}

    def _accepted(self) -> Alignment:
        if self.best is None or not self.accepted:
            raise UndeterminedError(self.sentence)
        return self.best
