"""What the libraries of binary formats say in their logs while they read a file, instead of letting it pass or stopping."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Notes(logging.Handler):
    def __init__(self, notes: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append(record.getMessage())


@contextmanager
def heard(library: str) -> Iterator[list[str]]:
    """Collect the warnings that a library logs; they are not printed."""
    logger, notes = logging.getLogger(library), list[str]()
    handler, propagated = _Notes(notes), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield notes
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated
