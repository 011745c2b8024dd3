"""Coverage on measured points: what every estimator's regions hold where nobody drew the noise.

Two questions are asked of public data sets. *Left out*: one pair is predicted from the others of its registration. *Transfer*: a
registration of one field, rater or case predicts the points of another. Hits come in families (a rater's placements, a field's
beads, neighbours in one deformed tissue), so errors come from leaving out whole units, never from counting points.
"""
