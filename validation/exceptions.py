"""Where the default does not keep its level although it assumes what is true: the list that a study owes its readers."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from .verdicts import Verdict

_SAID = [Verdict.UNDER, Verdict.OVER, Verdict.CANNOT]
_TOLD = ["kind", "level", "replicates", "coverage_mean", "coverage_mean_se", "margin", "verdict", "coverage_min",
         "coverage_min_low", "coverage_min_high", "worst_margin", "worst_verdict", "size", "unbounded"]


def not_covering(summary: pd.DataFrame, default: Collection[str], blocks: Collection[str]) -> pd.DataFrame:
    """Rows of the default in those blocks whose mean coverage or worst target departs from nominal by more than its margin.

    Parameters
    ----------
    summary : table
        Of a study whose scenarios are labelled with their ``block``.
    default : collection of str
        Names of the estimators that are defaults.
    blocks : collection of str
        Blocks in which they assume what is true.

    Returns
    -------
    Labels of the scenario and what was decided from what, and ``sure``: whether a verdict says so, or the estimate alone lies
    outside while the replicates do not tell. The largest departures first, the sure ones before the others.
    """
    rows = summary[summary["estimator"].isin(default) & summary["block"].isin(blocks)]
    away = (rows["coverage_mean"] - rows["level"]).abs()
    least = rows["level"] - rows["coverage_min"]
    sure = rows["verdict"].isin(_SAID) | rows["worst_verdict"].isin(_SAID)
    departs = sure | (away > rows["margin"]) | (least > rows["worst_margin"])
    labels = [name for name in summary.columns[: summary.columns.get_loc("estimator")] if name != "scenario"]
    found = rows.loc[departs, ["scenario", *labels, "estimator", *_TOLD]].assign(sure=sure[departs], away=away[departs])
    return found.sort_values(["sure", "away"], ascending=False, kind="stable", ignore_index=True).drop(columns="away")
