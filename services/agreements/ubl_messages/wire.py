"""UBL messages as bytes: written always alike, and read without anything else being opened."""

import re
from collections import Counter
from typing import Annotated, Any

from fastapi import Depends, Request
from lxml import etree

from services.agreements.ubl_messages import rules
from services.agreements.ubl_messages.rules import Element

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_PREFIXES = {"cac": f"{_UBL}CommonAggregateComponents-2", "cbc": f"{_UBL}CommonBasicComponents-2"}
_NAMESPACES = {uri: prefix for prefix, uri in _PREFIXES.items()}
_ROOTS = {f"{_UBL}{name}-2": name for name in rules.ROOTS.values()}

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, and a reason that somebody wrote may."""


async def body(request: Request) -> bytes:
    """A message that is posted; of more than is allowed the rest is not even read."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in rules.MEDIA_TYPES:
        raise rules.MessageMediaTypeUnknown(f"One of {', '.join(rules.MEDIA_TYPES)}.")
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > rules.LARGEST:
            raise rules.MessageTooLarge(f"At most {rules.LARGEST} bytes.")
    return bytes(content)


BodyDep = Annotated[bytes, Depends(body)]


def write(root: Element) -> bytes:
    """The same message gives the same bytes. A root has the namespace of its document."""
    space = f"{_UBL}{root.name}-2"
    written = etree.Element(f"{{{space}}}{root.name}", nsmap=dict([(None, space), *_PREFIXES.items()]))
    _fill(written, root)
    etree.indent(written)
    made: bytes = etree.tostring(written, xml_declaration=True, encoding="UTF-8")
    return made + b"\n"


def _fill(written: Any, element: Element) -> None:
    if element.text:
        written.text = _NO_XML.sub("\ufffd", element.text)
    for name, value in element.attributes.items():
        written.set(name, value)
    for child in element.children:
        prefix, _, local = child.name.partition(":")
        _fill(etree.SubElement(written, f"{{{_PREFIXES[prefix]}}}{local}"), child)


def read(content: bytes) -> Element:
    """A stranger's message, each element with where it stands. A document type is refused before it is read: with none
    there are no entities to expand and nothing to fetch."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise rules.NotXml(f"Byte {error.start} is not UTF-8.") from error
    if "<!DOCTYPE" in text:
        raise rules.NotXml("It has a document type, and a message of UBL has none.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise rules.NotXml(f"Line {error.lineno or 1} is not well-formed.") from error
    if sum(1 for _ in root.iter()) > rules.MOST:
        raise rules.MessageTooLarge(f"At most {rules.MOST} elements.")
    return _element(root, f"/{_name(root.tag)}")


def _element(read: Any, path: str) -> Element:
    names = Counter(_name(child.tag) for child in read)
    place: Counter[str] = Counter()
    children: list[Element] = []
    for child in read:
        name = _name(child.tag)
        place[name] += 1
        children.append(_element(child, f"{path}/{name}[{place[name]}]" if names[name] > 1 else f"{path}/{name}"))
    attributes = {str(name): str(value) for name, value in read.attrib.items()}
    return Element(_name(read.tag), read.text or "", attributes, tuple(children), path)


def _name(tag: str) -> str:
    """A name that no message of UBL has stays as it is, namespace and all."""
    space, _, local = tag.removeprefix("{").rpartition("}")
    if space in _NAMESPACES:
        return f"{_NAMESPACES[space]}:{local}"
    return local if _ROOTS.get(space) == local else tag
