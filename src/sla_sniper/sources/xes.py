"""XES event logs (IEEE 1849), streamed: one row an event, with its trace's attributes.

Nothing outside the file is read and no entity is resolved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lxml import etree

from sla_sniper.core.errors import EmptyFileError, UnreadableFileError
from sla_sniper.sources.cells import Row, not_empty, text_batches, unique_names
from sla_sniper.sources.compression import open_stream, reading
from sla_sniper.sources.interface import BATCH_ROWS, RawBatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CASE_PREFIX: Final = "case:"
STRUCTURE: Final = frozenset({"event", "trace", "log"})

Attributes = dict[str, str | None]


@dataclass(frozen=True)
class XesSource:
    """Events of a XES log.

    Columns are the keys of the event's attributes (``concept:name``, ``time:timestamp``) and,
    prefixed ``case:``, of its trace's, found by a first pass. Values are as in the file. A list
    or container is JSON text; attributes of attributes and the log's defaults are left out.

    Attributes
    ----------
    path : Path
        The file; gzip or zstd by its ending.
    null_values : tuple of str
        Values that mean "missing", besides the empty one.
    """

    path: Path
    null_values: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Return the keys of all attributes; see `Source.columns`."""
        return unique_names(self._keys)

    def batches(self, *, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Yield the events in the order of the file; none is ever refused."""
        batches = text_batches(
            self._rows(), self.columns(), rows=rows, null_values=self.null_values
        )
        return not_empty(self.path, batches)

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        keys: Attributes = {}
        for event in self._events():
            keys.update(event)
        if not keys:
            raise EmptyFileError(str(self.path))
        return tuple(keys)

    def _rows(self) -> Iterator[Row]:
        keys = self._keys
        for number, event in enumerate(self._events(), start=1):
            yield Row(number, [event.get(key) for key in keys])

    def _events(self) -> Iterator[Attributes]:
        reason = "it is no well-formed XES"
        with reading(self.path, reason, etree.XMLSyntaxError), open_stream(self.path) as stream:
            elements = etree.iterparse(
                stream,
                events=("end",),
                tag=tuple(f"{{*}}{name}" for name in sorted(STRUCTURE)),
                resolve_entities=False,
                huge_tree=False,
                no_network=True,
                remove_comments=True,
                remove_pis=True,
            )
            yield from self._walk(element for _, element in elements)
            if _name(elements.root) != "log":
                raise self._unreadable(f"its root is <{_name(elements.root)}>, not <log>")

    def _walk(self, elements: Iterator[etree._Element]) -> Iterator[Attributes]:
        """Yield one event after another, forgetting each element once it is read."""
        case: Attributes | None = None
        for element in elements:
            parent = element.getparent()
            if _name(element) == "event":
                if case is None and parent is not None and _name(parent) == "trace":
                    case = _case_attributes(parent)
                yield (case or {}) | _attributes(element)
            elif case is not None and case != _case_attributes(element):
                raise self._unreadable("a trace has attributes after its events")
            else:
                case = None
            _forget(element)

    def _unreadable(self, reason: str) -> UnreadableFileError:
        return UnreadableFileError(str(self.path), reason, "export it again as XES")


def _name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def _case_attributes(trace: etree._Element) -> Attributes:
    """Read the attributes of a trace, with their prefix."""
    return {f"{CASE_PREFIX}{key}": value for key, value in _attributes(trace).items()}


def _attributes(element: etree._Element) -> Attributes:
    """Read the attribute elements directly below `element`."""
    return {
        str(child.get("key")): _value(child)
        for child in element.iterchildren("{*}*")
        if child.get("key") is not None
    }


def _value(attribute: etree._Element) -> str | None:
    """Return an attribute's value; of a list or container, JSON."""
    value = attribute.get("value")
    if value is not None or len(attribute) == 0:
        return value
    return json.dumps(_nested(attribute), ensure_ascii=False)


def _nested(container: etree._Element) -> list[Attributes]:
    """Read what a list or container holds; a list keeps its items in ``<values>``."""
    children = container.find("{*}values")
    items = container if children is None else children
    return [{str(item.get("key")): _value(item)} for item in items.iterchildren("{*}*")]


def _forget(element: etree._Element) -> None:
    """Free an element and what stands before it of its kind, so that memory stays bounded.

    The element itself stays, empty: libxml2 still holds on to it.
    """
    element.clear()
    before, parent = element.getprevious(), element.getparent()
    if before is not None and parent is not None and before.tag == element.tag:
        parent.remove(before)
