"""Tests of deformation held against their level: how often each rejects what is true, and what is not (theory, section 7)."""
