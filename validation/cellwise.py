"""Studies of cells that stand alone: the same numbers on any number of workers, going on where an interrupted run stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pandas as pd

from .kept import made, stored, write_parquet
from .runner import Report, cores


class Named(Protocol):
    """A cell: all that its table needs to be found again."""

    @property
    def identity(self) -> str:
        """Unique readable name."""


Cell = TypeVar("Cell", bound=Named)


def tables(cells: Sequence[Cell], place: Path, compute: Callable[[Cell], pd.DataFrame], fingerprint: Callable[[Cell], str],
           workers: int | None = None, report: Report | None = None) -> list[pd.DataFrame]:
    """The table of each cell, in order; what is missing in a folder is computed, and kept there as soon as it is done.

    Parameters
    ----------
    cells : sequence
    place : Path
        Folder of the cells' tables.
    compute : callable
        Of one cell; workers are sent it.
    fingerprint : callable
        Digest of all that a cell's numbers depend on: a table with another one is computed again.
    workers : int, optional
        Processes; one per core by default.
    report : callable, optional
        Called with the numbers of cells done and in all.
    """
    from joblib import Parallel, delayed

    made(place)
    found = {cell.identity: stored(_path(place, cell), fingerprint(cell)) for cell in cells}
    missing = [cell for cell in cells if found[cell.identity] is None]
    jobs = Parallel(n_jobs=workers or cores(), return_as="generator_unordered", batch_size=1)
    finished = jobs(delayed(_computed)(compute, cell) for cell in missing)
    for done, (cell, table) in enumerate(finished, len(cells) - len(missing) + 1):
        table.attrs["fingerprint"] = fingerprint(cell)
        write_parquet(_path(place, cell), table)
        if report:
            report(done, len(cells))
    return [_read(place, cell, fingerprint(cell)) for cell in cells]


def _computed(compute: Callable[[Cell], pd.DataFrame], cell: Cell) -> tuple[Cell, pd.DataFrame]:
    return cell, compute(cell)


def _path(place: Path, cell: Named) -> Path:
    return place / f"{cell.identity}.parquet"


def _read(place: Path, cell: Named, fingerprint: str) -> pd.DataFrame:
    """A table as it was kept, whether it was found or computed."""
    table = stored(_path(place, cell), fingerprint)
    assert table is not None  # it was written or found a moment ago
    table.attrs = {}  # of one cell; they cannot be joined
    return table
