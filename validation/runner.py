"""Runs the chunks of a study: in any order, on any number of workers, going on where an interrupted run stopped.

Each chunk's table of sums is written when it is done, under a temporary name and then renamed, so a file that is there is
complete. A file whose fingerprint differs, because the study or the code has changed since, is computed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from regerr.errors import InputError, MissingExtraError
from simulations import Observed

from .analysis import analyse
from .draws import taken
from .kept import made, stored, write_parquet
from .study import Chunk, Study
from .sums import merged

BACKENDS = ("loky", "dask")
Report = Callable[[int, int], None]  # chunks done, chunks in all


@dataclass(frozen=True)
class Workers:
    """Who computes.

    Parameters
    ----------
    count : int, optional
        Processes on this machine; one per core when None.
    backend : {"loky", "dask"}
    scheduler : str, optional
        Address of a Dask scheduler.
    """

    count: int | None = None
    backend: str = "loky"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise InputError(f"backend {self.backend!r} is unknown: use {' or '.join(BACKENDS)}")
        if self.count is not None and self.count < 1:
            raise InputError(f"the number of workers is {self.count}: give at least 1")
        if (self.backend == "dask") != (self.scheduler is not None):
            raise InputError("a Dask cluster needs both --backend dask and --scheduler with the address of its scheduler, "
                             "such as tcp://127.0.0.1:8786")

    def map(self, chunks: Iterable[Chunk]) -> Iterator[tuple[str, pd.DataFrame]]:
        """Names and tables of chunks, in the order in which they are done."""
        from joblib import Parallel, delayed

        with self._place():
            jobs = Parallel(n_jobs=self.count or cores(), return_as="generator_unordered", batch_size=1)
            yield from jobs(delayed(_computed)(chunk) for chunk in chunks)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self.backend == "loky":
            yield
            return
        from joblib import parallel_config

        try:
            client = import_module("distributed").Client
        except ModuleNotFoundError:
            raise MissingExtraError("--backend dask needs the library 'distributed': install it with pip install distributed, "
                                    "or leave the option out to use the cores of this machine") from None
        with client(self.scheduler, timeout=20), parallel_config(backend="dask"):
            yield


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(study: Study, folder: Path, workers: Workers | None = None, report: Report | None = None) -> None:
    """Compute what is missing of a study.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own folder of results; chunks go to ``chunks/`` in it.
    workers : Workers, optional
    report : callable, optional
        Called with the numbers of chunks done and in all, first with those found.

    Raises
    ------
    InputError
        When the folder cannot be written to.
    """
    place = made(folder / "chunks")
    chunks = list(study.chunks())
    missing = [chunk for chunk in chunks if read(chunk, place) is None]
    done = len(chunks) - len(missing)
    if report:
        report(done, len(chunks))
    # the first chunk of a scenario also measures implicit regions: the long ones start first
    for name, table in (workers or Workers()).map(sorted(missing, key=lambda c: c.measured == 0)):
        write(name, table, place)
        done += 1
        if report:
            report(done, len(chunks))


@dataclass(frozen=True)
class Collected:
    """What all chunks of a study left.

    Attributes
    ----------
    sums : mapping
        Merged sums of each scenario by its identity.
    failures : table
        Of single replicates, as far as they were listed.
    seconds : table
        Of each scenario, chunk and estimator: datasets, and how long they took. Times differ from run to run, so they stand apart
        from all that is the same each time.
    """

    sums: dict[str, pd.DataFrame]
    failures: pd.DataFrame
    seconds: pd.DataFrame


def collect(study: Study, folder: Path) -> Collected:
    """Put the chunks of a finished study together.

    Raises
    ------
    InputError
        When chunks are missing.
    """
    place = folder / "chunks"
    tables: dict[str, list[pd.DataFrame]] = {s.identity: [] for s in study.scenarios}
    failures: list[dict[str, Any]] = []
    seconds: list[dict[str, Any]] = []
    for chunk in study.chunks():
        table = read(chunk, place)
        if table is None:
            raise InputError(f"{place} lacks the chunk {chunk.name} of this study: run it again, it goes on where it stopped")
        failures += table.attrs["failures"]
        seconds += table.attrs["seconds"]
        tables[chunk.scenario.identity].append(table)
    where = ["scenario", "chunk"]
    return Collected({name: merged(parts) for name, parts in tables.items()},
                     pd.DataFrame(failures, columns=[*where, "replicate", "estimator", "reason"]),
                     pd.DataFrame(seconds, columns=[*where, "estimator", "datasets", "seconds"]))


def replay(study: Study, scenario: str, chunk: int, replicate: int) -> Observed:
    """Draw again one dataset of a study, a failed one for instance: as it was, bit for bit.

    Parameters
    ----------
    scenario, chunk, replicate : as in the table of failures
    """
    found = [c for c in study.chunks() if c.scenario.identity == scenario and c.index == chunk]
    if not found or not 0 <= replicate < found[0].count:
        raise InputError(f"the study {study.name} has no replicate {replicate} in chunk {chunk} of {scenario!r}: "
                         "take all three from one row of its table of failures")
    return taken(found[0].draw(), replicate)


def read(chunk: Chunk, place: Path) -> pd.DataFrame | None:
    """A chunk's table, or None when it is missing, unreadable or was made from something else."""
    return stored(place / f"{chunk.name}.parquet", chunk.fingerprint)


def write(name: str, table: pd.DataFrame, place: Path) -> None:
    """Write a chunk's table, all of it or nothing."""
    write_parquet(place / f"{name}.parquet", table)


def _computed(chunk: Chunk) -> tuple[str, pd.DataFrame]:
    return chunk.name, analyse(chunk)
