"""Bounds of what a person can ask for; without them a slip of the finger ends in a traceback."""

from __future__ import annotations

from typing import Final

MOST_SLOTS: Final = 100_000
"""Escalations a day: no desk has so many people, and sums over them stay exact."""
