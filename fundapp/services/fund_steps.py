"""The road of an application in words, from the fund's own terms: for a page that somebody reads before applying."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fundapp.domain.condition import SIGNER_NAMES
from fundapp.domain.days import AMSTERDAM, day_text, moment_text
from fundapp.domain.fund import FundSpec, TrancheSpec
from fundapp.domain.fund_parts import Instalment, StartEvent, TermSpec
from fundapp.domain.spec import percent_text
from fundapp.domain.term import Length, due
from fundapp.domain.text import Text, same

_AFTER = {
    StartEvent.WINDOW_CLOSED: Text("nadat de ronde sluit", "after the round closes"),
    StartEvent.SUBMITTED: Text("nadat u de aanvraag instuurt", "after you send in the application"),
    StartEvent.COMPLETION_REQUESTED: Text("na onze vraag", "after our question"),
    StartEvent.OFFER_SENT: Text("na ons aanbod", "after our offer"),
    StartEvent.DECISION_SENT: Text("na ons besluit", "after our decision"),
    StartEvent.INTENT_SENT: Text("na ons bericht", "after our message"),
    StartEvent.ACTIVITIES_ENDED: Text("na het einde van uw project", "after the end of your project"),
    StartEvent.REPORT_RECEIVED: Text("nadat wij uw verantwoording hebben", "after we have your final report"),
    StartEvent.REMEDY_TERM_ENDED: Text("na de termijn daarvoor", "after the term for it"),
    StartEvent.REMEDY_RECEIVED: Text("nadat wij uw brief hebben", "after we have your letter"),
}
_PAID = {
    "award": Text("{share} na ons besluit", "{share} after our decision"),
    "date": Text("{share} op {day}", "{share} on {day}"),
    "proof": Text("{share} na uw {proof}", "{share} after your {proof}"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happens, and when or how long it takes."""

    title: Text
    body: Text


def steps_of(spec: FundSpec, window: TrancheSpec | None) -> list[Step]:
    """Return the steps in order. window: the round that they are about; None where none is known."""
    return [
        Step(
            Text("U doet de check", "You do the check"),
            Text("Dat kost 2 minuten. U hoeft niet in te loggen.", "That takes 2 minutes. You do not need to sign in."),
        ),
        Step(Text("U vult de aanvraag in", "You fill in the application"), _apply(window)),
        *_sign(spec),
        Step(Text("Wij kijken of alles er is", "We see whether everything is there"), _complete(spec)),
        Step(Text("U krijgt een besluit", "You get a decision"), _decide(spec, window)),
        Step(Text("Zegt het fonds ja? Dan begint u", "Does the fund say yes? Then you start"), _pay(spec)),
        Step(Text("U laat zien wat het werd", "You show what became of it"), _account(spec)),
    ]


def _length(term: TermSpec) -> Text:
    return Length.parse(term.length).text


def _sentence(text: Text) -> Text:
    return Text(text.nl[:1].upper() + text.nl[1:], text.en[:1].upper() + text.en[1:])


def _apply(window: TrancheSpec | None) -> Text:
    stop = Text(
        "U kunt tussendoor stoppen. Wij bewaren wat u invult.", "You can stop in between. We keep what you fill in."
    )
    if window is None:
        return stop
    return Text("Van {first} tot {last}. {stop}", "From {first} until {last}. {stop}").fill(
        first=moment_text(window.opens_at), last=moment_text(window.closes_at), stop=stop
    )


def _sign(spec: FundSpec) -> list[Step]:
    signer = spec.signer
    if signer is None:
        return []
    names = [SIGNER_NAMES[role] for role in signer.roles]
    who = Text(" of ".join(name.nl for name in names), " or ".join(name.en for name in names))
    when = (
        Text("Dat kan tot {length} na het insturen.", "This is possible up to {length} after sending in.").fill(
            length=Length.parse(signer.within).text
        )
        if signer.within
        else Text("Dat moet vóór het insturen.", "This must be done before sending in.")
    )
    how = Text("Wij mailen de aanvraag. Een account is niet nodig.", "We mail the application. No account is needed.")
    title = Text("{who} zegt ja", "{who} says yes").fill(who=who)
    return [Step(_sentence(title), Text("{how} {when}", "{how} {when}").fill(how=how, when=when))]


def _complete(spec: FundSpec) -> Text:
    return Text(
        "Mist er iets? Dan vragen wij erom. U hebt dan {length} om het aan te vullen.",
        "Is something missing? Then we ask for it. You then have {length} to add it.",
    ).fill(length=_length(spec.terms.completion))


def _decide(spec: FundSpec, window: TrancheSpec | None) -> Text:
    term = spec.terms.decision
    rule = term.rule(spec.legal_profile)
    who = _sentence(
        Text("{advice} geeft advies, {decision} beslist.", "{advice} advises, {decision} decides.").fill(
            advice=spec.advice.name, decision=spec.decision.name
        )
    )
    when = Text("Dat duurt hoogstens {length} {after}.", "This takes at most {length} {after}.").fill(
        length=rule.length.text, after=_AFTER[term.starts]
    )
    last = same("")
    if window is not None and term.starts is StartEvent.WINDOW_CLOSED:
        day: date = due(rule, window.closes_at.astimezone(AMSTERDAM).date()).due_on
        last = Text(" Dat is uiterlijk {day}.", " That is {day} at the latest.").fill(day=day_text(day))
    paused = (
        Text(
            " Moet u iets aanvullen? Dan staat de klok zo lang stil.",
            " Do you have to add something? Then the clock stops for that time.",
        )
        if term.pausable
        else same("")
    )
    return Text("{who} {when}{last}{paused}", "{who} {when}{last}{paused}").fill(
        who=who, when=when, last=last, paused=paused
    )


def _paid(instalment: Instalment) -> Text:
    return _PAID[instalment.when].fill(
        share=percent_text(instalment.share_bp),
        day=day_text(instalment.date) if instalment.date else "",
        proof=instalment.proof.name if instalment.proof else "",
    )


def _pay(spec: FundSpec) -> Text:
    parts = [_paid(one) for one in spec.advance.instalments]
    if not parts:
        return Text("U krijgt het geld na uw verantwoording.", "You get the money after your final report.")
    listed = Text(" en ".join(p.nl for p in parts), " and ".join(p.en for p in parts))
    return Text(
        "U krijgt een voorschot: {parts}. Het staat binnen {length} op uw rekening.",
        "You get an advance: {parts}. It is in your account within {length}.",
    ).fill(parts=listed, length=_length(spec.terms.payment))


def _account(spec: FundSpec) -> Text:
    return Text(
        "Stuur een verantwoording in, binnen {report} {end}. Daarna rekenen wij het eindbedrag uit, binnen {final}.",
        "Send in a final report, within {report} {end}. Then we work out the final amount, within {final}.",
    ).fill(
        report=_length(spec.terms.report),
        end=_AFTER[spec.terms.report.starts],
        final=_length(spec.terms.determination),
    )
