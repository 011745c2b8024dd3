"""Declared Monte Carlo studies: what is run, how it is run the same everywhere, and how it is judged.

A study is data (`validation.study`), a runner computes its chunks in any order on any number of workers (`validation.runner`),
and what was found is summarised afterwards from sums alone (`validation.tables`). An estimator is whatever follows
`validation.protocol`.
"""
