"""A fund's rules as sentences that a coordinator reads, each with its mark: known from a source, or assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fundapp.domain.accounts import PROOF_NAMES
from fundapp.domain.fund import FundSpec
from fundapp.domain.fund_parts import Instalment, StartEvent, TermSpec
from fundapp.domain.intention import RejectionHearing
from fundapp.domain.money import euro
from fundapp.domain.settlement import Arrangement, Hearing
from fundapp.domain.spec import percent_text
from fundapp.domain.term import Profile
from fundapp.domain.text import Text, same


@dataclass(frozen=True, slots=True)
class Sentence:
    """One rule. label: what it is about; path: where it stands in the specification; source: who says so publicly."""

    label: Text
    text: Text
    path: str
    assumed: bool
    source: str | None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Rules that belong together."""

    key: str
    title: Text
    sentences: tuple[Sentence, ...]


Row = tuple[Text, Text, str]
"""Label, sentence, path."""


def chapters(spec: FundSpec) -> tuple[Chapter, ...]:
    """Return all rules of a fund as sentences, in the order in which a coordinator thinks of them."""
    return tuple(
        Chapter(
            key,
            title,
            tuple(
                Sentence(label, text, path, spec.is_assumed(path), spec.source_of(path))
                for label, text, path in rows(spec)
            ),
        )
        for key, title, rows in _CHAPTERS
    )


def _about(spec: FundSpec) -> Iterator[Row]:
    yield Text("Doel", "Purpose"), spec.purpose, "purpose"
    yield Text("Voor wie", "For whom"), spec.for_whom, "for_whom"
    yield Text("Programma", "Programme"), spec.programme, "programme"
    profile = (
        Text("Besluiten volgen de Algemene wet bestuursrecht.", "Decisions follow the Dutch administrative law act.")
        if spec.legal_profile is Profile.AWB
        else Text("Het fonds heeft een eigen, privaat reglement.", "The fund has private rules of its own.")
    )
    yield Text("Recht", "Law"), profile, "legal_profile"
    yield Text("Advies", "Advice"), spec.advice.name, "advice.name"
    yield Text("Besluit", "Decision"), spec.decision.name, "decision.name"
    yield Text("Horen", "Hearing"), _BEFORE_REJECTION[spec.decision.hearing], "decision.hearing"
    regions = Text(", ".join(r.name.nl for r in spec.sub_regions), ", ".join(r.name.en for r in spec.sub_regions))
    yield Text("Subregio's", "Sub-regions"), regions, "sub_regions"
    contact = Text("{role}, {email}", "{role}, {email}").fill(role=spec.contact.role, email=spec.contact.email)
    yield Text("Contact", "Contact"), contact, "contact"


def _conditions(spec: FundSpec) -> Iterator[Row]:
    for rule in spec.conditions:
        weight = Text("Moet", "Must") if rule.blocking else Text("Let op", "Note")
        yield weight, rule.explanation.fill(bound=rule.bound_text()), f"conditions.{rule.code}"


def _money(spec: FundSpec) -> Iterator[Row]:
    yield (
        Text("Aandeel", "Share"),
        Text(
            "Het fonds betaalt hoogstens {share} van de kosten die meetellen.",
            "The fund pays {share} of the eligible cost at most.",
        ).fill(share=percent_text(spec.grant.share_bp)),
        "grant.share_bp",
    )
    for number, part in enumerate(spec.advance.instalments):
        yield Text("Voorschot", "Advance"), _instalment(part), f"advance.instalments.{number}"
    yield from _settlement(spec)
    for category in spec.cost_categories:
        text = (
            Text("Telt mee: {name}.", "Counts: {name}.")
            if category.eligible
            else Text("Telt niet mee: {name}.", "Does not count: {name}.")
        )
        yield Text("Kostensoort", "Kind of cost"), text.fill(name=category.name), f"cost_categories.{category.key}"


