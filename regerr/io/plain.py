"""Plain tables: CSV and TSV with or without a header.

Pairs: ``x_source,y_source[,z_source],x_target,...`` under many names (moving/fixed, from/to, lm/em, x1/x2 ...), or 4 or 6 columns
without a header. Points of one space: ``x,y[,z]``, or 2 or 3 columns. Optional: a name (also a first column without a header, as
in the landmark tables ``,X,Y`` of the ANHIR and BIRL histology benchmarks), a switch ``used``, standard deviations
(``sigma_source``, ``sigma_x_target`` and so on), a unit in the header, ``x_source [nm]``; why a row is not used, ``reason``; what
of the first pixel lies at zero, ``pixel_origin``, and a ``gate`` (`constants`).
"""

from __future__ import annotations

import csv
import difflib
import io
import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import RegistrationWarning
from .columns import Layout, layout_of, unit_of
from .constants import columns_of, gate_of, origin_of
from .document import Document
from .frame import Frame
from .sheet import UNREADABLE, Card, Sheet, Side, brief, diagonal, improper, refusal, short, tidy
from .table import Row, Table, split

CARD = Card("plain table", ".csv .tsv .txt", "pairs or points", "in the header, `x_source [nm]`",
            "as given; `pixel_origin` says what lies at zero",
            "columns `used`, `reason`, `gate`, `pixel_origin`; standard deviations give covariances; BIRL and ANHIR `,X,Y`; 3DCT "
            "coordinates")
_TRUE = ("true", "1", "yes", "y", "on")
_FALSE = ("false", "0", "no", "n", "off")
_WANTED = "name them x_source, y_source, x_target, y_target (or x, y for points of one space)"


def recognises(document: Document) -> bool:
    """The format of last resort: any text."""
    return True


def read(document: Document) -> Sheet:
    """Read a table by its header, or by the number of its columns; raises InputError when neither says what is what."""
    table = split(document)
    first = table.rows[0]
    if not any(table.is_numeric(cell) for cell in first.cells):
        return _by_header(document.path, table, first, table.rows[1:])
    if table.comment and len(table.comment.cells) == table.width and layout_of(table.comment.cells).points:
        return _by_header(document.path, table, table.comment, table.rows)
    return _build(document.path, table, None, table.rows, _by_position(document.path, table))


def read_columns(document: Document, columns: Sequence[str]) -> Sheet:
    """Read the columns that the user names: 2 or 3 for points, 4 or 6 for pairs, source first."""
    table = split(document)
    header = table.rows[0].cells
    lacking = [f"there is no column {c!r}{_near(c, header)}" for c in columns if c not in header]
    if len(columns) not in (2, 3, 4, 6):
        lacking.append(f"{len(columns)} columns were named: name 2 or 3 for points, 4 or 6 for pairs")
    if lacking:
        raise refusal(document.path, [*table.faults, *lacking])
    whole = layout_of(header)
    points = _sides([header.index(c) for c in columns])
    units = {side: unit_of(header[axes[0]])[1] for side, axes in points.items()}
    chosen = Layout(points, units=units, name=whole.name, used=whole.used, reason=whole.reason, gate=whole.gate)
    return _build(document.path, table, header, table.rows[1:], chosen)


def _sides(columns: list[int]) -> dict[str, list[int]]:
    half = len(columns) // 2
    return {"": columns} if len(columns) < 4 else {"source": columns[:half], "target": columns[half:]}


def _near(name: str, header: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, header, n=1)
    return f" (did you mean {near[0]!r}?)" if near else f" (there are {', '.join(map(short, header[:8]))})"


def _by_header(path: str, table: Table, header: Row, rows: Sequence[Row]) -> Sheet:
    layout = layout_of(header.cells)
    sides = set(layout.points)
    if not layout.faults and sides not in ({""}, {"source"}, {"target"}, {"source", "target"}):
        columns = ", ".join(map(short, header.cells[:8]))
        layout.faults.append(f"the columns {columns} do not say which holds which coordinate: {_WANTED}, or choose with columns=")
    if not rows and not table.faults:
        layout.faults.append("it holds a header and no rows: give at least one point")
    if layout.faults:
        raise refusal(path, [*layout.faults, *_read_rows(table, header.cells, rows, layout)[2]])
    if layout.unknown:
        near = [f"{short(u)}{' (did you mean ' + repr(m[0]) + '?)' if (m := _misspelt(u)) else ''}" for u in layout.unknown[:20]]
        warnings.warn(f"{path}: columns not used: {', '.join(near)}", RegistrationWarning, stacklevel=5)
    return _build(path, table, header.cells, rows, layout)


def _misspelt(header: str) -> list[str]:
    return difflib.get_close_matches(header[:60].lower(), ("sigma_source", "sigma_target", "name", "used"), n=1, cutoff=0.75)


