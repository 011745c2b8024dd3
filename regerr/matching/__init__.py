"""Which points of two images are the same: pairs proposed from coordinates alone, and a refusal where chance could do as well.

`search` is the table of contents; `families` holds what differs between rigid, similarity and affine; `surfaces` matches points
to an outline or a mesh. Theory, section 22.
"""

from .objects import Alignment, Matching, Verdict
from .search import match
from .surface_objects import SurfaceAlignment, SurfaceMatching
from .surface_search import match_surface

__all__ = ["Alignment", "Matching", "SurfaceAlignment", "SurfaceMatching", "Verdict", "match", "match_surface"]
