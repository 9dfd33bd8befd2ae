"""XML elements in one expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Mapping


def element(
    tag: str, *parts: etree._Element | Mapping[str, str] | str, **attributes: str
) -> etree._Element:
    """Make an element of its children, its text, and attributes whose names Python cannot say.

    Examples
    --------
    >>> made = element("pane", element("run", "<b>"), {"class": "x"}, id="1")
    >>> etree.tostring(made).decode()
    '<pane class="x" id="1"><run>&lt;b&gt;</run></pane>'
    """
    made = etree.Element(tag)
    for part in parts:
        if isinstance(part, str):
            made.text = part
        elif isinstance(part, etree._Element):  # noqa: SLF001 - lxml has no public name for it
            made.append(part)
        else:
            _set(made, part)
    _set(made, attributes)
    return made


def _set(made: etree._Element, attributes: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        made.set(name, value)
