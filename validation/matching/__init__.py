"""Matching of unknown pairs held against its acceptance list: how often it succeeds, and what it accepts by mistake."""
