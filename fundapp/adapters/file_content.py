"""What a file is, by its content: the name and the type that were sent say nothing."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import filetype

from fundapp.domain.upload import FileType

_LOOKED_AT = 8192
_OFFICE = {"word/document.xml": FileType.DOCX, "xl/workbook.xml": FileType.XLSX}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an old office document begins, and a new one that has a password."""
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED_ENTRY = 0x1  # of the flags of an entry (APPNOTE 4.4.4)
_NO_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What reading a broken archive raises."""


def kind_of(content: bytes) -> FileType | None:
    """Return the kind of a file; None for one that is not taken, such as a page, a program or a text with macros."""
    guessed = filetype.guess_extension(content[:_LOOKED_AT])
    if guessed in ("pdf", "jpg", "png"):
        return FileType(guessed)
    if not content.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as inside:
            return _office_kind(inside)
    except _NO_ZIP:
        return None


def _office_kind(inside: zipfile.ZipFile) -> FileType | None:
    names = set(inside.namelist())
    if any(name.endswith("vbaProject.bin") for name in names):
        return None
    if "mimetype" in names and inside.getinfo("mimetype").file_size < 200:
        told = inside.read("mimetype").decode("ascii", "replace")
        return FileType.ODT if told == FileType.ODT.media_type else None
    return next((kind for name, kind in _OFFICE.items() if name in names), None)


def is_locked(content: bytes) -> bool:
    """Whether a password is needed to read it: an archive with encrypted files in it, an office document with one."""
    if content.startswith(_OLE):
        return _ENCRYPTED_OFFICE in content
    if not content.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as inside:
            return any(entry.flag_bits & _ENCRYPTED_ENTRY for entry in inside.infolist())
    except _NO_ZIP:
        return False
