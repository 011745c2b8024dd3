"""Beads in images: a trous wavelets propose, maximum likelihood places them and says how well (theory, section 21)."""

from __future__ import annotations

from .camera import Camera
from .detecting import detect
from .images import ImageFile, read_image
from .spots import Spots

__all__ = ["Camera", "ImageFile", "Spots", "detect", "read_image"]
