"""A case as staff read it: what was sent (never the live draft), what the conditions say, advice, decision, history.

Everything comes in one statement; the answers are put into words by the specification that the case began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fundapp.domain import consent, signing
from fundapp.domain.application import FLOW
from fundapp.domain.completion import parts
from fundapp.domain.condition import SIGNER_NAMES, Verdict
from fundapp.domain.days import moment_text
from fundapp.domain.facts import SignerRole
from fundapp.domain.flow import Look
from fundapp.domain.fund import FundSpec
from fundapp.domain.objection import State as RemedyState
from fundapp.domain.objection_flow import FLOWS as REMEDIES
from fundapp.domain.objection_words import WORDS
from fundapp.domain.refusal import Refused
from fundapp.domain.rejection import REASONS, Ending, RejectionCode
from fundapp.domain.term import Profile
from fundapp.domain.text import Text, same
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import Application
from fundapp.persistence.register import School
from fundapp.services import funds
from fundapp.services.interest import ACTION as INTEREST
from fundapp.services.quarantine import require_scanned
from fundapp.services.sent import Sent
from fundapp.services.subject import missing

_CASE = text("""
  SELECT s.code, s.name AS school, b.name AS board, t.ref AS tranche, t.name AS tranche_name,
    coalesce(r.name, a.sub_region) AS sub_region,
    (SELECT json_agg(x) FROM (SELECT number, received_at, content, sha256 FROM submission
       WHERE application_id = a.id ORDER BY number DESC LIMIT 2) x) AS submissions,
    (SELECT json_build_object('at', at, 'moment', moment, 'outcomes', outcomes) FROM eligibility_check
       WHERE application_id = a.id ORDER BY id DESC LIMIT 1) AS judged,
    (SELECT json_agg(x ORDER BY x.id) FROM (SELECT id, name, round, due_on, because, pauses, ended_on FROM term
       WHERE application_id = a.id) x) AS terms,
    (SELECT json_agg(x ORDER BY x.id DESC) FROM (SELECT v.id, v.outcome, v.amount_cents, v.scores, v.score, v.reasons,
       v.explanation, v.conditions, v.at, v.submission_number, p.name FROM advice v JOIN person p ON p.id = v.adviser_id
       WHERE v.application_id = a.id) x) AS advice,
    (SELECT json_agg(x ORDER BY x.id DESC) FROM (SELECT d.id, d.kind, d.amount_cents, d.reasons, d.conditions,
       d.explanation, d.at, d.outcome, p.name FROM decision d LEFT JOIN person p ON p.id = d.decided_by_id
       WHERE d.application_id = a.id) x) AS decisions,
    (SELECT json_agg(json_build_array(text, at) ORDER BY id DESC) FROM intent_response
       WHERE application_id = a.id) AS responses,
    (SELECT json_agg(x ORDER BY x.id DESC) FROM (SELECT id, template, sent_at, opened_at FROM letter
       WHERE application_id = a.id) x) AS letters,
    (SELECT json_agg(x ORDER BY x.id DESC) FROM (SELECT j.id, j.at, j.action, j.reason,
       j.data->'interested' AS interested, j.data->'late' AS late, p.name
       FROM journal j LEFT JOIN person p ON p.id = j.actor_id
       WHERE j.kind = 'application' AND j.subject_id = a.id ORDER BY j.id DESC LIMIT 200) x) AS history,
    (SELECT json_agg(json_build_array(o.ref, o.profile, o.state, o.filed_at) ORDER BY o.id DESC) FROM objection o
       WHERE o.application_id = a.id AND o.state <> 'draft') AS objections,
    (SELECT json_agg(json_build_array(id, kind, file_name, sha256)) FROM attachment
       WHERE application_id = a.id) AS attachments,
    (SELECT json_agg(json_build_array(name, role, state, sha256, answered_at) ORDER BY place) FROM signature
       WHERE application_id = a.id AND state <> 'replaced') AS signatures,
    (SELECT json_agg(json_build_array(party_key, state, sha256) ORDER BY id) FROM partner_consent
       WHERE application_id = a.id AND state <> 'replaced') AS consents
  FROM application a JOIN school s ON s.code = a.school_code JOIN school_board b ON b.number = a.board_number
  JOIN tranche t ON t.id = a.tranche_id LEFT JOIN sub_region r ON r.key = a.sub_region
  WHERE a.id = :id
