"""Tables as text: numbers as they are printed, CSV and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from .words import share

DASH = "\N{EN DASH}"
_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
            "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def coverage_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """The coverage of each scenario and estimator over targets, as text to three digits.

    Returns
    -------
    Columns kind, truth, layout, n, estimator (its label), min, mean, 99 % interval (of the mean), s.d., max.
    """
    rows = summary.reset_index(drop=True)
    out = rows[["kind", "truth", "layout", "n"]].assign(estimator=rows["label"])
    for name, column in {"min": "coverage_min", "mean": "coverage_mean"}.items():
        out[name] = rows[column].map(share)
    low, high = rows["coverage_mean_low"].clip(lower=0.0).map(share), rows["coverage_mean_high"].clip(upper=1.0).map(share)
    out["99 % interval"] = low + DASH + high
    for name, column in {"s.d.": "coverage_sd", "max": "coverage_max"}.items():
        out[name] = rows[column].map(share)
    return out


def as_csv(table: pd.DataFrame) -> str:
    """Comma separated, one line per row."""
    return table.to_csv(index=False, lineterminator="\n")


def as_latex(table: pd.DataFrame, groups: Sequence[str]) -> str:
    """A ``tabular`` for the booktabs package; rows of one group stand under a line that names it."""
    columns = [name for name in table.columns if name not in groups]
    lines = [rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}", r"\toprule", _latex_row(columns), r"\midrule"]
    for i, (key, part) in enumerate(table.groupby(list(groups), sort=False)):
        named = ", ".join(f"{name} {value}" for name, value in zip(groups, key, strict=True))
        lines += [r"\addlinespace"] if i else []
        lines.append(rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{escape_latex(named)}}}}} \\")
        lines += [_latex_row(row) for row in part[columns].itertuples(index=False)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def escape_latex(text: str) -> str:
    """Text whose every character LaTeX prints as it is."""
    return re.sub(r"[\\{}&%$#_~^]", lambda found: _SPECIAL[found.group()], text).replace(DASH, "--")


def _latex_row(cells: Sequence[object]) -> str:
    return " & ".join(escape_latex(str(cell)) for cell in cells) + r" \\"
