"""The conditions about who asks: what kind of school, where it lies, what it takes part in, and how often it asked."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StrictStr

from fundapp.domain.condition import AND, LEVEL_NAMES, OR, Finding, RuleBase, Verdict, found, keys, listed, unknown
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.facts import ELSEWHERE, ApplicantLevel, Facts
from fundapp.domain.register import Level
from fundapp.domain.spec import Key, Words
from fundapp.domain.text import Text, same


class ApplicantRule(RuleBase):
    """Who may apply: as what, and for which kind of school. All schools of an application must be of these levels."""

    kind: Literal["applicant"]
    applicants: Annotated[tuple[ApplicantLevel, ...], Field(min_length=1)] = (ApplicantLevel.SCHOOL,)
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]

    def bound_text(self) -> Text:
        return listed((LEVEL_NAMES[level] for level in self.levels), last=OR)

    def check(self, facts: Facts) -> Finding:
        bound = keys(self.levels)
        if facts.applicant is not None and facts.applicant not in self.applicants:
            who = Text("Een school vraagt aan, niet een persoon.", "A school applies, not a person.")
            return Finding(Verdict.NOT_MET, who, facts.applicant.value, keys(self.applicants))
        levels = [school.level for school in facts.schools or ()]
        wrong = [level for level in levels if level is not None and level not in self.levels]
        if not wrong and (not levels or None in levels):
            return unknown(
                "Wij weten nog niet wat voor school u bent. Kies eerst uw school.",
                "We do not know yet what type of school you are. Choose your school first.",
                bound,
            )
        shown = listed((LEVEL_NAMES[level] for level in dict.fromkeys(wrong or levels) if level), last=AND)
        return found(
            not wrong,
            Text("Uw soort school past bij dit fonds: {actual}.", "Your type of school fits this fund: {actual}."),
            Text(
                "Uw soort school ({actual}) past niet bij dit fonds.",
                "Your type of school ({actual}) does not fit this fund.",
            ),
            keys(level for level in levels if level),
            bound,
        ).filled(actual=shown)


class RegionRule(RuleBase):
    """Where the schools must lie: keys of the fund's sub-regions. area: what these are called together."""

    kind: Literal["region"]
    sub_regions: Annotated[tuple[Key, ...], Field(min_length=1)]
    area: Words

    def bound_text(self) -> Text:
        return self.area

    def check(self, facts: Facts) -> Finding:
        regions = [school.sub_region for school in facts.schools or ()]
        outside = any(region is not None and region not in self.sub_regions for region in regions)
        if not outside and (not regions or None in regions):
            return unknown(
                "Wij weten nog niet waar uw school ligt. Kies eerst uw school.",
                "We do not know yet where your school is. Choose your school first.",
                keys(self.sub_regions),
            )
        return found(
            not outside,
            Text("Uw school ligt in {bound}.", "Your school is in {bound}."),
            Text("Een school in uw aanvraag ligt niet in {bound}.", "A school in your application is not in {bound}."),
            keys(region or ELSEWHERE for region in regions),
            keys(self.sub_regions),
        ).filled(bound=self.area)


class MembershipRule(RuleBase):
    """The boards of all schools take part already: in a partnership, a centre, an earlier phase.

    boards: their numbers (bevoegd gezag); body: what they take part in.
    """

    kind: Literal["membership"]
    boards: Annotated[tuple[Annotated[StrictStr, Field(pattern=r"^\d{5}$")], ...], Field(min_length=1)]
    body: Words

    def bound_text(self) -> Text:
        return self.body

    def check(self, facts: Facts) -> Finding:
        boards = [school.board for school in facts.schools or ()]
        outside = any(board is not None and board not in self.boards for board in boards)
        if not outside and (not boards or None in boards):
            return unknown(
                "Wij weten nog niet welk schoolbestuur aanvraagt. Kies eerst uw school.",
                "We do not know yet which school board applies. Choose your school first.",
                keys(self.boards),
            )
        return found(
            not outside,
            Text("Uw schoolbestuur doet mee aan {body}.", "Your school board takes part in {body}."),
            Text(
                "Een schoolbestuur in uw aanvraag doet niet mee aan {body}.",
                "A school board in your application does not take part in {body}.",
            ),
            keys(board or "" for board in boards),
            keys(self.boards),
        ).filled(body=self.body)


class OnceOnlyRule(RuleBase):
    """At most one application that is open or awarded, per school or board, within a period.

    within: the round, the calendar year in which it is sent (Amsterdam), or the whole fund.
    """

    kind: Literal["once_only"]
    per: Literal["school", "board"]
    within: Literal["tranche", "year", "fund"]

    def bound_text(self) -> Text:
        return same("1")

    def check(self, facts: Facts) -> Finding:
        mine = {school.code if self.per == "school" else school.board for school in facts.schools or ()}
        this = self._period(facts.tranche, facts.submitted_at and facts.submitted_at.astimezone(AMSTERDAM).date())
        if facts.earlier is None or not mine or None in mine or this is None:
            return unknown(
                "Wij weten nog niet of u al eerder hebt aangevraagd.",
                "We do not know yet whether you have applied before.",
                1,
            )
        same_party = [
            other
            for other in facts.earlier
            if (other.school if self.per == "school" else other.board) in mine
            and self._period(other.tranche, other.sent_on) == this
        ]
        return found(
            not same_party,
            Text("U hebt geen andere aanvraag die telt.", "You have no other application that counts."),
            Text("U hebt al een aanvraag: {refs}.", "You already have an application: {refs}."),
            len(same_party),
            1,
        ).filled(refs=same(", ".join(other.ref for other in same_party)))

    def _period(self, tranche: str | None, sent_on: date | None) -> str | None:
        """The period that something sent falls in; None while it is not known."""
        match self.within:
            case "tranche":
                return tranche
            case "year":
                return str(sent_on.year) if sent_on else None
        return "fund"
