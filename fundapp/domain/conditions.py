"""The kinds of conditions that a fund can set. The kind is code; its parameters are data.

Each kind looks at the facts and at nothing else. Source of the kinds: what thirty Dutch schemes ask of applicants.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fundapp.domain.condition import (
    AND,
    OR,
    PARTNER_NAMES,
    SIGNER_NAMES,
    Finding,
    RuleBase,
    Verdict,
    found,
    keys,
    listed,
    unknown,
)
from fundapp.domain.conditions_money import CeilingRule, CoFinancingRule, ExcludedCostRule, MaximumRule, MinimumRule
from fundapp.domain.conditions_who import ApplicantRule, MembershipRule, OnceOnlyRule, RegionRule
from fundapp.domain.days import AMSTERDAM, day_text, moment_text
from fundapp.domain.facts import Facts, PartnerKind, SignatureFacts, SignerRole
from fundapp.domain.spec import Count, Flag, Key, Spec, TermLength, Words
from fundapp.domain.text import Text, same
from fundapp.domain.window import Window


class WindowRule(RuleBase):
    """The application arrives while the round is open; a reasoned extension for this applicant counts."""

    kind: Literal["window"]

    def check(self, facts: Facts) -> Finding:
        if facts.opens_at is None or facts.closes_at is None or facts.submitted_at is None:
            return unknown("Wij weten nog niet wanneer de ronde open is.", "We do not know yet when the round is open.")
        window = Window(facts.opens_at, facts.closes_at, facts.extension_until)
        end, at = window.ends_at, facts.submitted_at
        closed = window.closed_because(at)
        return found(
            closed is None,
            Text("De ronde is open tot en met {end}.", "The round is open up to and including {end}."),
            closed or same(""),
            at.isoformat(),
            end.isoformat() if end else None,
        ).filled(end=moment_text(end or at))


class DocumentRequirement(Spec):
    """One document that must be there: per application, or one for each school.

    only_if: a yes/no question; the document is needed only when the answer is yes.
    """

    code: Key
    name: Words
    why: Words
    per: Literal["application", "school"] = "application"
    only_if: Key | None = None


class DocumentsRule(RuleBase):
    """The documents that an application must hold."""

    kind: Literal["documents"]
    required: Annotated[tuple[DocumentRequirement, ...], Field(min_length=1)]

    def bound_text(self) -> Text:
        return listed((document.name for document in self.required), last=AND)

    def missing(self, facts: Facts) -> list[DocumentRequirement]:
        """Return what is required and not there."""
        given = {(document.code, document.school) for document in facts.documents or ()}
        codes = {code for code, _ in given}
        schools = [school.code for school in facts.schools or ()]
        return [
            document
            for document in self.required
            if (document.only_if is None or facts.answers.get(document.only_if, False))
            and (
                document.code not in codes
                if document.per == "application"
                else not schools or any((document.code, school) not in given for school in schools)
            )
        ]

    def check(self, facts: Facts) -> Finding:
        bound = keys(document.code for document in self.required)
        undecided = any(d.only_if is not None and d.only_if not in facts.answers for d in self.required)
        missing = self.missing(facts)
        if facts.documents is None or (undecided and not missing):
            return unknown(
                "Wij weten nog niet welke bijlagen u hebt. Voeg ze toe bij de bijlagen.",
                "We do not know yet which documents you have. Add them on the documents page.",
                bound,
            )
        return found(
            not missing,
            Text("Alle bijlagen zijn er.", "All documents are there."),
            Text("Deze bijlagen ontbreken nog: {names}.", "These documents are still missing: {names}."),
            keys(dict.fromkeys(document.code for document in facts.documents)),
            bound,
        ).filled(names=listed((document.name for document in missing), last=AND) if missing else "")


class PartnersRule(RuleBase):
    """At least so many partners of one of these kinds. confirmed: only those count who said yes themselves."""

    kind: Literal["partners"]
    any_of: Annotated[tuple[PartnerKind, ...], Field(min_length=1)]
    minimum: Count = 1
    confirmed: Flag = False

    def bound_text(self) -> Text:
        return listed((PARTNER_NAMES[kind] for kind in self.any_of), last=OR)

    def check(self, facts: Facts) -> Finding:
        if facts.partners is None:
            return unknown(
                "Wij weten nog niet met wie u samenwerkt. Vul uw partners in.",
                "We do not know yet who you work with. Fill in your partners.",
                self.minimum,
            )
        fitting = [partner for partner in facts.partners if partner.kind in self.any_of]
        sure = sum(
            partner.confirmed is True or not self.confirmed for partner in fitting if partner.confirmed is not False
        )
        open_ = sum(partner.confirmed is None for partner in fitting) if self.confirmed else 0
        if sure < self.minimum <= sure + open_:
            finding = unknown(
                "{bound} moet zelf laten weten mee te doen. Vraag om toestemming op de pagina over uw partners.",
                "{bound} must say so itself. Ask for its consent on the page about your partners.",
                self.minimum,
            )
            return finding.filled(bound=_begins(self.bound_text()))
        no = Text(
            "In uw aanvraag ontbreekt {bound}. Nodig: {minimum}, genoemd: {actual}.",
            "Your application lacks {bound}. Needed: {minimum}, named: {actual}.",
        )
        if self.confirmed and len(fitting) >= self.minimum:
            no = Text(
                "Te weinig partners zeiden ja. Nodig is {bound}, {minimum} keer; ja zeiden er {actual}.",
                "Too few partners said yes. Needed is {bound}, {minimum} time(s); {actual} said yes.",
            )
        return found(
            sure >= self.minimum,
            Text("{bound} liet weten mee te doen.", "{bound} confirmed to take part.").fill(
                bound=_begins(self.bound_text())
            )
            if self.confirmed
            else Text("U werkt samen met {bound}.", "You work together with {bound}."),
            no,
            sure,
            self.minimum,
        ).filled(bound=self.bound_text(), minimum=str(self.minimum), actual=str(sure))


def _begins(text: Text) -> Text:
    return Text(text.nl[:1].upper() + text.nl[1:], text.en[:1].upper() + text.en[1:])


_YES_NO = {True: Text("ja", "yes"), False: Text("nee", "no")}


class ContentConditionRule(RuleBase):
    """A yes/no question of the form that must be answered in one way. label: what is asked for, in a few words."""

    kind: Literal["content_condition"]
    question: Key
    wished: Flag = True
    label: Words

    def bound_text(self) -> Text:
        return _YES_NO[self.wished]

    @property
    def form_answer(self) -> tuple[Key, bool] | None:
        return self.question, self.wished

    def check(self, facts: Facts) -> Finding:
        answer = facts.answers.get(self.question)
        if answer is None:
            finding = unknown(
                "U hebt de vraag over “{label}” nog niet beantwoord.",
                "You have not answered the question about “{label}” yet.",
                self.wished,
            )
            return finding.filled(label=self.label)
        return found(
            answer == self.wished,
            Text("Over “{label}” zei u {actual}. Dat past.", "About “{label}” you said {actual}. That fits."),
            Text(
                "Over “{label}” zei u {actual}. Het antwoord moet {bound} zijn.",
                "About “{label}” you said {actual}. The answer must be {bound}.",
            ),
            answer,
            self.wished,
        ).filled(label=self.label, actual=_YES_NO[answer], bound=_YES_NO[self.wished])


class StartDateRule(RuleBase):
    """The activity does not start before the application was sent in, or before the award (Amsterdam days)."""

    kind: Literal["start_date"]
    not_before: Literal["submission", "award"]

    def check(self, facts: Facts) -> Finding:
        sent_on = facts.submitted_at.astimezone(AMSTERDAM).date() if facts.submitted_at else None
        starts_on = facts.starts_on
        bound = facts.awarded_on or sent_on if self.not_before == "award" else sent_on
        if starts_on is None or sent_on is None or bound is None:
            return unknown(
                "Wij weten nog niet wanneer u begint. Vul de startdatum in.",
                "We do not know yet when you start. Fill in the start date.",
                bound.isoformat() if bound else None,
            )
        if self.not_before == "award" and facts.awarded_on is None and starts_on >= sent_on:
            finding = unknown(
                "U begint op {start}. Dat mag pas na ons besluit, en dat is er nog niet.",
                "You start on {start}. That is only allowed after our decision, which is not there yet.",
            )
            return finding.filled(start=day_text(starts_on))
        return found(
            starts_on >= bound,
            Text("U begint op {start}. Dat mag vanaf {bound}.", "You start on {start}. That is allowed from {bound}."),
            Text(
                "U begint op {start}. Dat mag pas vanaf {bound}.",
                "You start on {start}. That is only allowed from {bound}.",
            ),
            starts_on.isoformat(),
            bound.isoformat(),
        ).filled(start=day_text(starts_on), bound=day_text(bound))


class SignerRule(RuleBase):
    """Who must agree. within: how long after sending in the agreement may still come; None: before sending in.

    second: who must agree as well, where the fund asks two signatures; the two come from two people. missed: what
    happens where nobody agreed in time: `handler`, who handles the case is told and decides; `not_considered`, the
    application ends by itself.
    """

    kind: Literal["signer"]
    roles: Annotated[tuple[SignerRole, ...], Field(min_length=1)]
    within: TermLength | None = None
    second: tuple[SignerRole, ...] = ()
    missed: Literal["handler", "not_considered"] = "handler"

    def bound_text(self) -> Text:
        first = _one_of(self.roles)
        if not self.second:
            return first
        return Text("{first}, en ook van {second}", "{first}, and also of {second}").fill(
            first=first, second=_one_of(self.second)
        )

    def check(self, facts: Facts) -> Finding:
        asked = [(facts.signature, self.roles)]
        if self.second:
            asked.append((facts.second_signature, self.second))
        findings = [_signed(signature, roles) for signature, roles in asked]
        for verdict in (Verdict.NOT_MET, Verdict.UNKNOWN):
            if first := next((finding for finding in findings if finding.verdict is verdict), None):
                return first
        if len(findings) == 1:
            return findings[0]
        names = listed((SIGNER_NAMES[signature.role] for signature, _ in asked if signature), last=AND)
        return findings[0]._replace(
            sentence=Text("Akkoord van {who} is er.", "{who} agreed.").fill(who=names),
            actual=keys(signature.role for signature, _ in asked if signature),
            bound=keys((*self.roles, *self.second)),
        )


def _one_of(roles: tuple[SignerRole, ...]) -> Text:
    return listed((SIGNER_NAMES[role] for role in roles), last=OR)


def _signed(signature: SignatureFacts | None, roles: tuple[SignerRole, ...]) -> Finding:
    """What one signature says."""
    bound = keys(roles)
    if signature is None or signature.agreed is None:
        finding = unknown(
            "Het akkoord van {bound} is er nog niet.", "The agreement of {bound} is not there yet.", bound
        )
        return finding.filled(bound=_one_of(roles))
    if signature.role not in roles:
        no = Text("Akkoord van {actual} telt niet; nodig is {bound}.", "{bound} must agree; {actual} cannot.")
    else:
        no = Text("Niet akkoord: {actual}.", "Not agreed: {actual}.")
    return found(
        signature.agreed and signature.role in roles,
        Text("Akkoord van {actual} is er.", "{actual} agreed."),
        no,
        signature.role.value,
        bound,
    ).filled(actual=SIGNER_NAMES[signature.role], bound=_one_of(roles))


Rule = Annotated[
    ApplicantRule
    | RegionRule
    | MembershipRule
    | OnceOnlyRule
    | WindowRule
    | MaximumRule
    | MinimumRule
    | CeilingRule
    | CoFinancingRule
    | DocumentsRule
    | PartnersRule
    | ContentConditionRule
    | ExcludedCostRule
    | StartDateRule
    | SignerRule,
    Field(discriminator="kind"),
]