""")


class Condition(NamedTuple):
    """What one condition of the fund said when it was judged last. code: by which letters quote it."""

    number: int
    code: str
    verdict: Verdict
    blocking: bool
    sentence: Text
    what_would_help: Text
    reason: str

    @property
    def met(self) -> bool:
        """Whether nothing has to be done."""
        return self.verdict is Verdict.MET


class TermView(NamedTuple):
    """A term of the case. ended: it did its work. paused: it stands still; due_on is then a forecast."""

    label: Text
    due_on: date
    paused: bool
    ended: bool
    because: tuple[Text, ...]


class Score(NamedTuple):
    """What the panel gave on one criterion: 1 to 5."""

    name: Text
    weight: int
    score: int
    meaning: Text


class AdviceView(NamedTuple):
    """An advice. outdated: the school sent a newer version after it. amount in cents."""

    awards: bool
    amount_cents: int
    score: str | None
    scores: tuple[Score, ...]
    reasons: tuple[Text, ...]
    explanation: str
    by: str
    at: datetime
    outdated: bool


class DecisionView(NamedTuple):
    """A decision. amount in cents, 0 where it gives none."""

    label: Text
    amount_cents: int
    reasons: tuple[Text, ...]
    conditions: str
    explanation: str
    by: str
    at: datetime


class LetterView(NamedTuple):
    """A letter in the portal."""

    id: int
    label: Text
    sent_at: datetime
    opened_at: datetime | None


class ObjectionLine(NamedTuple):
    """A new look that the school asked at a decision."""

    href: str
    label: Text
    look: Look
    at: datetime


class SignerView(NamedTuple):
    """Who signs, and how that stands towards what was sent last."""

    name: str
    role: Text
    look: Look
    at: datetime | None


class Event(NamedTuple):
    """One row of the journal."""

    at: datetime
    label: Text
    by: Text
    reason: str


TERM_NAMES = {
    "decision": Text("Beslissen", "To decide"),
    "completion": Text("Aanvullen door de school", "To complete, by the school"),
    "signature": Text("Tekenen door de school", "To sign, by the school"),
    "report": Text("Verantwoorden door de school", "To account, by the school"),
    "determination": Text("Eindbedrag vaststellen", "To determine the final amount"),
    "response": Text("Reageren op het voornemen", "To respond to the intended decision"),
    "payment": Text("Betalen", "To pay"),
    "remedy": Text("Vragen om opnieuw te kijken", "To ask for a new look"),
    "remedy_decision": Text("Beslissen op het verzoek", "To decide on that request"),
    "remedy_completion": Text("Het verzoek aanvullen", "To complete that request"),
    "recovery": Text("Terugbetalen", "To pay back"),
}
LETTER_NAMES = {
    "award": Text("Toekenning", "Award"),
    "rejection_intended": Text("Voornemen tot afwijzing", "Intended rejection"),
    "rejection": Text("Afwijzing", "Rejection"),
    "not_considered": Text("Niet in behandeling", "Not considered"),
    "determination_intended": Text("Voornemen eindbedrag", "Intended final amount"),
    "determination": Text("Eindbedrag", "Final amount"),
    "revocation": Text("Intrekking van de toekenning", "Revocation of the award"),
    "recovery": Text("Terugvordering", "Recovery"),
    "recovery_schedule": Text("Terugbetalen in termijnen", "Repayment in instalments"),
    "recovery_set_off": Text("Verrekening", "Set-off"),
    "recovery_written_off": Text("Niet meer terugbetalen", "Nothing to pay back any more"),
    "report_last_term": Text("Laatste termijn om te verantwoorden", "Last term to account"),
    "change_approved": Text("Wijziging goedgekeurd", "Change approved"),
    "change_refused": Text("Wijziging niet goedgekeurd", "Change refused"),
    "extension": Text("Verlenging van de beslistermijn", "Extension of the term to decide"),
    "delay": Text("Bericht van vertraging", "Notice of delay"),
    "objection_received": Text("Opnieuw kijken: ontvangen", "New look: received"),
    "objection_completion": Text("Opnieuw kijken: aanvulling gevraagd", "New look: completion asked"),
    "hearing": Text("Opnieuw kijken: uitnodiging", "New look: invitation"),
    "objection_extension": Text("Opnieuw kijken: nieuwe datum", "New look: new date"),
    "objection_decision": Text("Opnieuw kijken: beslissing", "New look: decision"),
}
_DECISIONS = {
    "award": Text("Toegekend", "Awarded"),
    "intend_reject": Text("Voornemen tot afwijzing", "Rejection intended"),
    "reject": Text("Afgewezen", "Rejected"),
    "not_consider": Text("Niet in behandeling genomen", "Not considered"),
    "revoke": Text("Toekenning ingetrokken", "Award revoked"),
}
_INTERESTED = {
    True: Text("belang gemeld", "declared an interest"),
    False: Text("verklaard: geen belang", "declared: no interest"),
}
_OCCASIONS = {
    "submit": Text("Beoordeeld bij het insturen, op", "Judged when it was sent, on"),
    "complete": Text("Beoordeeld bij de aanvulling, op", "Judged when it was completed, on"),
    "sign": Text("Beoordeeld toen de school tekende, op", "Judged when the school signed, on"),
    "take_up": Text("Beoordeeld bij de volledigheidstoets, op", "Judged at the completeness check, on"),
    "ask_completion": Text("Beoordeeld bij de volledigheidstoets, op", "Judged at the completeness check, on"),
}
_ORDER = {Verdict.NOT_MET: 0, Verdict.UNKNOWN: 1, Verdict.MET: 2}
_BEGUN = Text("concept begonnen", "draft begun")
_SYSTEM = Text("Het systeem", "The system")


@dataclass(frozen=True)
class CaseView:
    """All that the page of a case shows. `sent` is the newest version that was sent, `before` the one before it."""

    row: Any
    spec: FundSpec

    @property
    def school(self) -> str:
        """The school's name."""
        return str(self.row.school)

    @cached_property
    def sent(self) -> Sent:
        """What the school sent last. Raises Refused(NOT_FOUND) where nothing was sent."""
        if not self.row.submissions:
            raise Refused(missing())
        return self._sent(self.row.submissions[0])

    @cached_property
    def before(self) -> Sent | None:
        """What it had sent before that."""
        return self._sent(self.row.submissions[1]) if len(self.row.submissions) > 1 else None

    def _sent(self, submission: Mapping[str, Any]) -> Sent:
        return Sent(
            self.spec,
            submission["content"],
            number=submission["number"],
            received_at=datetime.fromisoformat(submission["received_at"]),
            stored={(kind, name, sha): id_ for id_, kind, name, sha in self.row.attachments or ()},
        )

    def opened(self, app: Application) -> tuple[Text, ...]:
        """The parts that the school was asked to change last."""
        return tuple(part.label for part in parts(self.spec) if part.key in app.completion_fields)

    @property
    def signers(self) -> tuple[SignerView, ...]:
        """Who signs for the school."""
        sent = self.row.submissions[0]["sha256"] if self.row.submissions else ""
        return tuple(
            SignerView(
                name=name,
                role=SIGNER_NAMES[SignerRole(role)],
                look=signing.LOOKS[
                    signing.Standing.LAPSED if state == "signed" and sha256 != sent else signing.Standing(state)
                ],
                at=datetime.fromisoformat(at) if at else None,
            )
            for name, role, state, sha256, at in self.row.signatures or ()
        )

    @property
    def consents(self) -> dict[str, Look]:
        """What each partner said of what was sent last, by its name there."""
        said = {key: (state, sha256) for key, state, sha256 in self.row.consents or ()}
        found = {}
        for party in self.sent.parties:
            if party.key in said:
                state, sha256 = said[party.key]
                lapsed = state == "given" and sha256 != party.sha256
                found[party.name] = consent.LOOKS[consent.Standing.LAPSED if lapsed else consent.Standing(state)]
        return found

    @property
    def judged(self) -> Text:
        """When the conditions were judged last, and on what occasion."""
        if not self.row.judged:
            return Text("Nog niet beoordeeld.", "Not judged yet.")
        occasion = _OCCASIONS.get(self.row.judged["moment"], _OCCASIONS["submit"])
        at = datetime.fromisoformat(self.row.judged["at"])
        return Text("{occasion} {at}.", "{occasion} {at}.").fill(occasion=occasion, at=moment_text(at))

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition with its outcome, those that are not met first."""
        found = [
            Condition(
                number=o["number"],
                code=o["code"],
                verdict=Verdict(o["verdict"]),
                blocking=o["blocking"],
                sentence=Text(**o["sentence"]),
                what_would_help=Text(**o["what_would_help"]),
                reason=o["rejection_reason"],
            )
            for o in (self.row.judged or {"outcomes": ()})["outcomes"]
        ]
        return tuple(sorted(found, key=lambda c: _ORDER[c.verdict]))

    @property
    def not_met(self) -> tuple[Condition, ...]:
        """The conditions that are not met."""
        return tuple(c for c in self.conditions if c.verdict is Verdict.NOT_MET)

    @property
    def terms(self) -> tuple[TermView, ...]:
        """Every term, in the order in which it began."""
        return tuple(
            TermView(
                label=TERM_NAMES.get(t["name"], same(t["name"])),
                due_on=date.fromisoformat(t["due_on"]),
                paused=t["ended_on"] is None and any(last is None for _, last in t["pauses"]),
                ended=t["ended_on"] is not None,
                because=tuple(Text(**reason) for reason in t["because"]),
            )
            for t in self.row.terms or ()
        )

    @property
    def advice(self) -> tuple[AdviceView, ...]:
        """Every advice, the newest first."""
        newest = self.row.submissions[0]["number"] if self.row.submissions else 0
        return tuple(
            AdviceView(
                awards=a["outcome"] == "award",
                amount_cents=a["amount_cents"],
                score=None if a["score"] is None else f"{a['score']:.2f}".replace(".", ","),
                scores=_scores(self.spec, a["scores"]),
                reasons=reason_labels(a["reasons"]),
                explanation=a["explanation"],
                by=a["name"],
                at=datetime.fromisoformat(a["at"]),
                outdated=a["submission_number"] < newest,
            )
            for a in self.row.advice or ()
        )

    @property
    def decisions(self) -> tuple[DecisionView, ...]:
        """Every decision, the newest first."""
        return tuple(
            DecisionView(
                label=self._decision_label(d),
                amount_cents=d["amount_cents"],
                reasons=reason_labels(d["reasons"]) if d["kind"] in _DECISIONS else (),
                conditions=d["conditions"],
                explanation=d["explanation"],
                by=d["name"] or _SYSTEM.nl,
                at=datetime.fromisoformat(d["at"]),
            )
            for d in self.row.decisions or ()
        )

    def _decision_label(self, found: Mapping[str, Any]) -> Text:
        if found["outcome"] is None:
            return _DECISIONS[found["kind"]]
        words = WORDS[self.spec.legal_profile]
        return Text("{what}: {outcome}", "{what}: {outcome}").fill(
            what=_sentence(words.noun), outcome=words.looks[RemedyState(found["outcome"])]
        )

    @property
    def objections(self) -> tuple[ObjectionLine, ...]:
        """Every new look that the school asked, the newest first."""
        return tuple(
            ObjectionLine(
                href=f"{WORDS[Profile(profile)].path}/{ref}",
                label=Text("{noun} {ref}", "{noun} {ref}").fill(noun=_sentence(WORDS[Profile(profile)].noun), ref=ref),
                look=REMEDIES[Profile(profile)].look(state),
                at=datetime.fromisoformat(filed_at),
            )
            for ref, profile, state, filed_at in self.row.objections or ()
        )

    @property
    def responses(self) -> tuple[tuple[str, datetime], ...]:
        """What the school said of intended decisions, and when; the newest first."""
        return tuple((said, datetime.fromisoformat(at)) for said, at in self.row.responses or ())

    @property
    def letters(self) -> tuple[LetterView, ...]:
        """Every letter, the newest first."""
        return tuple(
            LetterView(
                id=found["id"],
                label=LETTER_NAMES.get(found["template"], same(found["template"])),
                sent_at=datetime.fromisoformat(found["sent_at"]),
                opened_at=datetime.fromisoformat(found["opened_at"]) if found["opened_at"] else None,
            )
            for found in self.row.letters or ()
        )

    @property
    def history(self) -> tuple[Event, ...]:
        """The journal of the case, the newest first."""
        return tuple(
            Event(
                at=datetime.fromisoformat(j["at"]),
                label=_verb(j["action"], j["interested"], late=bool(j["late"])),
                by=same(j["name"]) if j["name"] else _SYSTEM,
                reason=j["reason"],
            )
            for j in self.row.history or ()
        )


_LATE = Text("{what}, na de laatste dag", "{what}, after the last day")


def _sentence(words: Text) -> Text:
    return Text(words.nl[:1].upper() + words.nl[1:], words.en[:1].upper() + words.en[1:])


def _verb(action: str, interested: bool | None, *, late: bool = False) -> Text:
    if action == INTEREST:
        return _INTERESTED[bool(interested)]
    transition = FLOW.find(action)
    verb = transition.past if transition else _BEGUN if action == "begin" else same(action.replace("_", " "))
    return _LATE.fill(what=verb) if late else verb


def _scores(spec: FundSpec, scores: Mapping[str, int]) -> tuple[Score, ...]:
    return tuple(
        Score(c.name, c.weight, scores[c.code], c.scores[scores[c.code] - 1]) for c in spec.criteria if c.code in scores
    )


def reason_labels(codes: Sequence[str]) -> tuple[Text, ...]:
    """Return what reasons are called, by their codes."""
    return tuple(REASONS[RejectionCode(code)].label for code in codes)


def reasons_of(ending: Ending) -> tuple[RejectionCode, ...]:
    """Return the reasons that lead to this ending, in their order."""
    return tuple(reason.code for reason in REASONS.values() if reason.ending is ending)


def load(session: Session, app: Application) -> CaseView:
    """Return a case for reading, in one statement. Whether this person may is asked by `services.interest`."""
    row = session.connection().execute(_CASE, {"id": app.id}).one()
    return CaseView(row, funds.spec_of(session, app.fund_version_id))


def school_of(session: Session, app: Application) -> str:
    """Return the name of the school: all that is shown before the content opens."""
    return session.execute(select(School.name).where(School.code == app.school_code)).scalar_one()


_DOCUMENT = text("""
  SELECT x.file_name, x.sha256, d.media_type, d.size, d.scan
  FROM attachment x JOIN stored_document d ON d.sha256 = x.sha256
  WHERE x.id = :id AND x.application_id = :application AND EXISTS (
    SELECT FROM submission WHERE application_id = x.application_id
      AND content->'documents' @> jsonb_build_array(jsonb_build_array(x.kind, x.file_name, x.sha256)))
""")


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document that was sent. size in bytes."""

    file_name: str
    sha256: str
    media_type: str
    size: int
    scan: ScanState


def document(session: Session, app: Application, attachment_id: int) -> DocumentRow:
    """Return a document that was sent with this application.

    Raises Refused: NOT_FOUND for any other, CONFLICT for one that nobody may open (`quarantine.require_scanned`).
    """
    row = session.execute(_DOCUMENT, {"id": attachment_id, "application": app.id}).one_or_none()
    if row is None:
        raise Refused(missing())
    found = DocumentRow(row.file_name, row.sha256, row.media_type, row.size, ScanState(row.scan))
    require_scanned(found.scan)
    return found
