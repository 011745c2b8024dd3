"""The tables that people and figures read, made from sums alone: one row per target, and one row per scenario.

Columns are listed in `TARGET_COLUMNS` and `SUMMARY_COLUMNS`; after the identity of a scenario come the labels of the study. Every
estimate has its Monte Carlo standard error beside it, in the column of the same name with ``_se``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from . import measures
from .protocol import family_of, method_of
from .study import Scenario, Study
from .sums import ALL_TARGETS, SUMS, Moments
from .verdicts import judge_mean, judge_worst

_CELL = ["scenario", "estimator", "kind", "level"]
_WHO = {
    "scenario": "unique name of the scenario; its labels follow, one column each",
    "estimator": "unique name",
    "label": "what figures call it",
    "model": "its family, if it has one",
    "method": "its method, if it says so",
    "kind": "the question: tre, lre or observation",
    "level": "nominal level",
}
_REST = {
    "volume_replicates": "replicates on which the region was measured and bounded",
    "volume_mean": "mean area (2D, px^2) or volume (3D, px^3) of the bounded regions",
    "volume_mean_se": "",
    "volume_sd": "its s.d. over replicates",
    "volume_sd_se": "",
    "log_volume_mean": "mean natural logarithm of it",
    "log_volume_mean_se": "",
    "unbounded": "share of measured regions that are unbounded",
    "unbounded_se": "",
    "rms_tre": "root mean square of |T^(x) - T(x)|, px",
    "rms_tre_se": "",
    "expected_rms_tre": "root mean square of what the estimator itself expects, where that is finite, px",
    "expected_rms_tre_se": "",
    "efficiency": "Cramer-Rao efficiency within the estimator's family; empty when the truth is outside of it",
    "efficiency_se": "",
}

TARGET_COLUMNS = {
    **_WHO,
    "target": "number of the target, from 0",
    "x": "true position in the source, px; empty when every replicate has targets of its own",
    "y": "the same",
    "z": "the same; empty in 2D",
    "distance": "to the nearest true fiducial in the source, px; empty when x is",
    "replicates": "datasets drawn",
    "coverage": "share of replicates whose region holds the target; failed ones do not",
    "coverage_se": "",
    **_REST,
}

SUMMARY_COLUMNS = {
    **_WHO,
    "targets": "number of targets",
    "replicates": "datasets drawn",
    "failed": "share of datasets without a fit",
    "coverage_mean": "mean over targets of the coverage",
    "coverage_mean_se": "Monte Carlo error over replicates, not over replicates x targets",
    "coverage_mean_low": "99 % interval of the mean",
    "coverage_mean_high": "",
    "coverage_min": "least coverage of a target",
    "coverage_min_low": "99 % interval, with Bonferroni's allowance for the choice among targets",
    "coverage_min_high": "",
    "coverage_sd": "s.d. over targets",
    "coverage_max": "greatest coverage of a target",
    "coverage_max_low": "99 % interval as for the least",
    "coverage_max_high": "",
    "margin": "declared for the mean",
    "verdict": "covers, under-covers, over-covers or undecided: the mean against the margin",
    "worst_margin": "declared for the worst target",
    "worst_verdict": "the same of the worst target",
    **_REST,
}


def per_target(study: Study, sums: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per scenario, estimator, kind, level and target; columns as in `TARGET_COLUMNS`.

    Parameters
    ----------
    study : Study
    sums : mapping of scenario identity to its merged table of sums
    """
    big = _together(sums)
    rows = _rows(big, big["target"] != ALL_TARGETS)
    coverage = measures.proportion(_moments(big, "covered", [*_CELL, "target"], rows))
    out = _measured(big, rows).assign(coverage=coverage.value, coverage_se=coverage.error,
                                      replicates=_moments(big, "covered", [*_CELL, "target"], rows).count.astype(int))
    out = out.merge(_places(study), on=["scenario", "target"], how="left")
    return _ordered(out, study, TARGET_COLUMNS)


def per_scenario(study: Study, sums: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per scenario, estimator, kind and level, with verdicts; columns as in `SUMMARY_COLUMNS`."""
    big = _together(sums)
    rows = _rows(big, big["target"] == ALL_TARGETS)
    moments = _moments(big, "covered", [*_CELL, "target"], rows)
    coverage = measures.mean(moments)
    low, high = coverage.interval()
    out = _measured(big, rows).assign(coverage_mean=coverage.value, coverage_mean_se=coverage.error, coverage_mean_low=low,
                                      coverage_mean_high=high, replicates=moments.count.astype(int),
                                      failed=_moments(big, "failed", ["scenario", "estimator"], rows).mean)
    each = _rows(big, big["target"] != ALL_TARGETS)
    over_targets = pd.DataFrame(_over_targets(study, big, each))
    out = out.merge(over_targets, on=_CELL)
    out["margin"] = [study.margins.at(level) for level in out["level"]]
    out["worst_margin"] = study.margins.worst * out["margin"]
    facts = (out[name] for name in ("coverage_mean", "coverage_mean_se", "replicates", "targets", "level", "margin"))
    out["verdict"] = [str(judge_mean(*row)) for row in zip(*facts, strict=True)]
    return _ordered(out, study, SUMMARY_COLUMNS)


def verdicts(summary: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The columns of the summary that say what was decided, and from what."""
    return summary[["scenario", *_label_names(study), "estimator", "label", "kind", "level", "replicates", "coverage_mean",
                    "coverage_mean_se", "margin", "verdict", "coverage_min", "coverage_max", "worst_margin", "worst_verdict"]]


def _together(sums: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(scenario=name) for name, table in sums.items()], ignore_index=True)


