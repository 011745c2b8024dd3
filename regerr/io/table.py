"""Delimited text: which separator, which cells, which numbers.

Tabs, semicolons, commas and, when none of them occurs, blanks separate; the first that gives every row the same number of cells
(more than one) is taken. With any but the comma as separator, a comma in a number is a decimal comma.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from dataclasses import dataclass, replace

from .document import Document
from .sheet import refusal, short

_SEPARATORS = ("\t", ";", ",")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?\Z", re.IGNORECASE)
_MISSING = {"", "na", "n/a", "nan", "none", "null", "-"}
_INFINITE = {"inf": math.inf, "+inf": math.inf, "infinity": math.inf, "+infinity": math.inf, "-inf": -math.inf,
             "-infinity": -math.inf}


@dataclass(frozen=True)
class Row:
    """The cells of one row, stripped of blanks, and its line in the file."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of equal width, and what was wrong with the others.

    Attributes
    ----------
    rows : tuple of Row
        All of one width, the first row's.
    decimal_comma : bool
        Whether a comma in a number is its decimal point.
    comment : Row or None
        The last comment before the rows: a header, for programs that write it so.
    faults : tuple of str
        One for each row of another width.
    """

    rows: tuple[Row, ...]
    decimal_comma: bool
    comment: Row | None
    faults: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0].cells)

    def number(self, cell: str) -> float | None:
        """The value of a cell: NaN when it is missing, None when it is no number."""
        return number(cell, self.decimal_comma)

    def is_numeric(self, cell: str) -> bool:
        """Whether a cell reads as a number, infinity or NaN and is not blank."""
        return cell != "" and self.number(cell) is not None and cell not in ("-", "none", "null")


def number(cell: str, decimal_comma: bool = False) -> float | None:
    """The value of a text: NaN when it is missing, None when it is no number."""
    if _NUMBER.match(cell):
        return float(cell)
    plain = cell.strip().lower().replace("\N{MINUS SIGN}", "-")
    if plain in _MISSING:
        return math.nan
    if plain in _INFINITE:
        return _INFINITE[plain]
    if decimal_comma and plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    return float(plain) if _NUMBER.match(plain) else None


def finite(value: object, where: str, faults: list[str]) -> float:
    """A finite number from a text or a number of a file; NaN and a fault for anything else."""
    found = number(value) if isinstance(value, str) else _plain(value)
    if found is None or not math.isfinite(found):
        faults.append(f"{where}: {short(value)} is not a finite number")
        return math.nan
    return found


def _plain(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def split(document: Document) -> Table:
    """The rows of a delimited text; raises InputError when there is no row or only one column."""
    comments = [i for i, text in enumerate(document.lines) if text.lstrip().startswith("#")]
    lines = list(document.lines)
    for i in comments:
        lines[i] = ""
    tries = {separator: rows for separator in _SEPARATORS if separator in document.text and (rows := _cells(lines, separator))}
    separator = _choose(tries) or " "
    rows = tries[separator] if separator != " " else _blank_separated(lines)
    if not rows:
        raise refusal(document.path, ["it holds comments and no rows: give a file with points"])
    if len(rows[0].cells) < 2:
        raise refusal(document.path, [_no_table(" ".join(rows[0].cells))])
    first = min(row.line for row in rows)
    header = next((i for i in reversed(comments) if i + 1 < first), None)
    comment = None if header is None else _comment(document.lines[header], separator, header + 1)
    table = _even(rows, separator != ",", comment)
    return table if '"' not in document.text else replace(table, faults=(*table.faults, *_unclosed(lines, separator)))


def first_row(document: Document) -> tuple[str, ...]:
    """The cells of the first row that is no comment, to recognise a format by."""
    line = next((text for text in document.lines if text.strip() and not text.lstrip().startswith("#")), "")
    for separator in _SEPARATORS:
        rows = _cells([line], separator)
        if rows and len(rows[0].cells) > 1:
            return rows[0].cells
    return (line.strip(),)


def _cells(lines: list[str], separator: str) -> list[Row]:
    """Rows that are not blank; none when the separator cannot be right (one cell of more than 100,000 characters)."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    rows, line = [], 1  # where a row begins: a quoted cell may run over several lines
    try:
        for cells in reader:
            rows.append(Row(line, tuple(cell.strip() for cell in cells)))
            line = reader.line_num + 1
    except csv.Error:
        return []
    return [row for row in rows if any(row.cells)]


def _unclosed(lines: list[str], separator: str) -> list[str]:
    """A fault where a quote is opened and never closed: the file was cut off."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        for _ in reader:
            pass
    except csv.Error as fault:
        return ["a quote is opened and never closed: the file is incomplete"] if "end of data" in str(fault) else []
    return []


def _no_table(first: str) -> str:
    return f"its first row {short(first)} is one column: separate the columns by commas, semicolons or tabs"


def _choose(tries: dict[str, list[Row]]) -> str | None:
    """The separator that makes all rows equally wide, else the one that splits the first row and agrees best; None for blanks."""
    counts = {separator: Counter(len(row.cells) for row in rows) for separator, rows in tries.items()}
    for separator, widths in counts.items():
        if len(widths) == 1 and min(widths) > 1:
            return separator
    agreeing = {separator: counts[separator][width] for separator, rows in tries.items() if (width := len(rows[0].cells)) > 1}
    return max(agreeing, key=lambda separator: agreeing[separator], default=None)


def _blank_separated(lines: list[str]) -> list[Row]:
    return [Row(i + 1, tuple(text.split())) for i, text in enumerate(lines) if text.strip()]


def _comment(text: str, separator: str, line: int) -> Row:
    bare = text.lstrip().lstrip("#").strip()
    return Row(line, tuple(cell.strip().strip('"') for cell in (bare.split() if separator == " " else bare.split(separator))))


def _even(rows: list[Row], decimal_comma: bool, comment: Row | None) -> Table:
    """Rows of the first row's width; empty cells beyond it are dropped, any other difference is a fault."""
    width = len(rows[0].cells)
    even, faults = [], []
    for row in rows:
        cells = row.cells[:width] if not any(row.cells[width:]) else row.cells
        if len(cells) == width:
            even.append(Row(row.line, cells))
        else:
            faults.append(f"row {row.line} has {len(cells)} columns where the first row has {width}")
    if 2 * len(faults) > len(rows):
        widths = {len(row.cells) for row in rows}
        faults = [f"its rows have {min(widths)} to {max(widths)} columns: give a table with the same columns in every row"]
    return Table(tuple(even), decimal_comma, comment, tuple(faults))
