"""One module per figure: ``TITLE``, ``NEEDS`` (names of tables), ``draw(tables)`` and ``caption(tables)``."""
