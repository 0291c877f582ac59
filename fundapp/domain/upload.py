"""Files that a school sends: where one may go, what kinds are taken, how large, and what is said of one that is not.

A place for files is a document that a rule of the fund requires, or a question of the kind "file". It is named by the
code of the document or the key of the question; the two are told apart by `FundSpec`, so a name is one place only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from fundapp.domain.condition import OR, listed
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same

MEGABYTE = 1024 * 1024
LARGEST_MB = 10
"""Megabytes that a file may have where the fund says nothing else."""
MOST_MB = 25
"""What a fund can allow at most: a file is judged and scanned in memory."""
MOST_FILES = 20
"""Files in one place."""
LONGEST_NAME = 100


class FileType(StrEnum):
    """A kind of file that is taken, by the extension that it should have."""

    PDF = "pdf"
    JPG = "jpg"
    PNG = "png"
    DOCX = "docx"
    XLSX = "xlsx"
    ODT = "odt"

    @property
    def media_type(self) -> str:
        """What it is called on the web."""
        return _MEDIA_TYPES[self]


_OFFICE = "application/vnd.openxmlformats-officedocument"
_MEDIA_TYPES = {
    FileType.PDF: "application/pdf",
    FileType.JPG: "image/jpeg",
    FileType.PNG: "image/png",
    FileType.DOCX: f"{_OFFICE}.wordprocessingml.document",
    FileType.XLSX: f"{_OFFICE}.spreadsheetml.sheet",
    FileType.ODT: "application/vnd.oasis.opendocument.text",
}


class ScanState(StrEnum):
    """What is known of a stored file. Only the first two can be downloaded; what is infected is not kept."""

    CLEAN = "clean"
    NOT_SCANNED = "not_scanned"  # there is no scanner
    WAITING = "waiting"  # in quarantine: there is a scanner, and it gave no answer yet
    INFECTED = "infected"

    @property
    def label(self) -> Text:
        """The same in words."""
        return _STATES[self]

    @property
    def opens(self) -> bool:
        """Whether the file can be downloaded."""
        return self in (ScanState.CLEAN, ScanState.NOT_SCANNED)

    @property
    def usable(self) -> bool:
        """Whether the file counts as sent: it may still turn out to be infected."""
        return self is not ScanState.INFECTED


_STATES = {
    ScanState.CLEAN: Text("Geen virus gevonden", "No virus found"),
    ScanState.NOT_SCANNED: Text("Niet op virussen gecontroleerd", "Not checked for viruses"),
    ScanState.WAITING: Text(
        "Wacht op de viruscontrole. Tot die klaar is, kan niemand het bestand openen.",
        "Waits for the virus check. Until that is done, nobody can open the file.",
    ),
    ScanState.INFECTED: Text(
        "Hier zat een virus in. Wij hebben het bestand verwijderd. Stuur een ander bestand.",
        "This had a virus in it. We removed the file. Send another one.",
    ),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for files. key: of the document or the question; most_bytes: of each file; single: a new one replaces."""

    key: str
    types: tuple[FileType, ...]
    most_bytes: int = LARGEST_MB * MEGABYTE
    single: bool = False

    @property
    def accepted(self) -> Text:
        """The kinds that are taken, in words."""
        return listed((same(kind) for kind in self.types), last=OR)

    @property
    def accept(self) -> str:
        """The same as a browser wants it, with the types of pictures so that a phone offers its camera."""
        endings = [f".{kind}" for kind in self.types] + [".jpeg"] * (FileType.JPG in self.types)
        return ",".join([*endings, *(kind.media_type for kind in (FileType.JPG, FileType.PNG) if kind in self.types)])

    def check_size(self, name: str, size: int) -> None:
        """Raises Refused (INVALID) on this place for a file that is empty or too large. size: bytes."""
        if size <= 0:
            raise self.no(
                "file_empty",
                "Het bestand “{name}” is leeg. Kies een ander bestand.",
                "The file “{name}” is empty. Choose another file.",
                name,
            )
        if size > self.most_bytes:
            raise self.no(
                "file_too_large",
                "Het bestand “{name}” is {size}. Het mag hoogstens {most} zijn. Maak het kleiner.",
                "The file “{name}” is {size}. The limit is {most}. Make it smaller.",
                name,
                size=size_text(size),
                most=size_text(self.most_bytes),
            )

    def check_type(self, name: str, kind: FileType | None, *, locked: bool) -> FileType:
        """Return the kind of a file by its content. Raises Refused (INVALID) for one that this place does not take."""
        if locked:
            raise self.no(
                "file_locked",
                "Op het bestand “{name}” zit een wachtwoord. Haal dat eraf en stuur het opnieuw.",
                "The file “{name}” has a password. Take it off and send the file again.",
                name,
            )
        if kind is None or kind not in self.types:
            raise self.no(
                "file_kind",
                "Het bestand “{name}” kunnen wij niet lezen. Bewaar het als {accepted}, zonder macro's.",
                "We cannot read the file “{name}”. Save it as {accepted}, without macros.",
                name,
                accepted=self.accepted,
            )
        return kind

    def check_room(self, files: int) -> None:
        """Raises Refused (INVALID) where no more files fit. files: those that are there."""
        if not self.single and files >= MOST_FILES:
            nl = "Hier passen {most} bestanden. Haal er eerst een weg."
            en = "There is room for {most} files. Remove one first."
            raise self.no("files_too_many", nl, en, "", most=MOST_FILES)

    def infected(self, name: str) -> Refused:
        """The refusal of a file with a virus."""
        return self.no(
            "file_infected",
            "In het bestand “{name}” zit een virus. Wij hebben het niet bewaard. Vraag uw ict-beheerder om hulp.",
            "The file “{name}” has a virus. We did not keep it. Ask your IT support for help.",
            name,
        )

    def no(self, code: str, nl: str, en: str, name: str, **values: object) -> Refused:
        """A refusal on this place, with the name of the file in it."""
        filled = Text(nl, en).fill(name=same(shown_name(name)), **values)
        return Refused(Refusal(code, filled, field=self.key, kind=Kind.INVALID))


def size_text(size: int) -> Text:
    """A size in words: "10,1 MB", "12 kB"; rounded up, so that what is too large never reads as what is allowed."""
    tenths = -(-size * 10 // MEGABYTE)
    if tenths < 10:
        return same(f"{-(-size // 1024)} kB")
    whole, rest = divmod(tenths, 10)
    return Text(f"{whole},{rest} MB", f"{whole}.{rest} MB") if rest else same(f"{whole} MB")


_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def _stem(given: str) -> str:
    last = re.split(r"[/\\]", given)[-1]
    kept = "".join(sign for sign in last if sign.isprintable() and sign not in '<>:"|?*')
    return _ENDING.sub("", kept).strip(" .")


def tidy_name(given: str, kind: FileType) -> str:
    """Return a file name to show and to download under: no folders, no control signs, with the ending of its kind."""
    return f"{_stem(given)[:LONGEST_NAME] or 'bestand'}.{kind}"


def shown_name(given: str) -> str:
    """Return a name as a message shows it, with the ending that its sender gave it."""
    last = "".join(sign for sign in re.split(r"[/\\]", given)[-1] if sign.isprintable()).strip()
    return last if len(last) <= 60 else f"{last[:50]}…{last[-9:]}"
