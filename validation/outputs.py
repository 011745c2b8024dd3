"""What a finished study leaves in its folder, and the few lines that are printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

import regerr

from .exceptions import not_covering
from .illustrations import expected_tre_map, held_out_beads
from .kept import write_both, write_csv, write_parquet, write_whole
from .runner import collect
from .shell import aligned
from .studies import grand
from .study import Study
from .tables import per_scenario, per_target, speed, verdicts

# tables for pictures that come with a study
ILLUSTRATIONS: dict[str, dict[str, Callable[[bool], pd.DataFrame]]] = {"icip": {"map": expected_tre_map, "beads": held_out_beads}}
# further tables made from the summary
FURTHER: dict[str, dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "grand": {"not_covering": lambda summary: not_covering(summary, grand.DEFAULTS, grand.RIGHT)}}


def write_tables(study: Study, folder: Path, quick: bool = False) -> pd.DataFrame:
    """Write all tables of a study from its chunks; returns the summary.

    ``coverage`` has one row per target, ``summary`` one per scenario, ``speed`` the time per dataset, which alone differs from
    run to run; all as Parquet and CSV (`validation.tables`). Further ``verdicts.csv``, ``failures.csv``, ``study.json``; and what
    `ILLUSTRATIONS` and `FURTHER` list.
    """
    found = collect(study, folder)
    summary = per_scenario(study, found.sums)
    tables = {"coverage": per_target(study, found.sums), "summary": summary, "speed": speed(study, found.seconds)}
    for name, table in tables.items():
        write_both(folder, name, table)
    write_csv(folder / "verdicts.csv", verdicts(summary, study))
    write_csv(folder / "failures.csv", found.failures)
    write_whole(folder / "study.json", lambda path: path.write_text(json.dumps(_facts(study), indent=1) + "\n", encoding="utf-8"))
    for name, table_of in FURTHER.get(study.name, {}).items():
        write_csv(folder / f"{name}.csv", table_of(summary))
    for name, make in ILLUSTRATIONS.get(study.name, {}).items():
        write_parquet(folder / f"{name}.parquet", make(quick))
    return summary


def short_table(study: Study, summary: pd.DataFrame, level: float = 0.95) -> str:
    """Coverage and verdicts of each estimator over the scenarios of a group, as text."""
    rows = summary[summary["level"] == level]
    lines = [{**dict(zip(study.rows, map(str, key), strict=True)), "estimator": str(label), **_line(group)}
             for key, part in rows.groupby(list(study.rows), sort=False)
             for label, group in part.groupby("label", sort=False)]
    head = (f"{study.title}: {len(study.scenarios)} scenarios, {study.replicates:,} replicates each. "
            f"Nominal level {level:g}, margin {study.margins.at(level):g}.")
    return "\n".join([head, *aligned([list(lines[0]), *(list(line.values()) for line in lines)])])


def _line(group: pd.DataFrame) -> dict[str, str]:
    counts = group["verdict"].value_counts()
    said = ", ".join(f"{verdict} {counts[verdict]}" for verdict in ("covers", "under-covers", "over-covers", "undecided")
                     if verdict in counts)
    return {"coverage (mean over targets)": f"{group['coverage_mean'].min():.3f} to {group['coverage_mean'].max():.3f}",
            "Monte Carlo s.e.": f"{group['coverage_mean_se'].max():.4f}", "verdicts": said}


def _facts(study: Study) -> dict[str, object]:
    return {"name": study.name, "title": study.title, "scenarios": len(study.scenarios), "replicates": study.replicates,
            "chunk": study.chunk, "seed": study.seed, "rows": list(study.rows),
            "margins": {f"{level:g}": margin for level, margin in study.margins.mean.items()}, "worst": study.margins.worst,
            "version": regerr.__version__}