def _settlement(spec: FundSpec) -> Iterator[Row]:
    rules = spec.settlement
    yield Text("Afrekenen", "Settlement"), _ARRANGEMENTS[rules.arrangement], "settlement.arrangement"
    proofs = Text(
        ", ".join(PROOF_NAMES[p].nl for p in rules.proofs), ", ".join(PROOF_NAMES[p].en for p in rules.proofs)
    )
    yield Text("Bewijs", "Proof"), proofs, "settlement.proofs"
    yield (
        Text("Uitleg nodig", "Explanation needed"),
        Text(
            "Wijkt een regel meer dan {share} af van de begroting? Dan legt de school dat uit.",
            "If a line differs more than {share} from the budget, the school explains it.",
        ).fill(share=percent_text(rules.explanation_over_bp)),
        "settlement.explanation_over_bp",
    )
    if rules.line_cap_bp is not None:
        cap = Text(
            "Een regel mag {share} boven de begroting uitkomen. Wat daarboven komt, telt niet mee.",
            "A line may pass its budget by {share}. What is above that does not count.",
        ).fill(share=percent_text(rules.line_cap_bp))
        yield Text("Maximum per regel", "Maximum per line"), cap, "settlement.line_cap_bp"
    yield Text("Tekenen", "Signing"), _SIGNED[rules.signed], "settlement.signed"
    yield Text("Horen", "Hearing"), _HEARING[rules.hearing], "settlement.hearing"
    yield (
        Text("Schuiven", "Shifting"),
        Text(
            "Een regel mag {share} schuiven zonder toestemming. De school meldt het alleen.",
            "A line may shift {share} without approval. The school only reports it.",
        ).fill(share=percent_text(rules.free_shift_bp)),
        "settlement.free_shift_bp",
    )
    yield (
        Text("Klein bedrag", "Small amount"),
        Text(
            "Onder {amount} vragen wij eerst of terugvragen zin heeft.",
            "Below {amount} we first ask whether recovering is worth it.",
        ).fill(amount=same(euro(rules.recover_from_cents))),
        "settlement.recover_from_cents",
    )


def _instalment(part: Instalment) -> Text:
    when = {
        "award": Text("meteen na de toekenning", "straight after the award"),
        "proof": Text("na goedkeuring van: {what}", "after approval of: {what}").fill(
            what=part.proof.name if part.proof else ""
        ),
        "date": same(f"{part.date:%d-%m-%Y}" if part.date else ""),
    }[part.when]
    return Text("De school krijgt {share} {when}.", "The school gets {share} {when}.").fill(
        share=percent_text(part.share_bp), when=when
    )


_ARRANGEMENTS = {
    Arrangement.FIXED: Text(
        "Een vast bedrag. De school laat alleen iets zien als wij erom vragen.",
        "A fixed amount. The school shows something only when we ask.",
    ),
    Arrangement.ACTIVITY_REPORT: Text(
        "Een vast bedrag. De school laat zien wat zij deed, niet wat het kostte.",
        "A fixed amount. The school shows what it did, not what it cost.",
    ),
    Arrangement.ACTUAL_COST: Text("Op de werkelijke kosten, per regel.", "On actual cost, line by line."),
}
_SIGNED = {
    True: Text(
        "Iemand die de school mag binden, tekent de verantwoording.",
        "Somebody who may bind the school signs the final accounts.",
    ),
    False: Text("De verantwoording hoeft niet getekend te worden.", "The final accounts need not be signed."),
}
_BEFORE_REJECTION = {
    RejectionHearing.NEVER: Text(
        "De school krijgt geen voornemen voor een afwijzing.",
        "The school gets no intended decision before a rejection.",
    ),
    RejectionHearing.OTHER_FACTS: Text(
        "De school kan eerst reageren als wij afwijzen om iets wat zij zelf anders opgaf.",
        "The school can respond first when we reject for something that it stated otherwise.",
    ),
    RejectionHearing.ALWAYS: Text(
        "De school kan eerst reageren voor elke afwijzing.", "The school can respond first before every rejection."
    ),
}
_HEARING = {
    Hearing.NEVER: Text(
        "De school krijgt geen voornemen vooraf. De brief legt elke verlaging uit.",
        "The school gets no intended decision. The letter explains each reduction.",
    ),
    Hearing.CUT: Text(
        "De school kan eerst reageren als kosten niet meetellen.",
        "The school can respond first when costs do not count.",
    ),
    Hearing.REDUCED: Text(
        "De school kan eerst reageren bij elke verlaging van het eindbedrag.",
        "The school can respond first before any reduction of the final amount.",
    ),
}

