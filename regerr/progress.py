"""A line with the time left, for people who wait at a terminal; nothing where no one watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")
PATIENCE = 2.0  # seconds before a line appears
_EVERY = 0.2  # seconds between two of its states


def watched(items: Iterable[Item], title: str, total: int | None = None, stream: TextIO | None = None,
            patience: float = PATIENCE) -> Iterator[Item]:
    """Items one by one, while a line on a terminal tells how many are done and how long the rest takes.

    Parameters
    ----------
    items : iterable
    title : str
        What is being done.
    total : int, optional
        How many there are; the length of ``items`` by default.
    stream : text stream, optional
        Standard error by default; nothing is written to one that is no terminal.
    patience : float
        Seconds before the line appears.
    """
    out = sys.stderr if stream is None else stream
    count = total if total is not None else len(items) if isinstance(items, Sized) else 0
    if not out.isatty():
        yield from items
        return
    start = last = time.monotonic()
    written = 0
    try:
        for done, item in enumerate(items):
            now = time.monotonic()
            if now - start > patience and (now - last > _EVERY or not written):
                last, written = now, _write(out, _line(title, done, count, now - start), written)
            yield item
    finally:
        if written:
            out.write("\r" + " " * written + "\r")
            out.flush()


def _line(title: str, done: int, total: int, elapsed: float) -> str:
    """``Map: 40 %, 12 s left``."""
    if not 0 < done <= total:
        return f"{title}: {elapsed:.0f} s"
    return f"{title}: {100 * done / total:.0f} %, {_time(elapsed * (total - done) / done)} left"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _write(out: TextIO, line: str, before: int) -> int:
    """Write a line over the last one; its length."""
    out.write("\r" + line.ljust(before))
    out.flush()
    return len(line)
