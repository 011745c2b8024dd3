"""The tests of deformation: how often each rejects what is true, and what is not."""

from __future__ import annotations

from ..sizes_and_power import NEEDS, TITLE, caption, draw

__all__ = ["NEEDS", "TITLE", "caption", "draw"]
