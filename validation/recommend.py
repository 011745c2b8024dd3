"""``python -m validation.recommend RESULTS PAGE``: "Which method should I use?", answered from the tables of the grand study.

Every number of the page is read from them. An estimator counts as one that keeps its level in a situation unless some scenario
there departs from nominal by more than the margin for sure, by the end of its 99 % interval that lies nearest to nominal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regerr.errors import InputError, RegistrationError
from regerr.reporting.recommendation import RULES, Rule

from .catalogue import DEFAULT
from .evidence import EVIDENCE, Evidence, chosen, compared
from .kept import write_whole
from .studies import grand

LEVEL = 0.95
SHOWN = 3  # estimators of a situation
_KEPT = 12  # exceptions that are listed


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 with one sentence."""
    if len(arguments) != 2:
        print("Error: give the folder with the results and the page to write, for instance: "
              "python -m validation.recommend results docs/which_method.md", file=sys.stderr)
        return 2
    results, page = map(Path, arguments)
    try:
        text = written(results)
        write_whole(page, lambda path: path.write_text(text, encoding="utf-8"))
    except RegistrationError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    return 0


def written(results: Path) -> str:
    """The page as Markdown, from the folder ``grand`` of results; an InputError when its tables are missing."""
    folder = results / grand.NAME
    try:
        summary, speed = (pd.read_parquet(folder / f"{name}.parquet") for name in ("summary", "speed"))
        exceptions = pd.read_csv(folder / "not_covering.csv")
        facts = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    except OSError as fault:
        raise InputError(f"{folder} lacks tables of the grand study ({fault.strerror or fault}): run regerr study {grand.NAME} "
                         f"--output {results}") from None
    rows = summary[summary["level"] == LEVEL]
    parts = (_head(facts, summary), _rules(rows), _situations(rows), _exceptions(exceptions), _precision(rows),
             _speed(speed))
    return "\n\n".join(parts) + "\n"


def _head(facts: dict[str, object], summary: pd.DataFrame) -> str:
    least, most = int(summary["replicates"].min()), int(summary["replicates"].max())
    return f"""# Which method should I use?

This page is generated from the tables of the grand study by `python -m validation.recommend`; do not edit it. The run it shows:
`{command(facts)}`, {_scenarios(facts)} with {most:,} replicates each ({least:,} for estimators that iterate or
resample), {int(summary["targets"].max())} targets. Numbers below are for level {LEVEL:g}. Noise is told as s.d. per coordinate
over the fiducials' spread. Size is the d-th root of a region's content over that of an oracle, who knows the covariance of the
estimate and of the noise; regions without a closed form are measured on the first replicates only. Spans go from the least to the
greatest mean coverage over scenarios; Monte Carlo errors (s.e.) are over replicates."""


def _scenarios(facts: dict[str, object]) -> str:
    """How many scenarios were run, and of how many, where some are missing."""
    found = int(str(facts["scenarios"]))
    whole = {len(grand.study(small).scenarios) for small in (False, True)}
    return f"{found} scenarios" if found in whole else f"{found} of its {max(whole)} scenarios"


def command(facts: dict[str, object]) -> str:
    """The command that makes a run of this size."""
    declared, quick = (grand.study(small).replicates for small in (False, True))
    replicates = int(str(facts["replicates"]))
    size = "" if replicates == declared else " --quick" if replicates == quick else f" --share {replicates / declared:g}"
    return f"regerr study {grand.NAME}{size}"


def _rules(rows: pd.DataFrame) -> str:
    """Each rule with what the tables say of it."""
    told = ["## What `summary()` recommends", "One sentence, of the first of these rules that holds for the pairs at hand."]
    for rule in (rule for rule in RULES if rule.name in EVIDENCE):
        evidence = EVIDENCE[rule.name]
        told += [f"### {rule.name.capitalize()}", evidence.condition, f"> {rule.sentence(evidence.example)}",
                 _compared(rows, rule, evidence)]
    return "\n\n".join(told)


def _compared(rows: pd.DataFrame, rule: Rule, evidence: Evidence) -> str:
    names = ("estimator", "question", "scenarios", "coverage", "greatest s.e.", "median size", "unbounded at most")
    return _table(names, [(r["label"], r["kind"], r["scenarios"], _span(r), f"{r['error']:.4f}", _size(r["size"]),
                           _share(r["unbounded"])) for r in compared(rows, rule, evidence).to_dict("records")])


