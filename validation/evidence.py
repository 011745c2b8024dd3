"""What the tables of the grand study say for and against each rule of the recommendation, and who keeps the level where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regerr.reporting.recommendation import FEW, LOOSE, MANY, Facts, Rule

from .catalogue import DEFAULT

_SLACK = 1e-9


@dataclass(frozen=True)
class Evidence:
    """Scenarios in which a rule holds.

    Attributes
    ----------
    condition : str
        When it holds, in words.
    example : Facts
        A registration for which it holds.
    holds : callable
        Which rows of the summary, a bool Series.
    kinds : tuple of str
        The questions that it is about.
    """

    condition: str
    example: Facts
    holds: Callable[[pd.DataFrame], pd.Series]
    kinds: tuple[str, ...] = ("tre", "observation")


EVIDENCE = {
    "pairs disagree": Evidence(
        "A pair has a Bonferroni p-value below 0.01 given all others. In the study: one fiducial off by 50 s.d., or two swapped.",
        Facts("affine", 2, 10, outlying=True), lambda t: (t["block"] == "mismatch") & (t["case"] != "off by 10 s.d."), ("tre",)),
    "covariances given": Evidence(
        "Pairs or noise carry covariances. In the study: s.d. three times as large along one axis, or photons from 100 to 10,000 "
        "per bead.", Facts("rigid", 3, 6, shape="given"),
        lambda t: ((t["block"] == "anisotropic") & (t["case"] == "s.d. 3 : 1")) | (t["block"] == "photons")),
    "thin layout": Evidence(
        f"Affine, at most {FEW} fiducials, and the noise is large against their spread along some direction. In the study: the "
        "99 % poorest layouts, noise 0.1.", Facts("affine", 2, 5, thin=True),
        lambda t: (t["block"] == "right model") & (t["family"] == "affine") & (t["n"] <= FEW) & (t["layout"] == "99 % poorest")
        & (t["noise"] == 0.1)),
    "loose rotation": Evidence(
        f"Rigid, and the s.d. of the rotation is above {np.degrees(LOOSE):.1f} degrees. In the study: at most {FEW} fiducials, "
        "noise 0.1 and 0.3.", Facts("rigid", 2, 4, turn=0.05),
        lambda t: (t["block"] == "right model") & (t["family"] == "rigid") & (t["n"] <= FEW) & (t["noise"] >= 0.1)),
    "many fiducials": Evidence(
        f"Similarity or affine, at least {MANY} fiducials. In the study: typical layouts, noise 0.3.", Facts("affine", 2, 100),
        lambda t: (t["block"] == "right model") & (t["family"] != "rigid") & (t["n"] >= MANY)
        & (t["layout"] == "typical") & (t["noise"] == 0.3)),
    "nothing special": Evidence(
        "Anything else. In the study: typical layouts, noise up to 0.1.", Facts("similarity", 2, 12),
        lambda t: (t["block"] == "right model") & (t["layout"] == "typical") & (t["noise"] <= 0.1)),
}


def compared(rows: pd.DataFrame, rule: Rule, evidence: Evidence) -> pd.DataFrame:
    """The estimators that a rule prefers and warns of, and the default, family by family, in the scenarios in which it holds.

    Returns
    -------
    Columns estimator, label, kind, preferred, scenarios, least, most (mean coverage), error (greatest s.e.), size (median),
    unbounded (greatest share).
    """
    part = rows[evidence.holds(rows) & rows["kind"].isin(evidence.kinds)]
    methods = dict.fromkeys(name for name in (rule.prefers, DEFAULT, rule.warns_of) if name)
    found = []
    for family in part["family"].unique():
        for method in methods:
            own = part[part["estimator"] == f"{family}-{method}"]
            found += [{**_spans(group), "kind": kind, "preferred": method == rule.prefers}
                      for kind, group in own.groupby("kind", sort=False)]
    columns = ["estimator", "label", "kind", "preferred", "scenarios", "least", "most", "error", "size", "unbounded"]
    return pd.DataFrame(found, columns=columns)


def chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """Every estimator of one situation, the smallest first: its spans, whether it keeps its level and whether it falls short."""
    found = [{**_spans(group), "keeps": bool((departures(group).abs() <= group["margin"] + _SLACK).all()) and not _cannot(group),
              "short": bool((departures(group) < -group["margin"] - _SLACK).any())}
             for _, group in rows.groupby("estimator", sort=False)]
    return pd.DataFrame(found).sort_values("size", kind="stable", ignore_index=True)


def departures(rows: pd.DataFrame) -> pd.Series:
    """Coverage minus nominal as far as it is sure: 0 where the 99 % interval holds the nominal level."""
    low, high = rows["coverage_mean_low"] - rows["level"], rows["coverage_mean_high"] - rows["level"]
    return pd.Series(np.where(low > 0, low, np.where(high < 0, high, 0.0)), rows.index)


def _cannot(group: pd.DataFrame) -> bool:
    """Whether there is a scenario that it cannot be used in."""
    return bool((group["failed"] == 1.0).any())


def _spans(group: pd.DataFrame) -> dict[str, object]:
    sizes = np.sort(group["size"].dropna())
    return {"estimator": group["estimator"].iloc[0], "label": group["label"].iloc[0], "scenarios": len(group),
            "least": group["coverage_mean"].min(), "most": group["coverage_mean"].max(), "error": group["coverage_mean_se"].max(),
            "size": sizes[(len(sizes) - 1) // 2] if len(sizes) else np.nan, "unbounded": group["unbounded"].max()}
