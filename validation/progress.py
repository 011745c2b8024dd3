"""A line with the time left, for people who wait; nothing where no one watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """Shows chunks done and time left once a study takes longer than two seconds, on a terminal only.

    Use as a context manager; call with the numbers of chunks done and in all.
    """

    def __init__(self, title: str, patience: float = 2.0) -> None:
        self.title, self.patience = title, patience
        self._start = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        if self._bar is None and sys.stderr.isatty() and time.monotonic() - self._start > self.patience and done < total:
            self._open(done, total)
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _open(self, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(TextColumn(self.title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left"),
                        console=Console(stderr=True))
        self._task = self._bar.add_task(self.title, total=total, completed=done)
        self._bar.start()