def _by_position(path: str, table: Table) -> Layout:
    named = int(all(table.number(row.cells[0]) is None for row in table.rows))
    count = table.width - named
    if count not in (2, 3, 4, 6):
        odd = f"it has {table.width} columns and no header: add one ({_WANTED}), or leave 4 (2D) or 6 (3D) columns of numbers"
        raise refusal(path, [*table.faults, odd])
    points = _sides(list(range(named, table.width)))
    return Layout(points, units=dict.fromkeys(points), name=0 if named else None)


def _build(path: str, table: Table, header: Sequence[str] | None, rows: Sequence[Row], layout: Layout) -> Sheet:
    """The sheet of a table whose layout is known."""
    sides, reasons, faults = _read_rows(table, header, rows, layout)
    gate = gate_of(table, rows, layout, faults)
    names = None if layout.name is None else tuple(row.cells[layout.name] or f"row {row.line}" for row in rows)
    lines = tuple(row.line for row in rows)
    return Sheet(path, CARD.kind, sides[0], sides[1] if len(sides) > 1 else None, lines, tuple(reasons), names, tuple(faults),
                 gate=gate)


def _read_rows(table: Table, header: Sequence[str] | None, rows: Sequence[Row],
               layout: Layout) -> tuple[list[Side], list[str], list[str]]:
    """The spaces (source first), why each row is left out, and all faults."""
    faults = list(table.faults)
    reasons = [_reason(row, layout, faults) for row in rows]
    sides = [_side(table, header, rows, layout, side, reasons, faults) for side in sorted(layout.points)]
    return sides, reasons, faults


def _reason(row: Row, layout: Layout, faults: list[str]) -> str:
    if layout.used is None or (cell := row.cells[layout.used]).lower() in _TRUE:
        return ""
    if cell.lower() not in _FALSE:
        faults.append(f"row {row.line}: 'used' is {short(cell)}: write true or false")
        return UNREADABLE
    told = "" if layout.reason is None else tidy(row.cells[layout.reason])
    return "disabled in the file" if told in ("", UNREADABLE) else told


def _side(table: Table, header: Sequence[str] | None, rows: Sequence[Row], layout: Layout, side: str, reasons: list[str],
          faults: list[str]) -> Side:
    points = _numbers(table, header, rows, layout.points[side], reasons, faults)
    covariance = None
    if side in layout.sigmas:
        sigma = _numbers(table, header, rows, layout.sigmas[side], reasons, faults)
        for i in improper(sigma).tolist():
            faults.append(f"row {rows[i].line}: a standard deviation is {sigma[i].min():g}: give a positive number")
            reasons[i] = reasons[i] or UNREADABLE
        covariance = diagonal(np.broadcast_to(sigma, points.shape))
    return Side(points, layout.units[side], covariance, Frame(origin=origin_of(rows, layout, side, faults)))


def _numbers(table: Table, header: Sequence[str] | None, rows: Sequence[Row], columns: Sequence[int], reasons: list[str],
             faults: list[str]) -> np.ndarray:
    """The cells as numbers; what is no finite number is a fault of a used row, and a gap in a row that is left out."""
    out = np.full((len(rows), len(columns)), math.nan)
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            value = table.number(row.cells[column])
            out[i, k] = math.nan if value is None else value
            if not math.isfinite(out[i, k]) and reasons[i] in ("", UNREADABLE):
                cell = row.cells[column]
                what = f"{short(cell)} is not a number" if value is None else f"the value is {brief(cell) or 'missing'}"
                faults.append(f"row {row.line}, column {brief(header[column]) if header else column + 1}: {what}")
                reasons[i] = UNREADABLE
    return out


def write(sheet: Sheet) -> str:
    """A table with all that a sheet knows, but for correlations of coordinates and axes of patients."""
    return write_with(sheet, {})


def write_with(sheet: Sheet, more: Mapping[str, Sequence[str]]) -> str:
    """The same with further columns: cells by header, those of the first rows; the others stay empty.

    The header says spaces and units; there are standard deviations where the points have covariances, a switch, and reasons where
    some points are not used.
    """
    single = sheet.target is None
    columns, cells = ["name"], [list(sheet.labels)]
    for space, side in zip(("",) if single else ("_source", "_target"), sheet.sides, strict=True):
        unit = f" [{side.unit}]" if side.unit else ""
        columns += [f"{axis}{space}{unit}" for axis in "xyz"[: side.dimension]]
        cells += [["" if math.isnan(v) else repr(v) for v in column] for column in side.points.T.tolist()]
        if side.covariance is not None:
            columns += [f"sigma_{axis}{space}{unit}" for axis in "xyz"[: side.dimension]]
            cells += [list(map(repr, column)) for column in np.sqrt(np.einsum("nii->in", side.covariance)).tolist()]
    others = {"used": ["false" if reason else "true" for reason in sheet.reasons]}
    if any(sheet.reasons):
        others["reason"] = [tidy(reason) for reason in sheet.reasons]
    others |= columns_of(sheet) | {header: [*some, *[""] * (len(sheet.lines) - len(some))] for header, some in more.items()}
    body = io.StringIO()
    csv.writer(body, lineterminator="\n").writerows([[*columns, *others], *zip(*cells, *others.values(), strict=True)])
    return body.getvalue()
