"""Numbers and tables as plain text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

SHOWN = 25  # rows of a table before it is cut
WIDTH = 110  # of a paragraph


def number(value: float, digits: int = 3) -> str:
    """A number to some significant digits, without exponents where it can be read so; words for what is no number."""
    value = float(value)
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "unbounded"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if not -5 <= magnitude <= 7:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(digits - 1 - magnitude, 0)}f}"


def decimals_for(size: float, digits: int = 2) -> int:
    """Decimals that show a size to some significant digits."""
    if not (math.isfinite(size) and size > 0):
        return 3
    return min(max(digits - 1 - math.floor(math.log10(size)), 0), 12)


def fixed(value: float, decimals: int) -> str:
    """A number to some decimals; words for what is no number."""
    if not math.isfinite(value):
        return number(value)
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def plus_minus(value: float, sd: float, unit: str = "") -> str:
    """``12.34 ± 0.05 nm``, as many decimals as the s.d. deserves."""
    tail = {"": "", "deg": "°"}.get(unit, f" {unit}")
    if not math.isfinite(sd):
        return f"{number(value)}{tail}, no bound"
    decimals = decimals_for(sd) if sd > 0 else decimals_for(abs(value), 6)
    return f"{fixed(value, decimals)} ± {fixed(sd, decimals)}{tail}"


def p_text(p: float) -> str:
    """A p-value to two decimals or digits; ``< 0.0001`` for less."""
    if math.isnan(p):
        return "-"
    return "< 0.0001" if p < 1e-4 else f"{p:.2f}" if p >= 0.095 else f"{p:.2g}"


def equals(p: float) -> str:
    """``= 0.05`` or ``< 0.0001``, behind a "p"."""
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"


def article(noun: str) -> str:
    """A noun with "a" or "an" before it."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def listed(items: Sequence[str], shown: int = 5) -> str:
    """``'a', 'b' and 3 more``."""
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(map(repr, items[:shown])) + more


def point(coordinates: Iterable[float], decimals: int) -> str:
    """``(1.0, 2.0)``."""
    return "(" + ", ".join(fixed(float(c), decimals) for c in coordinates) + ")"


def paragraph(sentences: str) -> str:
    """Sentences in lines of a width that a terminal shows."""
    return textwrap.fill(sentences, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Columns of text: the first to the left, the others to the right."""
    everything = (header, *rows)
    widths = [max(len(row[i]) for row in everything) for i in range(len(header))]
    return "\n".join(indent + _line(row, widths) for row in everything)


def descriptions(rows: Sequence[tuple[str, str, str]], indent: str = "  ") -> str:
    """Name, value and explanation, each to the left."""
    names, values = (max(len(row[i]) for row in rows) for i in range(2))
    return "\n".join(f"{indent}{name:<{names}}  {value:<{values}}  {words}".rstrip() for name, value, words in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return "  ".join(cells).rstrip()
