"""What a deck says of itself, so that its numbers can be found and recomputed.

The numbers stand on the slides, each with the number of its footnote; the record tells which
figure a footnote, a cell or a point of a chart is, and with which settings it was computed. It
is kept twice: as a custom XML part, which PowerPoint leaves alone and LibreOffice drops, and as a
custom property of the document, which LibreOffice keeps at any length. Nobody has to trust what it
says of a number, because `sniper verify` reads that from the slides.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from lxml import etree
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI

if TYPE_CHECKING:
    from pptx.presentation import Presentation

SCHEMA: Final = "sniper.deck/2"
_NAMESPACE: Final = "urn:sla-sniper:deck"
_PLACE: Final = "/customXml/item1.xml"
_PROPERTIES: Final = "/docProps/custom.xml"
_PROPERTY: Final = "sla-sniper"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006"
_CUSTOM: Final = f"{_OFFICE}/custom-properties"
_VALUES: Final = f"{_OFFICE}/docPropsVTypes"
_CUSTOM_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_USERS: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
"""Every property that is not one of Office's own has this."""


class NoRecordError(ValueError):
    """A presentation that carries no readable record: sla-sniper did not make it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a deck says of itself.

    Attributes
    ----------
    as_of : str
        ISO instant.
    replayed : dict
        Settings of the backtest, enough to replay it, and the sources of the log.
    footnotes : list of str
        Id of each footnote by its number, from 1.
    cells : dict
        For each table by its shape's name the ids of its cells, row by row; empty for no figure.
    points : dict
        For each chart by its shape's name the ids of its points, a list a series.
    slides : dict
        For each slide by its id which page of the report it is.
    made : dict
        For each slide by its id the fingerprints of all that it said, to tell whether a text was
        changed on the slide or is another one now.
    """

    as_of: str
    replayed: dict[str, Any]
    footnotes: list[str]
    cells: dict[str, list[list[str]]] = field(default_factory=dict)
    points: dict[str, list[list[str]]] = field(default_factory=dict)
    slides: dict[str, str] = field(default_factory=dict)
    made: dict[str, list[str]] = field(default_factory=dict)

    def attach(self, deck: Presentation) -> None:
        """Put the record into a presentation."""
        told = escape(
            json.dumps({"schema": SCHEMA} | asdict(self), ensure_ascii=False, sort_keys=True)
        )
        package = deck.part.package
        blob = f'<deck xmlns="{_NAMESPACE}">{told}</deck>'.encode()
        part = Part(PackURI(_PLACE), "application/xml", package, blob)
        deck.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)
        blob = (
            f'<Properties xmlns="{_CUSTOM}" xmlns:vt="{_VALUES}"><property fmtid="{_USERS}" '
            f'pid="2" name="{_PROPERTY}"><vt:lpwstr>{told}</vt:lpwstr></property></Properties>'
        ).encode()
        part = Part(PackURI(_PROPERTIES), _CUSTOM_TYPE, package, blob)
        package.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_PROPERTIES)

    @classmethod
    def of(cls, deck: Presentation) -> Record:
        """Read the record of a presentation.

        Raises
        ------
        NoRecordError
            If it has none, or a damaged one.
        """
        blobs = [
            relation.target_part.blob
            for relation in deck.part.rels.values()
            if relation.reltype == RELATIONSHIP_TYPE.CUSTOM_XML and not relation.is_external
        ]
        blobs += [
            part.blob for part in deck.part.package.iter_parts() if part.partname == _PROPERTIES
        ]
        for found in map(_read, blobs):
            if found is not None:
                return found
        raise NoRecordError


def _read(blob: bytes) -> Record | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(blob, parser)
        text = _kept(root)
        if text is None:
            return None
        told = json.loads(text)
        if told.get("schema") != SCHEMA:
            return None
        return Record(**{each.name: told[each.name] for each in fields(Record)})
    except (etree.XMLSyntaxError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise NoRecordError from error


def _kept(root: etree._Element) -> str | None:
    """Return what a part keeps for us, if it does."""
    if root.tag == f"{{{_NAMESPACE}}}deck":
        return root.text or ""
    path = f"{{{_CUSTOM}}}property[@name='{_PROPERTY}']/{{{_VALUES}}}lpwstr"
    return root.findtext(path)
