"""The studies that are declared here, by name. Each module builds one; nothing is computed on import."""

from __future__ import annotations

from collections.abc import Callable

from ..study import Study
from . import grand, icip, regions

STUDIES: dict[str, Callable[[bool], Study]] = {"icip": icip.study, "regions": regions.study, "grand": grand.study}
TITLES = {"icip": icip.TITLE, "regions": regions.TITLE, "grand": grand.TITLE}
