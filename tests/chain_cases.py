"""A small study of the chain that several tests run."""

from __future__ import annotations

from dataclasses import replace

from simulations.images import Correlated, Electron, Field
from validation.chain.study import ELECTRON, Cell, ChainStudy, fluorescent

DARK = Electron(0.12, contrast=0.05, length=0.15, edge=0.02, camera=ELECTRON)
LAW = Correlated(13, fluorescent(contrast=0.05), DARK, Field((112, 112), 0.1, "µm"), Field((256, 256), 0.04, "µm"), 1.0, 1, 1,
                 0.02, 1.0)
CELL = Cell("small", LAW, held=3, cases=12)
SMALL = ChainStudy((CELL, replace(CELL, title="two", model="similarity", cases=2)))