def _rows(big: pd.DataFrame, which: pd.Series) -> pd.DataFrame:
    """The keys of the rows that get a coverage."""
    return big.loc[which & (big["measure"] == "covered"), [*_CELL, "target"]].reset_index(drop=True)


def _moments(big: pd.DataFrame, measure: str, keys: list[str], rows: pd.DataFrame) -> Moments:
    """The sums of a measure that belong to these rows, NaN where there are none."""
    found = big[big["measure"] == measure].set_index(keys)[SUMS]
    return Moments.of(found.reindex(pd.MultiIndex.from_frame(rows[keys])))


def _measured(big: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with volumes and precision, each estimate with its error."""
    cell, point = [*_CELL, "target"], ["scenario", "estimator", "target"]
    volume = _moments(big, "volume", cell, rows)
    found = {
        "volume_mean": measures.mean(volume),
        "volume_sd": measures.spread(volume),
        "log_volume_mean": measures.mean(_moments(big, "log_volume", cell, rows)),
        "unbounded": measures.mean(_moments(big, "unbounded", cell, rows)),
        "rms_tre": measures.root_mean_square(_moments(big, "squared_tre", point, rows)),
        "expected_rms_tre": measures.root_mean_square(_moments(big, "expected_square", point, rows)),
        "efficiency": measures.efficiency(_moments(big, "tre_over_bound", point, rows)),
    }
    out = rows.assign(volume_replicates=np.nan_to_num(volume.count).astype(int))
    for name, measured in found.items():
        out[name], out[f"{name}_se"] = measured.value, measured.error
    return out


def _over_targets(study: Study, big: pd.DataFrame, rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    """What the coverages of a scenario's targets say together."""
    moments = _moments(big, "covered", [*_CELL, "target"], rows)
    share, count, cells = moments.mean, moments.count, rows[_CELL].to_numpy(object)
    for where in rows.groupby(_CELL, sort=False).indices.values():
        cell = dict(zip(_CELL, cells[where[0]], strict=True))
        level = float(cell["level"])
        p, r = share[where], count[where]
        low, high = measures.bounds_of_share(p, r, 0.995, looks=len(p))
        worst = judge_worst(p, r, level, study.margins.worst * study.margins.at(level))
        least, most = int(np.argmin(p)), int(np.argmax(p))
        yield {**cell, "targets": len(p),
               "coverage_min": p[least], "coverage_min_low": low[least], "coverage_min_high": high[least],
               "coverage_sd": float(np.std(p)), "coverage_max": p[most], "coverage_max_low": low[most],
               "coverage_max_high": high[most], "worst_verdict": str(worst)}


def _ordered(table: pd.DataFrame, study: Study, columns: Mapping[str, str]) -> pd.DataFrame:
    """With labels of scenarios and names of estimators, columns in the documented order."""
    labels = pd.DataFrame([{"scenario": s.identity, **s.labels} for s in study.scenarios])
    estimators = {e.name: {"estimator": e.name, "label": e.label, "model": family_of(e), "method": method_of(e)}
                  for s in study.scenarios for e in s.estimators}
    whole = table.merge(labels, on="scenario").merge(pd.DataFrame(estimators.values()), on="estimator")
    first, *rest = columns
    return whole[[first, *_label_names(study), *rest]]


def _label_names(study: Study) -> list[str]:
    return list(dict.fromkeys(name for s in study.scenarios for name in s.labels))


def _places(study: Study) -> pd.DataFrame:
    """True positions of targets and their distance to the nearest fiducial, where the scene is the same for all replicates."""
    return pd.concat([_places_of(s) for s in study.scenarios], ignore_index=True)


def _places_of(scenario: Scenario) -> pd.DataFrame:
    m = scenario.experiment.targets.n
    out: dict[str, object] = {"scenario": scenario.identity, "target": np.arange(m)}
    out |= {name: np.full(m, np.nan) for name in ("x", "y", "z", "distance")}
    if not scenario.experiment.redraw:
        scene = scenario.experiment.scene
        out |= dict(zip("xyz", scene.targets_source.T, strict=False))
        gaps = scene.targets_source[:, None] - scene.source
        out["distance"] = np.sqrt((gaps**2).sum(-1)).min(1)
    return pd.DataFrame(out)
