"""Images of beads, made: what a light and an electron microscope see of the same beads, with the truth alongside.

A modality is a frozen object with ``expected(rng, places, field)``, photons per voxel, and a camera that turns them into counts.
"""

from __future__ import annotations

from .correlated import Correlated, CorrelatedImages
from .electron import Electron
from .light import Light
from .scene import BeadImage, Beads, Field

__all__ = ["BeadImage", "Beads", "Correlated", "CorrelatedImages", "Electron", "Field", "Light"]
