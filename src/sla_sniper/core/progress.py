"""Progress goes through a function that is passed in, so that the library never prints."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told at every step of long work."""

    def __call__(self, step: str, share: float | None = None) -> None:
        """Hear that `step` is under way, and which share in [0, 1] of it is done."""


def silent(step: str, share: float | None = None) -> None:
    """Tell nobody."""
