"""Published or customary methods to compare with, behind the same interface as our own regions."""
