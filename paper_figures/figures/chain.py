"""The chain from two images to regions: coverage at held-out beads, and what wrong pairs cost."""

from __future__ import annotations

from ..chained import NEEDS, TITLE, caption, draw

__all__ = ["NEEDS", "TITLE", "caption", "draw"]
