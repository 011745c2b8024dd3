"""The tables that people and figures read, made from sums alone: one row per target, and one row per scenario.

Columns are listed in `TARGET_COLUMNS` and `SUMMARY_COLUMNS`; after the identity of a scenario come the labels of the study. Every
estimate has its Monte Carlo standard error beside it, in the column of the same name with ``_se``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from . import measures
from .columns import SUMMARY_COLUMNS, TARGET_COLUMNS
from .protocol import family_of, method_of
from .quantiles import median
from .study import Scenario, Study
from .sums import ALL_TARGETS, SUMS, Moments
from .verdicts import Verdict, judge_mean, judge_worst

__all__ = ["SUMMARY_COLUMNS", "TARGET_COLUMNS", "per_scenario", "per_target", "verdicts"]

_CELL = ["scenario", "estimator", "kind", "level"]


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
    out = _measured(big, rows).assign(coverage_mean=coverage.value, coverage_mean_se=coverage.error,
                                      replicates=moments.count.astype(int),
                                      failed=_moments(big, "failed", [*_CELL, "target"], rows).mean)
    each = _rows(big, big["target"] != ALL_TARGETS)
    over_targets = pd.DataFrame(_over_targets(study, big, each))
    out = _with_intervals(out.merge(over_targets, on=_CELL))
    out["margin"] = [study.margins.at(level) for level in out["level"]]
    out["worst_margin"] = study.margins.worst * out["margin"]
    facts = (out[name] for name in ("coverage_mean", "coverage_mean_se", "replicates", "targets", "level", "margin"))
    out["verdict"] = [str(judge_mean(*row)) for row in zip(*facts, strict=True)]
    out.loc[out["failed"] == 1.0, ["verdict", "worst_verdict"]] = str(Verdict.CANNOT)
    out = _with_medians(out, big)
    return _ordered(out, study, SUMMARY_COLUMNS)


def verdicts(summary: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The columns of the summary that say what was decided, and from what."""
    return summary[["scenario", *_label_names(study), "estimator", "label", "kind", "level", "replicates", "coverage_mean",
                    "coverage_mean_se", "margin", "verdict", "coverage_min", "coverage_max", "worst_margin", "worst_verdict"]]


def speed(study: Study, seconds: pd.DataFrame) -> pd.DataFrame:
    """Seconds that each estimator took for a dataset: to fit it and to test all targets at all kinds and levels.

    Returns
    -------
    Columns scenario, labels of the study, estimator, label, datasets, seconds (mean over datasets), seconds_se (over chunks;
    empty for one chunk). Rows of an estimator that could not be used are left out.
    """
    known = seconds.dropna()
    known = known.assign(each=known["seconds"] / known["datasets"])
    groups = known.groupby(["scenario", "estimator"], sort=False)
    out = groups.agg(datasets=("datasets", "sum"), total=("seconds", "sum"), sd=("each", "std"), chunks=("each", "size"))
    out = out.assign(seconds=out["total"] / out["datasets"], seconds_se=out["sd"] / np.sqrt(out["chunks"])).reset_index()
    labels = pd.DataFrame([{"scenario": s.identity, **s.labels} for s in study.scenarios])
    names = pd.DataFrame({e.name: (e.name, e.label) for s in study.scenarios for e in s.estimators}.values(),
                         columns=["estimator", "label"])
    whole = out.merge(labels, on="scenario").merge(names, on="estimator")
    return whole[["scenario", *_label_names(study), "estimator", "label", "datasets", "seconds", "seconds_se"]]


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


def _with_intervals(out: pd.DataFrame) -> pd.DataFrame:
    """The rows with 99 % intervals of the mean coverage."""
    names = ("coverage_mean", "coverage_mean_se", "replicates", "targets")
    mean, error, replicates, targets = (out[name].to_numpy(float) for name in names)
    draws = measures.independent_draws(mean, error, replicates, targets)
    low, high = measures.bounds_of_share(mean, draws, 0.995)
    return out.assign(coverage_mean_low=low, coverage_mean_high=high)


def _with_medians(out: pd.DataFrame, big: pd.DataFrame) -> pd.DataFrame:
    """The rows with what is summarised by medians: sizes, and squared deviations where means may not exist."""
    size = _medians(big, "size", _CELL, out)
    square = _medians(big, "square_over_median", ["scenario", "estimator"], out)
    with np.errstate(divide="ignore", invalid="ignore"):
        efficiency = measures.Measured(1.0 / square.value, square.error / square.value**2)
    return out.assign(size=size.value, size_se=size.error, median_efficiency=efficiency.value,
                      median_efficiency_se=efficiency.error)


def _medians(big: pd.DataFrame, measure: str, keys: list[str], out: pd.DataFrame) -> measures.Measured:
    """Median of a measure for each row, NaN where it was not taken."""
    targets = out.groupby(keys)["targets"].first()
    many = dict(zip(targets.index, targets, strict=True))
    found = {key: median(rows["target"].to_numpy(), rows["count"].to_numpy(float), rows["count"].sum() / many[key])
             for key, rows in big[big["measure"] == measure].groupby(keys) if key in many}
    value, error = np.array([found.get(key, (np.nan, np.nan)) for key in out[keys].itertuples(index=False, name=None)]).T
    return measures.Measured(value, error)


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
