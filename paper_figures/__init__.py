"""The figures of a paper, drawn from the tables that the studies wrote: ``python -m paper_figures RESULTS``.

Each figure is a module in `paper_figures.figures` with the tables it needs (``NEEDS``), ``draw(tables)`` and ``caption(tables)``.
Nothing here computes what belongs in a table; whatever a caption states is read from the table that the figure is drawn from.
"""
