"""What a published formula is called, in tables and in figures."""

from __future__ import annotations

from typing import ClassVar


class Formula:
    """A formula for one model; regions in closed form.

    Attributes
    ----------
    model : str
    method, words : str
        Its method for tables, and what figures call it.
    """

    model: str
    method: ClassVar[str]
    words: ClassVar[str]
    closed_form_volume: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.model}-{self.method}{self._variant[0]}"

    @property
    def label(self) -> str:
        """For figures."""
        return f"{self.model}, {self.words}{self._variant[1]}"

    @property
    def _variant(self) -> tuple[str, str]:
        """What sets it apart from others of its method, in its name and in its label."""
        return "", ""
