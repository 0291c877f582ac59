"""Places for files as pages show them: what is there, what is on its way, what may come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fundapp.domain.conditions import DocumentRequirement
from fundapp.domain.draft import Document, DraftPicture
from fundapp.domain.form_spec import FileQuestion, PageKind, Section
from fundapp.domain.fund import FundSpec
from fundapp.domain.text import Text
from fundapp.domain.upload import ScanState, Slot, size_text
from fundapp.services.partial_uploads import OnItsWay


@dataclass(frozen=True, slots=True)
class SlotView:
    """One place for files of the application `ref`. title: what it is for; why: the reason that it is asked, or a hint.

    needed: whether a file must be there; only_if: the question that decides on that. on_its_way: what this person began
    to send and did not finish.
    """

    ref: str
    slot: Slot
    title: Text
    why: Text | None
    needed: bool
    only_if: Text | None
    files: tuple[Document, ...]
    on_its_way: tuple[OnItsWay, ...]

    @property
    def key(self) -> str:
        """The name of its field."""
        return self.slot.key

    @property
    def most(self) -> Text:
        """How large a file may be, in words."""
        return size_text(self.slot.most_bytes)

    @property
    def takes(self) -> Text:
        """What may be sent, in one sentence."""
        return Text("U kunt sturen: {kinds}, hoogstens {most}.", "You can send: {kinds}, {most} at most.").fill(
            kinds=self.slot.accepted, most=self.most
        )

    @property
    def hint(self) -> Text:
        """The same after the hint of the question, if it has one."""
        return Text("{why} {takes}", "{why} {takes}").fill(why=self.why, takes=self.takes) if self.why else self.takes

    def icon(self, file: Document) -> str:
        """The name of the icon of what the scanner said."""
        return _ICONS[file.scan]

    @property
    def complete(self) -> bool:
        """Whether a file is there that counts."""
        return any(file.scan.usable for file in self.files)


_ICONS = {
    ScanState.CLEAN: "check",
    ScanState.NOT_SCANNED: "info",
    ScanState.WAITING: "clock",
    ScanState.INFECTED: "alert",
}


def slots_of(picture: DraftPicture, section: Section, on_its_way: Sequence[OnItsWay]) -> dict[str, SlotView]:
    """Return the places for files on one page, by their names: its documents, then its questions for a file."""
    found = [*_documents(picture)] if section.page is PageKind.DOCUMENTS else []
    questions = [question for question in section.questions if isinstance(question, FileQuestion)]
    found += [(question.slot, question.label, question.hint, question.required, None) for question in questions]
    return {
        slot.key: SlotView(
            picture.ref,
            slot,
            title,
            why,
            needed,
            only_if,
            tuple(file for file in picture.documents if file.kind == slot.key),
            tuple(one for one in on_its_way if one.slot == slot.key),
        )
        for slot, title, why, needed, only_if in found
    }


def _documents(picture: DraftPicture) -> Iterator[tuple[Slot, Text, Text | None, bool, Text | None]]:
    needed: Sequence[DocumentRequirement] = picture.needed_documents
    for document in picture.spec.documents:
        slot = picture.spec.slot(document.code)
        asked = picture.spec.form.question(document.only_if) if document.only_if else None
        if slot is not None:
            yield slot, document.name, document.why, document in needed, asked.label if asked else None


def has_slots(section: Section) -> bool:
    """Whether files can be sent on a page."""
    return section.page is PageKind.DOCUMENTS or any(isinstance(q, FileQuestion) for q in section.questions)


def slots_on(spec: FundSpec, section: Section) -> list[Slot]:
    """Return where files can go on one page."""
    keys = [document.code for document in spec.documents] if section.page is PageKind.DOCUMENTS else []
    keys += [question.key for question in section.questions]
    return [slot for key in keys if (slot := spec.slot(key)) is not None]
