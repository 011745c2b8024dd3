"""Timing of two or more ways to do one thing, in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One line of the benchmark.

    Attributes
    ----------
    name : str
    unit : str
        What the work is compared with, in words.
    work, reference : callable without arguments
    wanted : float
        The ratio to stay below, or to reach when ``faster`` is set.
    faster : bool
        The ratio is reference over work (how many times faster), instead of work over reference.
    repetitions : int
    """

    name: str
    unit: str
    work: Work
    reference: Work
    wanted: float
    faster: bool = False
    repetitions: int = 5

    def ratio(self) -> float:
        """Run both in turns; the ratio of their least times."""
        least = alternating_minima({"work": self.work, "reference": self.reference}, self.repetitions)
        ratio = least["work"] / least["reference"]
        return 1.0 / ratio if self.faster else ratio

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is what was wanted."""
        return ratio >= self.wanted if self.faster else ratio <= self.wanted

    def line(self, ratio: float) -> str:
        """One printed line."""
        sign = "at least" if self.faster else "at most"
        mark = "" if self.holds(ratio) else "   <-- missed"
        return f"{self.name:58} {ratio:8.2f}   {sign} {self.wanted:g} wanted, against {self.unit}{mark}"


def alternating_minima(works: Mapping[str, Work], repetitions: int) -> dict[str, float]:
    """Least seconds of each work over that many rounds, one call of each per round; a first call of each warms up."""
    least = dict.fromkeys(works, float("inf"))
    for work in works.values():
        work()
    for _ in range(repetitions):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            least[name] = min(least[name], time.perf_counter() - start)
    return least
