"""The sentences of an audit: what each reported number is, and what it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .text import number, paragraph, table

if TYPE_CHECKING:
    from ..auditing import Audit, Definition, Reported
    from ..column_audits import Column, ReportedColumn

_LISTED = 4
_TELLING = 3  # digits from which a match is hardly by chance
_MEANING = {
    "FRE": "a residual of the points that were fitted, which flatters and tells nothing of a target",
    "FLE": "how well the points were localised, not where a target lands",
    "leave-one-out": "the distance of each point from where the others predict it, fairer than a residual",
    "TRE": "how far targets are from where they should be",
}


def audit_report(audit: Audit) -> str:
    """Each reported number in a sentence or two, then what the plain definitions give."""
    parts = [paragraph(_sentence(one)) for one in audit.reported] + [paragraph(_column(one)) for one in audit.columns]
    parts += [_plain(audit), *(paragraph(f"Not tried: {words}.") for words in audit.skipped)]
    return "\n\n".join(parts)


def _sentence(one: Reported) -> str:
    if not one.matches:
        close = "; ".join(f"{_words(d)} = {number(d.value, 4)} (the ratio is {number(one.value / d.value, 3)})"
                          for d in one.nearest)
        return (f"{one.name} = {one.text}: no definition gives that. The nearest are {close}. Perhaps other points, weights or "
                "another transformation were used.")
    first = one.matches[0]
    misnamed = "" if first.quantity.lower() in one.name.lower() or not _names_a_quantity(one.name) or one.digits < _TELLING else \
        f" So it is no {one.name}, but {_article_of(first.quantity)}."
    misnamed += " So few digits fit many definitions: a longer print tells more." if one.digits < _TELLING else ""
    return (f"{one.name} = {one.text} is the {_words(first)} ({number(first.value, 4)}): {_MEANING[first.quantity]}.{misnamed}"
            f"{_others(one.matches[1:])}")


def _column(one: ReportedColumn) -> str:
    def words(column: Column) -> str:
        fitted = "the given transformation" if column.model == "given" else _fit(column.model)
        where = "" if column.space == "target" else ", measured in the source"
        return f"{column.words} of {fitted}{where}, in {column.unit}"

    if not one.matches:
        close = "; ".join(f"{words(c)}, off by up to {number(0.5 * c.off, 2)} units of the last digit" for c in one.nearest)
        return f"Column {one.name!r}: no definition gives all its numbers. The nearest are the {close}."
    others = "; ".join(words(c) for c in one.matches[1:_LISTED])
    return f"Column {one.name!r} is the {words(one.matches[0])}." + (f" It could also be the {others}." if others else "")


def _names_a_quantity(name: str) -> bool:
    return any(word in name.lower() for word in ("fre", "fle", "tre", "leave"))


def _article_of(quantity: str) -> str:
    return "a leave-one-out distance" if quantity == "leave-one-out" else f"{'an' if quantity[0] == 'F' else 'a'} {quantity}"


def _others(matches: Sequence[Definition]) -> str:
    """What the digits do not tell apart from the first match."""
    if not matches:
        return ""
    more = f" and {len(matches) - _LISTED} more" if len(matches) > _LISTED else ""
    listing = "; ".join(f"{_words(d)} ({number(d.value, 4)})" for d in matches[:_LISTED])
    return f" To these digits it could also be the {listing}{more}."


def _words(one: Definition) -> str:
    whose = {"FRE": "of the residuals", "leave-one-out": "when each point is left out"}.get(one.quantity, "")
    fitted = "under the given transformation" if one.model == "given" else f"{whose} of {_fit(one.model)}".strip()
    where = "" if one.space == "target" else ", measured in the source"
    return " ".join(f"{one.words} {fitted}{where}, in {one.unit}".split())


def _fit(model: str) -> str:
    return f"{'an' if model[0] in 'aeiou' else 'a'} {model} least-squares fit"


def _plain(audit: Audit) -> str:
    """A table of the numbers that one should be able to tell apart."""
    wanted = ("r.m.s. length", "mean length", "r.m.s. per coordinate", "r.m.s. FLE, FRE over sqrt(1 - k/(n d))")
    models = [m for m in dict.fromkeys(d.model for d in audit.definitions) if m != "given"]
    unit = audit.pairs.target_unit
    rows = []
    for quantity in ("FRE", "FLE", "leave-one-out"):
        for words in wanted:
            values = {d.model: d.value for d in audit.definitions
                      if (d.quantity, d.words, d.space, d.unit) == (quantity, words, "target", unit)}
            if values:
                rows.append([f"{quantity}, {words.removeprefix('r.m.s. FLE, ')}", *(number(values[m], 4) if m in values else "-"
                                                                                    for m in models)])
    return f"Recomputed from {audit.pairs.n} pairs, least squares (lengths in {unit})\n" + table(["", *models], rows)
