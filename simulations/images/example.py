"""The small example that is shipped: simulated, no microscope saw it; ``python -m simulations.images.example`` writes it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from regerr.detection import Camera

from .correlated import Correlated
from .electron import Electron
from .files import files_of
from .light import Light
from .scene import Field

SEED = 2021
NAMES = {"source.ome.tif": "simulated_light.ome.tif", "target.ome.tif": "simulated_electron.ome.tif",
         "truth.json": "simulated_images.json"}
LAW = Correlated(
    16, Light((1200.0, 6000.0), 0.13, 8.0, 0.15, 1.5, Camera(2.1, 100.0, 1.6)),
    Electron(0.12, contrast=0.1, length=0.15, edge=0.02, dose=60.0, camera=Camera(1.0, 10.0, 1.0)),
    Field((160, 160), 0.1, "µm"), Field((360, 360), 0.04, "µm"), 1.0, 2, 3, 0.03, 1.2)


def contents() -> dict[str, str | bytes]:
    """Names of the shipped files and what they hold."""
    made = files_of(LAW.sample(np.random.default_rng(SEED)), {"seed": SEED, "law": repr(LAW)})
    return {NAMES[name]: content for name, content in made.items()}


if __name__ == "__main__":
    for name, content in contents().items():
        place = Path(str(files("regerr") / "data" / name))
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