_EVENTS = {
    StartEvent.WINDOW_CLOSED: Text("nadat de ronde sluit", "after the round closes"),
    StartEvent.SUBMITTED: Text("nadat de aanvraag binnen is", "after the application came in"),
    StartEvent.COMPLETION_REQUESTED: Text("nadat wij om aanvulling vragen", "after we ask for completion"),
    StartEvent.OFFER_SENT: Text("nadat wij geld aanbieden", "after we offer money"),
    StartEvent.DECISION_SENT: Text("nadat het besluit verstuurd is", "after the decision was sent"),
    StartEvent.INTENT_SENT: Text("nadat het voornemen verstuurd is", "after the intended decision was sent"),
    StartEvent.ACTIVITIES_ENDED: Text("nadat het project klaar is", "after the project ended"),
    StartEvent.REPORT_MISSING: Text("nadat wij om de verantwoording vroegen", "after we asked for the final accounts"),
    StartEvent.REPORT_RECEIVED: Text("nadat de verantwoording binnen is", "after the final accounts came in"),
    StartEvent.TERM_PASSED: Text("nadat onze termijn voorbij is", "after our term has passed"),
    StartEvent.REMEDY_TERM_ENDED: Text(
        "nadat de termijn om daarom te vragen voorbij is", "after the term to ask for it has passed"
    ),
    StartEvent.REMEDY_RECEIVED: Text("nadat het verzoek binnen is", "after the request came in"),
}
_TERMS = {
    "completion": Text("De school vult aan binnen", "The school completes within"),
    "decision": Text("Wij beslissen binnen", "We decide within"),
    "offer": Text("De school antwoordt op een aanbod binnen", "The school answers an offer within"),
    "response": Text("De school reageert op een voornemen binnen", "The school responds to an intention within"),
    "report": Text("De school verantwoordt binnen", "The school sends final accounts within"),
    "last_report": Text("Is dat te laat? Dan volgt een laatste kans van", "If that is late, a last chance follows of"),
    "determination": Text("Wij stellen het eindbedrag vast binnen", "We determine the final amount within"),
    "payment": Text("Wij betalen binnen", "We pay within"),
    "remedy": Text("De school kan om een nieuwe blik vragen binnen", "The school can ask for a new look within"),
    "remedy_decision": Text("Wij beslissen op dat verzoek binnen", "We decide on that request within"),
    "late": Text("Zijn wij te laat? Dan beslissen wij binnen", "Are we late? Then we decide within"),
    "recovery": Text("De school betaalt terug binnen", "The school pays back within"),
}


def _terms(spec: FundSpec) -> Iterator[Row]:
    for name, opening in _TERMS.items():
        term: TermSpec | None = getattr(spec.terms, name)
        if term is None:
            continue
        length = term.rule(spec.legal_profile).length
        sentence = Text("{opening} {length} {event}.", "{opening} {length} {event}.").fill(
            opening=opening, length=length.text, event=_EVENTS[term.starts]
        )
        yield Text("Termijn", "Term"), sentence, f"terms.{name}"


def _criteria(spec: FundSpec) -> Iterator[Row]:
    for criterion in spec.criteria:
        label = Text("{name} ({weight}%)", "{name} ({weight}%)").fill(name=criterion.name, weight=criterion.weight)
        yield label, criterion.question, f"criteria.{criterion.code}"


def _questions(spec: FundSpec) -> Iterator[Row]:
    for section in spec.form.sections:
        for question in section.questions:
            yield section.title, question.label, f"form.sections.{section.key}.questions.{question.key}"


def _duties(spec: FundSpec) -> Iterator[Row]:
    for duty in spec.duties:
        yield Text("Plicht", "Duty"), duty.text, f"duties.{duty.code}"


def _letters(spec: FundSpec) -> Iterator[Row]:
    for name, label in _LETTERS.items():
        yield label, getattr(spec.letters, name), f"letters.{name}"
    yield Text("Niet mee eens", "Disagree"), spec.remedy, "letters"


_LETTERS = {
    "award": Text("Toekenning", "Award"),
    "rejection": Text("Afwijzing", "Rejection"),
    "not_considered": Text("Niet in behandeling", "Not considered"),
    "intended_determination": Text("Voornemen eindbedrag", "Intended final amount"),
    "determination": Text("Eindbedrag", "Final amount"),
    "recovery": Text("Terugvordering", "Recovery"),
    "closing": Text("Slot van elke brief", "End of every letter"),
}


def _after(spec: FundSpec) -> Iterator[Row]:
    yield Text("Publiceren", "Publishing"), spec.publication.intro, "publication.intro"
    for name, label in _KEPT.items():
        years = getattr(spec.retention_years, name)
        text = Text("{label}: {years} jaar bewaren.", "{label}: kept for {years} years.").fill(label=label, years=years)
        yield Text("Bewaren", "Keeping"), text, f"retention_years.{name}"


_KEPT = {
    "awarded": Text("Toegekend", "Awarded"),
    "rejected": Text("Afgewezen", "Rejected"),
    "not_considered": Text("Niet in behandeling", "Not considered"),
    "withdrawn": Text("Ingetrokken", "Withdrawn"),
    "draft": Text("Concept", "Draft"),
}

_CHAPTERS: tuple[tuple[str, Text, Callable[[FundSpec], Iterator[Row]]], ...] = (
    ("over", Text("Over het fonds", "About the fund"), _about),
    ("voorwaarden", Text("Voorwaarden", "Conditions"), _conditions),
    ("geld", Text("Geld", "Money"), _money),
    ("termijnen", Text("Termijnen", "Terms"), _terms),
    ("beoordeling", Text("Waarop de commissie let", "What the panel looks at"), _criteria),
    ("vragen", Text("Vragen aan de school", "Questions to the school"), _questions),
    ("plichten", Text("Plichten na de toekenning", "Duties after the award"), _duties),
    ("brieven", Text("Brieven", "Letters"), _letters),
    ("daarna", Text("Publiceren en bewaren", "Publishing and keeping"), _after),
)
