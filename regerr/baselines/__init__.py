"""Published or customary methods to compare with, behind the same interface as our own regions.

One module for each; a module's estimators predict what a study asks for: a mean, an r.m.s., regions, p-values. What is ours and
what is theirs stands at the head of each. Formulas (theory, sections 6, 12, 16): `fitzpatrick`, `wiles`, `danilchenko`,
`cohen_ober`, `icip`, `ecclem`. Leaving out and drawing again (section 15): `leave_one_out`, `bootstrap`, `conformal`.
"""
