"""Reading and writing what other programs use: one module per format, recognised by content and never by the name of the file.

Whatever is wrong with a file is said in one sentence that names the file, the row, the column and the mend. Readers hand a sheet
over (`sheet`), the doors turn it into pairs or points (`reading`); writers take a sheet in their own unit and axes (`writing`). A
new format is one module with a card, ``recognises``, ``read`` and perhaps ``write``, and one line in `formats` or `writing`.
"""

from .outlines import write_regions
from .reading import Points, read_pairs, read_points, read_transform
from .writing import write_pairs, write_points, write_transform

__all__ = ["Points", "read_pairs", "read_points", "read_transform", "write_pairs", "write_points", "write_regions",
           "write_transform"]
