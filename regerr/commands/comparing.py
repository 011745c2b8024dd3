"""The command ``regerr test``: which test, which landmarks belong together, and the placements of more people."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .options import Assumption, Input, given_by

if TYPE_CHECKING:
    from ..deformation import Ladder
    from ..io.table import Table
    from ..pairs import FiducialPairs


@dataclass(frozen=True)
class Question:
    """Which test, and what it is told."""

    test: Annotated[str | None, given_by(
        "NAME", "F, with the wild F beside it; wild, wild-t (signs of landmarks or groups: any noise), bootstrap, "
                "raters, raters-permuted; and to compare with, bartlett, chi2, iso/full.  [default: F, or raters with --rater]")
    ] = None
    groups: Annotated[str | None, given_by(
        "WHERE", "Landmarks that belong together (left-right, neighbours): a file of names and groups, or a column of FILE.")
    ] = None
    draws: Annotated[int | None, given_by("COUNT", "Random signs or datasets of a test that draws them.  [default: 999]")] = None
    seed: Annotated[int | None, given_by("SEED", "Of those.  [default: 2021]")] = None
    rater: Annotated[list[str] | None, given_by("FILE[,FILE2]", "The same landmarks placed by one more person; may be repeated. "
                                                                "Then the rater is the unit.")] = None

    def ladder(self, given: Input, assumption: Assumption) -> Ladder:
        """All comparisons that the pairs allow."""
        from ..deformation import compare_ladder

        pairs = given.without_excluded(given.read())
        pairs = with_raters(given, pairs, self.rater) if self.rater else pairs
        groups = None if self.groups is None else groups_of(self.groups, given.file, pairs)
        test = self.test or ("raters" if self.rater else "F")
        return compare_ladder(pairs, assumption.assumed(given), test=test, groups=groups, draws=self.draws, seed=self.seed)


def with_raters(given: Input, pairs: FiducialPairs, others: list[str]) -> FiducialPairs:
    """Placements of all raters (K, n, d), the landmarks that every one of them placed; a warning names the rest."""
    import numpy as np

    from ..errors import InputError, RegistrationWarning
    from ..pairs import FiducialPairs
    from ..reporting.text import listed

    everyone = [pairs]
    for text in others:
        file, _, file2 = text.partition(",")
        one = replace(given, file=Path(file), file2=Path(file2) if file2 else None)
        everyone.append(one.without_excluded(one.read()))
    names = [name for name in pairs.names if all(name in one.names for one in everyone)]
    rest = sorted({name for one in everyone for name in one.names} - set(names))
    if not names:
        raise InputError(f"no landmark is named alike by all {len(everyone)} raters: give files with the same names")
    if rest:
        warnings.warn(f"not all {len(everyone)} raters placed {listed(rest)}: left out", RegistrationWarning, stacklevel=2)
    rows = [[one.names.index(name) for name in names] for one in everyone]
    source, target = (np.stack([getattr(one, space)[row] for one, row in zip(everyone, rows, strict=True)])
                      for space in ("source", "target"))
    return FiducialPairs(source, target, tuple(names), pairs.source_unit, pairs.target_unit)


def groups_of(where: str, file: Path, pairs: FiducialPairs) -> dict[str, str]:
    """Groups by the names of landmarks, from a file of names and groups or from a column of the file of the pairs.

    Raises
    ------
    InputError
        When there is neither such a file nor such a column.
    """
    from ..io.document import open_document
    from ..io.table import split

    own = not Path(where).is_file()
    table = split(open_document(file if own else where))
    found = _of_column(where, file, table) if own else {row.cells[0]: row.cells[1] for row in table.rows}
    kept, known = set(pairs.names), {unused.name for unused in pairs.unused}
    head = "" if own else table.rows[0].cells[0]  # of a file of groups, unless it is a landmark's name
    return {name: group for name, group in found.items() if name in kept or (not own and name not in known and name != head)}


def _of_column(where: str, file: Path, table: Table) -> dict[str, str]:
    from ..errors import InputError
    from ..io.columns import layout_of
    from ..reporting.text import listed

    header = table.rows[0].cells
    if where not in header:
        raise InputError(f"--groups {where}: there is no such file, and {file} has no such column (its first row is "
                         f"{listed(header, 8)}): give a file of names and groups, or a column of FILE")
    column, name = header.index(where), layout_of(header).name
    return {str(i) if name is None else row.cells[name]: row.cells[column] for i, row in enumerate(table.rows[1:], 1)}
