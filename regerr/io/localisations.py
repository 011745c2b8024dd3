"""Tables of localisations, whatever program wrote them: coordinates, and the precision of each where a column says it.

Localisations carry no names that two images share, so two files of them are joined by row.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RegistrationWarning
from .columns import unit_of
from .document import Document
from .frame import Frame, ratio_of
from .sheet import Sheet, Side, diagonal, improper, refusal, sheet_of, short
from .table import Row, Table, number

_AXIS = re.compile(r"(?:position_)?([xyz])(?:_position)?\Z")


@dataclass(frozen=True)
class Precision:
    """Where a table says how well a point is localised.

    Attributes
    ----------
    shared, along_z : tuple of str
        Bare headers of the s.d. along x and y (and along z too, where no other says that), and along z alone.
    """

    shared: tuple[str, ...]
    along_z: tuple[str, ...] = ()


def read_table(document: Document, kind: str, table: Table, frame: Frame, precision: Precision, unit: str | None = None) -> Sheet:
    """All localisations of a table with a header; a z of 0 throughout is dropped.

    ``unit`` is the unit of a format whose headers say none.
    """
    header, rows, faults = table.rows[0].cells, table.rows[1:], list(table.faults)
    bare = [unit_of(cell) for cell in header]
    axes = {m[1]: i for i, (text, _) in reversed(list(enumerate(bare))) if (m := _AXIS.match(text))}
    lacking = [axis for axis in "xy" if axis not in axes]
    units = {bare[i][1] for i in axes.values()}
    if lacking or not rows or len(units) > 1:
        faults += [f"it has no column for {axis}" for axis in lacking] + ([] if rows else ["it holds a header and no points"])
        raise refusal(document.path, [*faults, *(["its coordinates are in different units"] if len(units) > 1 else [])])
    columns = [axes[axis] for axis in sorted(axes)]
    points = numbers(table, rows, columns, header, faults)
    unit = units.pop() or unit
    side = Side(points, unit, frame=frame).without_empty_z()
    sigma = _sigma(document, table, rows, bare, header, side, precision, faults)
    side = Side(side.points, unit, None if sigma is None else diagonal(sigma), frame)
    return sheet_of(document.path, kind, [side], lines=[row.line for row in rows], faults=faults)


def numbers(table: Table, rows: Sequence[Row], columns: Sequence[int], header: Sequence[str], faults: list[str]) -> np.ndarray:
    """Columns as finite numbers (n, k); NaN and a fault for anything else."""
    out = np.array([[_value(number(row.cells[i], table.decimal_comma)) for i in columns] for row in rows])
    for r, c in np.argwhere(~np.isfinite(out)).tolist():
        out[r, c] = math.nan
        where = f"row {rows[r].line}, column {header[columns[c]]}"
        faults.append(f"{where}: {short(rows[r].cells[columns[c]])} is not a finite number")
    return out


def positive(sigma: np.ndarray, lines: Sequence[int], faults: list[str]) -> np.ndarray:
    """Standard deviations, those that are not positive told as faults."""
    for r in improper(sigma).tolist():
        faults.append(f"row {lines[r]}: a precision is {np.min(sigma[r]):g}: give a positive number")
    return sigma


def _value(found: float | None) -> float:
    return math.nan if found is None else found


def _sigma(document: Document, table: Table, rows: Sequence[Row], bare: Sequence[tuple[str, str | None]], header: Sequence[str],
           side: Side, precision: Precision, faults: list[str]) -> np.ndarray | None:
    """Standard deviations (n, d) in the unit of the points; None where not all axes have one."""
    texts = [text for text, _ in bare]
    shared, along_z = (next((texts.index(name) for name in names if name in texts), None)
                       for names in (precision.shared, precision.along_z))
    if shared is None:
        return None
    if side.dimension == 3 and along_z is None:
        warnings.warn(f"{document.path}: column {header[shared]!r} is the precision along x and y, and none is given along z: "
                      "the localisations count alike", RegistrationWarning, stacklevel=6)
        return None
    columns = [shared, shared, *([along_z] if along_z is not None else [])][: side.dimension]
    ratios = [ratio_of(bare[i][1] or side.unit, side.unit) for i in columns]
    if None in ratios:
        faults.append(f"column {header[shared]!r} and the coordinates ({side.unit}) are in different units")
        return None
    found = numbers(table, rows, columns, header, faults) * np.array(ratios, float)
    return positive(found, [row.line for row in rows], faults)
