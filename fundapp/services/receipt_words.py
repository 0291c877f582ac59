"""A receipt in words: what a school sent, in its own language, in the order of the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from fundapp.adapters.receipt_file import mark
from fundapp.domain import outside
from fundapp.domain.condition import SIGNER_NAMES
from fundapp.domain.days import AMSTERDAM, moment_text
from fundapp.domain.facts import SignerRole
from fundapp.domain.form_spec import PageKind
from fundapp.domain.fund import FundSpec
from fundapp.domain.money import euro
from fundapp.domain.outside import Amounts, Block, Facts, Heading, Paragraph, Table
from fundapp.domain.receipt import ATTACHED
from fundapp.domain.text import Language, Text, same
from fundapp.services.programme import programme
from fundapp.services.sent import Answer, PartnerView, SectionView, Sent


def build(
    facts: Mapping[str, Any], spec: FundSpec, language: Language, *, signed: Mapping[str, Any]
) -> outside.Receipt:
    """Return a receipt in words. facts: what it attests (`services.receipt.attested`); signed: that, signed."""
    ours = programme()
    return outside.Receipt(
        title=Text("Ontvangstbewijs {ref}", "Receipt {ref}").fill(ref=facts["ref"]).in_(language),
        mark=mark(facts["ref"], facts["number"]),
        language=language,
        made_at=datetime.fromisoformat(facts["received_at"]),
        sender_name=ours.brand,
        sender_lines=(ours.contact.name, spec.contact.email, ours.contact.phone),
        blocks=tuple(_Writer(facts, spec, language).blocks()),
        attached=signed,
    )


@dataclass(frozen=True)
class _Writer:
    """Writes one receipt, part by part."""

    facts: Mapping[str, Any]
    spec: FundSpec
    language: Language

    def say(self, nl: str, en: str, **values: object) -> str:
        """One sentence in the language of the receipt. values: texts of people are given as `same`."""
        return Text(nl, en).fill(**values).in_(self.language)

    def blocks(self) -> Iterator[Block | Table]:
        """Yield all of it, in order."""
        received = datetime.fromisoformat(self.facts["received_at"])
        sent = Sent(self.spec, self.facts["content"], self.facts["number"], received, {})
        yield from self._opening(received)
        for section in sent.sections:
            yield Heading(section.title.in_(self.language))
            found = [*self._page(section.page, sent), *self._answers(section)]
            yield from found or [Paragraph(self.say("Niets ingevuld.", "Nothing filled in."))]
        yield from self._files()
        yield from self._proof()

    def _opening(self, received: datetime) -> Iterator[Block]:
        facts, title = self.facts, same(self.facts["content"]["title"] or self.facts["ref"])
        if facts["number"] == 1:
            time = self.say("de eerste keer", "the first time")
            intro = self.say(
                "Wij hebben uw aanvraag “{title}” ontvangen. Hieronder staat alles wat u instuurde.",
                "We received your application “{title}”. Below is everything that you sent.",
                title=title,
            )
        else:
            time = self.say("keer {n}, na een aanvulling", "time {n}, after a completion", n=facts["number"])
            intro = self.say(
                "Wij hebben uw aanvulling op “{title}” ontvangen. Hieronder staat de hele aanvraag, met uw aanvulling.",
                "We received your completion of “{title}”. Below is the whole application, with your completion.",
                title=title,
            )
        yield Paragraph(intro)
        school, board, fund = facts["school"], facts["board"], facts["fund"]
        rows = [
            (self.say("Nummer", "Reference"), facts["ref"]),
            (self.say("Ingestuurd", "Sent"), time),
            (
                self.say("Ontvangen op", "Received on"),
                f"{moment_text(received).in_(self.language)} ({received.astimezone(AMSTERDAM):%H:%M:%S})",
            ),
            (self.say("Ingestuurd door", "Sent by"), facts["sent_by"]),
            ("School", f"{school['name']} ({school['code']})"),
            (self.say("Bestuur", "Board"), f"{board['name']} ({board['number']})"),
            (self.say("Fonds", "Fund"), self.spec.name.in_(self.language)),
            (self.say("Ronde", "Round"), facts["round"]),
            (
                self.say("Formulier en regels", "Form and rules"),
                self.say("versie {n}", "version {n}", n=fund["version"]),
            ),
        ]
        yield Facts("", tuple(rows))

    # --- what stands on the pages -------------------------------------------------------------------------------------

    def _page(self, page: PageKind, sent: Sent) -> Iterator[Block]:
        match page:
            case PageKind.BUDGET:
                yield from self._budget(sent)
            case PageKind.CO_FINANCING:
                yield from self._co_financing(sent)
            case PageKind.PARTNERS if sent.partners:
                rows = [
                    (self._text(p.kind), p.name + (f" ({p.school_code})" * bool(p.school_code))) for p in sent.partners
                ]
                yield Facts("", tuple(rows))
            case PageKind.DOCUMENTS if sent.documents:
                yield Facts("", tuple((self._text(d.kind), d.file_name) for d in sent.documents))
            case PageKind.SIGNING if self.facts.get("signers"):
                yield Facts("", tuple(self._signer(one) for one in self.facts["signers"]))

    def _signer(self, one: Mapping[str, Any]) -> tuple[str, str]:
        role = SIGNER_NAMES[SignerRole(one["role"])].in_(self.language)
        if one["signed_at"] is None:
            stands = self.say("tekent nog", "has yet to sign")
        else:
            at = moment_text(datetime.fromisoformat(one["signed_at"])).in_(self.language)
            stands = self.say("akkoord op {at}", "agreed on {at}", at=at)
        return self.say("Wie tekent", "Who signs"), f"{one['name']}, {role}: {stands}"

    def _text(self, text: Text) -> str:
        words = text.in_(self.language)
        return words[:1].upper() + words[1:]

    def _budget(self, sent: Sent) -> Iterator[Block]:
        rows = [
            (
                f"{line.category.in_(self.language)}: {line.description}"
                + (f" ({line.quantity} × {euro(line.unit_cents)})" if line.quantity > 1 else ""),
                (line.cents,),
            )
            for line in sent.budget
        ]
        totals = (
            (self.say("Totale kosten", "Total cost"), (sent.cost_cents,)),
            (self.say("U vraagt", "You ask for"), (sent.requested_cents,)),
        )
        heads = (self.say("Kostenregel", "Cost line"), self.say("Bedrag", "Amount"))
        yield Amounts("", heads, tuple(rows), totals)

    def _co_financing(self, sent: Sent) -> Iterator[Block]:
        if not sent.contributions:
            yield Paragraph(self.say("Niemand betaalt mee.", "Nobody pays with you."))
            return
        rows = [
            (f"{share.party or self._text(share.kind)}: {share.form.in_(self.language)}", (share.cents,))
            for share in sent.contributions
        ]
        totals = ((self.say("Samen", "Together"), (sent.contributed_cents,)),)
        heads = (self.say("Wie betaalt mee, en hoe", "Who pays with you, and how"), self.say("Bedrag", "Amount"))
        yield Amounts("", heads, tuple(rows), totals)

    def _answers(self, section: SectionView) -> Iterator[Block | Table]:
        for in_table, found in groupby(section.answers, key=lambda answer: bool(answer.columns)):
            if in_table:
                yield from (self._table(answer) for answer in found)
            else:
                language = self.language
                yield Facts("", tuple((a.label.in_(language), a.value.in_(language)) for a in found))

    def _table(self, answer: Answer) -> Table:
        return Table(
            answer.label.in_(self.language),
            tuple(column.in_(self.language) for column in answer.columns),
            tuple(tuple(cell.in_(self.language) for cell in row) for row in answer.rows),
        )

    # --- the proof ----------------------------------------------------------------------------------------------------

    def _files(self) -> Iterator[Block | Table]:
        files: Sequence[Mapping[str, Any]] = self.facts["files"]
        if not files:
            return
        yield Heading(self.say("De bestanden en hun controlecode", "The files and their check code"))
        yield Paragraph(
            self.say(
                "Bij elk bestand hoort een code (SHA-256). Verandert het bestand, dan past de code niet meer.",
                "Each file has a code (SHA-256). If anything in the file changes, the code no longer fits.",
            )
        )
        heads = (self.say("Bestand", "File"), self.say("Grootte", "Size"), "SHA-256")
        rows = [(file["name"], self._size(file["size"]), _grouped(file["sha256"])) for file in files]
        yield Table("", heads, tuple(rows))

    def _size(self, size: int | None) -> str:
        return "–" if size is None else f"{size:,} bytes".replace(",", "." if self.language == "nl" else ",")

    def _proof(self) -> Iterator[Block]:
        yield Heading(self.say("Klopt dit ontvangstbewijs?", "Is this receipt genuine?"))
        yield Facts(
            "",
            (
                (
                    self.say("Code van alles samen (SHA-256)", "Code of everything together (SHA-256)"),
                    _grouped(self.facts["content_sha256"]),
                ),
            ),
        )
        yield Paragraph(
            self.say(
                "In deze pdf zit ook het bestand {file}: alles wat u instuurde, met onze digitale handtekening. "
                "Twijfelt iemand hieraan? Mail dit bewijs naar {email}. Wij kijken dan of er iets veranderd is.",
                "This PDF also holds the file {file}: everything that you sent, with our digital signature. "
                "Does anybody doubt it? Mail this receipt to {email}. We then check whether anything was changed.",
                file=ATTACHED,
                email=same(self.spec.contact.email),
            )
        )


def _partner(partner: PartnerView) -> str:
    return f"{partner.name} ({partner.school_code})" if partner.school_code else partner.name


def _grouped(sha256: str) -> str:
    """A hash in groups of eight: it can be read aloud, and a line can end between two of them."""
    return " ".join(sha256[i : i + 8] for i in range(0, len(sha256), 8))
