"""``python -m paper_figures RESULTS``: draw every figure from the tables in a folder, and the page that shows them."""

from __future__ import annotations

import sys
from pathlib import Path

from regerr.errors import RegistrationError

from .build import build


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 with one sentence."""
    if len(arguments) != 1:
        print("Error: give the folder with the results, for instance: python -m paper_figures results", file=sys.stderr)
        return 2
    try:
        page = build(Path(arguments[0]))
    except (RegistrationError, OSError) as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    print(f"Figures are in {page.parent / 'figures'}; all of them with captions: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
