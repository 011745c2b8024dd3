"""Reading what other programs write: one module per format, recognised by content and never by the name of the file.

Whatever is wrong with a file is said in one sentence that names the file, the row, the column and the mend.
"""

from .reading import Points, read_pairs, read_points

__all__ = ["Points", "read_pairs", "read_points"]
