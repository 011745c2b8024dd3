"""A user's own estimator, from one small file.

The file assigns an object to the name ``estimator``; the object has a name, a label and ``predict`` (`validation.protocol`)::

    class Rings:
        name = "rings"
        label = "my rings"

        def predict(self, pairs, targets, kind): ...

    estimator = Rings()
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from regerr.errors import InputError
from regerr.pairs import FiducialPairs

from .protocol import Estimator, Prediction, family_of, kinds_of, method_of, volume_is_cheap


@dataclass(frozen=True)
class FromFile:
    """The object named ``estimator`` in a Python file. Worker processes load the file themselves.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    digest : str
        Of the file's content: what was computed with other content is computed again.

    Raises
    ------
    InputError
        When the file cannot be read or run, or has no such object in it.
    """

    path: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        path = Path(self.path)
        try:
            content = path.read_bytes()
        except OSError as fault:
            raise InputError(f"cannot read the estimator file {path} ({fault.strerror}): give a Python file") from None
        object.__setattr__(self, "path", str(path.resolve()))
        object.__setattr__(self, "digest", hashlib.sha256(content).hexdigest()[:16])
        missing = [what for what in ("name", "label", "predict") if not hasattr(self._object, what)]
        if missing:
            raise InputError(f"the estimator in {path} lacks {', '.join(missing)}: an estimator has a name, a label and "
                             "predict(pairs, targets, kind)")

    def __reduce__(self) -> tuple[type[FromFile], tuple[str]]:
        return FromFile, (self.path,)

    @cached_property
    def _object(self) -> Any:
        module = _load(Path(self.path))
        if not hasattr(module, "estimator"):
            raise InputError(f"{self.path} defines no object named 'estimator': assign yours to that name")
        return module.estimator

    @property
    def name(self) -> str:
        """For tables."""
        return str(self._object.name)

    @property
    def label(self) -> str:
        """For figures."""
        return str(self._object.label)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that it answers."""
        return kinds_of(self._object)

    @property
    def model(self) -> str:
        """The family that it belongs to, if it says so."""
        return family_of(self._object)

    @property
    def method(self) -> str:
        """Its method, if it says so."""
        return method_of(self._object)

    @property
    def closed_form_volume(self) -> bool:
        """Whether volumes are taken for all replicates."""
        return volume_is_cheap(self._object)

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> Prediction:
        """What the user's object predicts."""
        estimator: Estimator = self._object
        return estimator.predict(pairs, targets, kind)


def _load(path: Path) -> ModuleType:
    """Run a Python file as a module of its own, straight from its source."""
    module = ModuleType(f"_estimator_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses and pickle look for it
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as fault:
        del sys.modules[module.__name__]
        raise InputError(f"the estimator file {path} does not run: {type(fault).__name__}: {fault}") from fault
    return module
