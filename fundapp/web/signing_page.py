"""What pages show of an application to who signs it, and of who signs to everybody else."""

from __future__ import annotations

from typing import Any

from fundapp.domain.draft import DraftPicture
from fundapp.domain.form_spec import PageKind
from fundapp.domain.fund import FundSpec
from fundapp.domain.signing import LOOKS, Signatures, Standing, declarations
from fundapp.domain.term import Length
from fundapp.domain.text import Text, same
from fundapp.web.answers import summary


def content_of(picture: DraftPicture) -> dict[str, Any]:
    """What a page that shows the whole application to who signs it needs."""
    own = sum(share.cents for share in picture.contributions if share.kind == "own")
    others = sum(share.cents for share in picture.contributions if share.kind != "own")
    return {
        "picture": picture,
        "sums": [
            {"label": Text("De school vraagt", "The school asks for"), "cents": picture.requested_cents},
            {"label": Text("De school betaalt zelf", "The school itself pays"), "cents": own},
            {"label": Text("Anderen betalen mee", "Others pay with"), "cents": others},
            {"label": Text("Het project kost", "The project costs"), "cents": picture.cost_cents, "strong": True},
        ],
        "about": picture.answers.get("summary"),
        "parts": [
            (section, summary(picture, section))
            for section in picture.spec.form.sections
            if section.page not in (PageKind.SIGNING, PageKind.DOCUMENTS)
        ],
        "files": [
            (next((d.name for d in picture.spec.documents if d.code == file.kind), same(file.kind)), file)
            for file in picture.documents
        ],
        "declarations": declarations(picture.school.name, own),
        "duties": [duty.text for duty in picture.spec.duties],
    }


def signing_section(picture: DraftPicture) -> str | None:
    """The task on which the agreement is asked, or None."""
    return next((s.key for s in picture.spec.form.sections if s.page is PageKind.SIGNING), None)


def signing_lines(signatures: Signatures) -> list[dict[str, Any]]:
    """Who signs, for a page: each place with its look, name and what happened."""
    return [
        {"place": place, "one": signatures.at(place), "look": LOOKS[signatures.standing(place)]}
        for place in signatures.places
    ]


def unsigned(signatures: Signatures) -> list[str]:
    """The names of those who have yet to sign what stands there now."""
    lines = [(signatures.at(place), signatures.standing(place)) for place in signatures.places]
    return [one.name for one, standing in lines if one is not None and standing is not Standing.SIGNED]


def within(spec: FundSpec) -> Text | None:
    """How long after sending in the agreement may still come, in words; None: it must be there before."""
    rule = spec.signer
    return Length.parse(rule.within).text if rule is not None and rule.within else None
