"""Detection and localisation of beads, held against the truth of simulated images."""