def _situations(rows: pd.DataFrame) -> str:
    """For each family and situation, the default and the smallest regions that keep their level."""
    names = ("family", "situation", "question", "default", "smallest that keep the level", "keep it", "fall short")
    lines = []
    for (family, block, case, kind), part in rows[rows["kind"] != "lre"].groupby(["family", "block", "case", "kind"], sort=False):
        table = chosen(part)
        default = table[table["estimator"].isin(grand.DEFAULTS)].to_dict("records")[0]
        best = [f"{str(r['label']).removeprefix(f'{family}, ')} ({_size(r['size'])})"
                for r in table[table["keeps"]].head(SHOWN).to_dict("records")]
        lines.append((family, f"{block}: {case}", kind, f"{_span(default)} ({_size(default['size'])})", "; ".join(best) or "none",
                      f"{int(table['keeps'].sum())} of {len(table)}", int(table["short"].sum())))
    said = ("Smallest regions first, in brackets the median size. An estimator that was run on few replicates keeps its level "
            "more easily than one that was run on many.")
    return "\n\n".join(["## Who keeps the level where", said, _table(names, lines)])


def _exceptions(table: pd.DataFrame) -> str:
    """Where the default departs from its level although it assumes what is true."""
    sure = int(table["sure"].sum())
    said = ("Among the scenarios whose model and noise are as assumed, at all levels and questions, each tested by itself at 5 %,"
            f" so that some are chance, departures of more than the margin: {sure}; estimates that lie outside of it while the "
            f"replicates do not tell: {len(table) - sure}. All are in `not_covering.csv`, the largest here.")
    names = ("family", "d", "n", "layout", "noise", "question", "level", "coverage (s.e.)", "worst target", "by test")
    lines = [(r["family"], r["dimension"], r["n"], r["layout"], f"{r['noise']:g}", r["kind"], f"{r['level']:g}",
              f"{r['coverage_mean']:.4f} ({r['coverage_mean_se']:.4f})", f"{r['coverage_min']:.3f}", "yes" if r["sure"] else "no")
             for r in table.head(_KEPT).to_dict("records")]
    return "\n\n".join(["## Where our default does not keep its level", said, *([_table(names, lines)] if lines else [])])


def _precision(rows: pd.DataFrame) -> str:
    """How estimates stand to the Cramer-Rao bound, of fits that differ."""
    right = rows[(rows["block"] == grand.BLOCKS[0]) & (rows["kind"] == "tre") & (rows["layout"] == "typical")]
    names = ("estimator", "noise", "scenarios", "efficiency", "median efficiency")
    lines = [(label, f"{noise:g}", len(part), _range(part["efficiency"]), _range(part["median_efficiency"]))
             for (label, noise), part in right[right["estimator"].map(_differs)].groupby(["label", "noise"], sort=False)]
    said = ("Trace of the Cramer-Rao bound over the mean squared TRE, and the bound's median squared TRE over the one found, in "
            "typical layouts where all is as assumed. Affine fits with noise in both images have no mean square in poor layouts: "
            "judge them by medians.")
    return "\n\n".join(["## How precise the estimates are", said, _table(names, lines)])


def _differs(estimator: str) -> bool:
    """Whether an estimator has a fit of its own, and not the default's with other regions."""
    return estimator.partition("-")[2] in (DEFAULT, "regression", "inverse-regression", "score-full", "t")


def _range(values: pd.Series) -> str:
    return f"{values.min():.2f} to {values.max():.2f}" if values.notna().any() else "-"


def _speed(speed: pd.DataFrame) -> str:
    """Milliseconds per dataset, the same machine for all."""
    each = speed.groupby("label", sort=False)["seconds"].median().mul(1000.0)
    said = ("Milliseconds for a dataset: to fit it and to test all targets for all questions and levels; median over scenarios, "
            "on one core of the machine of this run.")
    return "\n\n".join(["## How long it takes", said,
                        _table(("estimator", "ms"), [(label, f"{value:.2g}") for label, value in each.items()])])


def _table(names: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rows = [names, ["---"] * len(names), *lines]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _span(row: Mapping[Any, Any]) -> str:
    return f"{row['least']:.3f} to {row['most']:.3f}"


def _size(size: float) -> str:
    return "not measured" if np.isnan(size) else "unbounded" if np.isinf(size) else f"{size:.2f}" if size < 100 else f"{size:.0f}"


def _share(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.0f} %"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
