"""Reads back what typst wrote: enough of PDF 1.7 (plain objects, Flate streams, two-byte fonts) to test a document.

Not a PDF library: it knows one writer.
"""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_SHOWN = re.compile(rb"/(f\d+) [\d.]+ Tf|\(((?:[^\\()]|\\.)*)\)|(\bTJ|\bTj)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_PAIR = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>")


class ReadPdf:
    """A PDF opened for a test. catalog: source of the root object. tags: every structure type, in file order."""

    def __init__(self, content: bytes) -> None:
        self._objects = {int(found[1]): found[2] for found in _OBJECT.finditer(content)}
        self.catalog = next(body for body in self._objects.values() if b"/Type/Catalog" in body)
        self.metadata = self._stream(self._reference(self.catalog, b"Metadata")).decode()
        self.tags = [tag.decode() for b in self._objects.values() for tag in re.findall(rb"/StructElem/S/(\w+)", b)]
        kids = re.search(rb"/Type/Pages.*?/Kids\[(.*?)\]", content, re.DOTALL)
        assert kids
        self._pages = [self._objects[int(number)] for number in re.findall(rb"(\d+) 0 R", kids[1])]

    @property
    def pages(self) -> list[str]:
        """The text of each page without any white space, so that a line break does not matter."""
        return ["".join(self._text(page).split()) for page in self._pages]

    @property
    def text(self) -> str:
        """The text of all pages without white space."""
        return "".join(self.pages)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the first page in points."""
        found = re.search(rb"/MediaBox\[0 0 ([\d.]+) ([\d.]+)\]", self._pages[0])
        assert found
        return float(found[1]), float(found[2])

    def attachment(self, name: str) -> bytes:
        """The content of an embedded file."""
        mark = f"/Type/Filespec/F({name})".encode()
        specification = next(body for body in self._objects.values() if mark in body)
        return self._stream(self._reference(specification, b"EF<</F"))

    def _text(self, page: bytes) -> str:
        resources = self._objects[self._reference(page, b"Resources")]
        fonts = dict(re.findall(rb"/(f\d+) (\d+) 0 R", resources))
        maps = {name: self._unicode(int(number)) for name, number in fonts.items()}
        current: dict[bytes, str] = {}
        shown: list[str] = []
        for font, string, _ in _SHOWN.findall(self._stream(self._reference(page, b"Contents"))):
            if font:
                current = maps[font]
            elif string:
                raw = _ESCAPE.sub(_unescaped, string)
                shown += [current.get(raw[i : i + 2], "") for i in range(0, len(raw), 2)]
        return "".join(shown)

    def _unicode(self, font: int) -> dict[bytes, str]:
        pairs = _PAIR.findall(self._stream(self._reference(self._objects[font], b"ToUnicode")))
        return {bytes.fromhex(a.decode()): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in pairs}

    def _reference(self, body: bytes, key: bytes) -> int:
        found = re.search(rb"/" + re.escape(key) + rb" (\d+) 0 R", body)
        assert found, key
        return int(found[1])

    def _stream(self, number: int) -> bytes:
        head, _, content = self._objects[number].partition(b"stream\n")
        return zlib.decompressobj().decompress(content) if b"/FlateDecode" in head else content.rpartition(b"\n")[0]


def _unescaped(found: re.Match[bytes]) -> bytes:
    sign = found[1]
    return bytes([int(sign, 8)]) if sign.isdigit() else _ESCAPED.get(sign, sign)
