"""What a file is, by its content: real kinds, disguises, passwords, and whatever else somebody sends."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.adapters.file_content import is_locked, kind_of
from fundapp.domain.upload import FileType
from tests.support.school import PDF


def zipped(**names: bytes) -> bytes:
    """An archive with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in names.items():
            file.writestr(name, content)
    return out.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The archive with every entry marked as encrypted, in both of the places that say so (APPNOTE 4.3.7, 4.3.12)."""
    changed = bytearray(archive)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(sign)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(sign, at + 1)
    return bytes(changed)


DOCX = zipped(**{"[Content_Types].xml": b"", "word/document.xml": b"<w/>"})
MACROS = zipped(**{"word/document.xml": b"<w/>", "word/vbaProject.bin": b"x"})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512
LOCKED_OFFICE = OLE + "EncryptedPackage".encode("utf-16-le")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "pdf"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 30, "jpg"),
        (DOCX, "docx"),
        (zipped(**{"xl/workbook.xml": b"<x/>"}), "xlsx"),
        (zipped(mimetype=b"application/vnd.oasis.opendocument.text"), "odt"),
        (zipped(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), None),
        (MACROS, None),
        (zipped(**{"evil.exe": b"MZ"}), None),
        (b"PK\x03\x04 broken", None),
        (OLE, None),
        (b"MZ\x90\x00", None),
        (b"<html><script>", None),
        (b"<svg onload=alert(1)>", None),
        (b"", None),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, kind: str | None) -> None:
    assert kind_of(content) == (None if kind is None else FileType(kind))


@pytest.mark.parametrize(
    ("content", "locked"),
    [
        (encrypted(DOCX), True),
        (encrypted(zipped(a=b"1", b=b"2")), True),
        (LOCKED_OFFICE, True),
        (DOCX, False),
        (OLE, False),
        (PDF, False),
        (b"PK\x03\x04 broken", False),
        (b"", False),
    ],
)
def test_a_password_is_noticed(content: bytes, locked: bool) -> None:
    assert is_locked(content) is locked


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.sampled_from([DOCX, MACROS, encrypted(DOCX), zipped(mimetype=b"x" * 300), PDF, LOCKED_OFFICE]), st.data())
def test_a_damaged_file_is_one_that_is_not_taken_or_is(content: bytes, data: st.DataObject) -> None:
    """Bytes changed, cut off or put in between: an answer, whatever it is, and no error."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(0, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.integers(0, len(changed)))]) + data.draw(st.binary(max_size=30))
    assert kind_of(cut) in (None, *FileType)
    assert is_locked(cut) in (True, False)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail))
def test_any_bytes_have_an_answer(content: bytes) -> None:
    assert kind_of(content) in (None, *FileType)
    assert is_locked(content) in (True, False)
