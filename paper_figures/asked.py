"""Which rows of a table a figure is about."""

from __future__ import annotations

import pandas as pd

KIND, LEVEL = "observation", 0.95  # what a held-out bead shows
KINDS = ("tre", "lre", "observation")


def asked(table: pd.DataFrame, kind: str = KIND, level: float = LEVEL) -> pd.DataFrame:
    """The rows of one question at one nominal level."""
    return table[(table["kind"] == kind) & (table["level"] == level)]


def kinds(table: pd.DataFrame) -> list[str]:
    """The questions of a table, in the order of tre, lre, observation."""
    present = set(table["kind"])
    return [kind for kind in KINDS if kind in present]
