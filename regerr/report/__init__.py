"""One page that tells a stranger how far a registration can be believed: what was done, how wrong where, what to do next.

`contents` gathers the numbers, `words` and `sections` say them, `figures` draws them, `page` lays them out, `writing` writes
files.
"""

from __future__ import annotations

from .writing import write

__all__ = ["write"]
