"""The agreement of who binds the school: named by the school, asked by mail, given or refused for one exact content.

Here is what a draft needs and what the flow's effects do; who answers by mail comes in through `signing_answer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.form_spec import PageKind
from fundapp.domain.people import Actor, Capacity
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.signing import Signatures, SignatureState, Standing, same_address
from fundapp.domain.term import Length, TermRule
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.signing import Signature
from fundapp.services import draft, draft_reading, funds, short_lived, terms
from fundapp.services.act import Act
from fundapp.services.application import judge_again
from fundapp.services.journal import note
from fundapp.services.mail_link import LASTS, Link, Purpose, correspondent
from fundapp.services.outbox import write_mail
from fundapp.services.people import clean_email

TERM = "signature"
"""The name of the term to sign after sending in."""

ASKED_A_DAY = 3
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


# --- naming and asking, while it is a draft ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignerLine:
    """Who signs at a place, as typed."""

    place: int
    role: str
    name: str
    email: str


def write_signers(page: draft.Writing, lines: Iterable[SignerLine]) -> list[Refusal]:
    """Write who signs for the school: what will do is kept, the mistakes come back, each on its field.

    Somebody else at a place means that an answer there is void. Fields: `signer-<place>-role`, `-name` and `-email`.
    """
    signing = page.picture().signing
    found: list[Refusal] = []
    taken = {one.place: one.email for one in signing.found}
    for line in (_tidy(one, signing) for one in lines if one.place in signing.places):
        wrong = _wrong(line, taken, page.actor, page.app)
        found += wrong
        one = signing.at(line.place)
        if wrong and one is not None and one.state is not SignatureState.NAMED:
            continue  # a slip of the pen does not undo an answer
        bad = {refusal.field for refusal in wrong}
        email = "" if f"signer-{line.place}-email" in bad else line.email
        taken[line.place] = email
        _keep(page.session, page.app, line, email)
    page.session.flush()
    return found


def _tidy(line: SignerLine, signing: Signatures) -> SignerLine:
    roles = signing.roles(line.place)
    role = line.role if line.role in roles else roles[0]
    return SignerLine(line.place, role, " ".join(line.name.split()), clean_email(line.email))


def _keep(session: Session, app: Application, line: SignerLine, email: str) -> None:
    before = _row(session, app.id, line.place)
    named = (line.role, line.name, email)
    if before is None and not (line.name or email):
        return
    if before is not None and (before.role, before.name, before.email) == named:
        return
    if before is not None and before.state == SignatureState.NAMED:
        before.role, before.name, before.email = named
        return
    _replace(session, before)
    session.add(Signature(application_id=app.id, place=line.place, role=line.role, name=line.name, email=email))


def _wrong(line: SignerLine, taken: Mapping[int, str], actor: Actor, app: Application) -> list[Refusal]:
    place, found = line.place, []
    if not line.name:
        found.append(_invalid("name", place, Text("Vul de naam in van wie er tekent.", "Enter the signer's name.")))
    if not _ADDRESS.fullmatch(line.email):
        sentence = Text(
            "Vul het e-mailadres in van wie er tekent, zoals naam@school.nl.",
            "Enter the signer's e-mail address, such as name@school.nl.",
        )
        found.append(_invalid("email", place, sentence))
    elif line.email == actor.email and not _may_sign(actor, app):
        sentence = Text(
            "Dit is uw eigen adres, en u bent niet tekenbevoegd. Vul het adres van uw schoolleider in.",
            "This is your own address, and you may not sign. Enter the address of the head of your school.",
        )
        found.append(_invalid("email", place, sentence))
    elif any(other != place and email == line.email for other, email in taken.items()):
        sentence = Text(
            "Twee handtekeningen komen van twee mensen. Vul een ander adres in.",
            "Two signatures come from two people. Enter another address.",
        )
        found.append(_invalid("email", place, sentence))
    return found


def _may_sign(actor: Actor, app: Application) -> bool:
    return any(
        m.capacity is Capacity.SIGNER and m.board == app.board_number and m.school in (None, app.school_code)
        for m in actor.memberships
    )


def _invalid(field: str, place: int, sentence: Text) -> Refusal:
    return Refusal(f"signer_{field}", sentence, field=f"signer-{place}-{field}", kind=Kind.INVALID)


def ask(page: draft.Writing) -> None:
    """Ask everybody who has not signed what stands there now; who was asked already gets the mail again.

    Raises Refused: CONFLICT while other parts of the application are not finished, where all signed, and where the same
    person was asked too often today; INVALID where nobody was named.
    """
    page.session.flush()
    picture = page.picture()
    elsewhere = [
        section.title
        for section in picture.spec.form.sections
        if section.page is not PageKind.SIGNING and picture.problems_of(section)
    ]
    if elsewhere:
        titles = Text("; ".join(t.nl for t in elsewhere), "; ".join(t.en for t in elsewhere))
        raise Refused(Refusal("not_finished", _FINISH_FIRST.fill(parts=titles)))
    unnamed = [problem for problem in picture.signing.problems() if problem.code == "signer_missing"]
    if unnamed:
        raise Refused(*unnamed)
    if picture.signing.complete:
        raise Refused(Refusal("already_signed", _ALL_SIGNED))
    ask_missing(page.session, page.app, picture.signing, actor=page.actor, now=page.now, again=True)
    data = {"application": page.app.ref}
    note(page.session, page.actor, page.now, kind="signature", subject_id=page.app.id, action="ask", data=data)


_FINISH_FIRST = Text(
    "Maak eerst dit af: {parts}. Anders tekent uw schoolleider iets dat nog verandert.",
    "First finish this: {parts}. Or the head of your school signs something that will still change.",
)
_ALL_SIGNED = Text(
    "Iedereen is al akkoord. U kunt de aanvraag insturen.", "Everybody agreed. You can send the application."
)
_ENOUGH = Text(
    "U vroeg dit vandaag al {n} keer. Bel uw schoolleider, of vraag het morgen opnieuw.",
    "You asked this {n} times today. Call the head of your school, or ask again tomorrow.",
)


def ask_missing(
    session: Session,
    app: Application,
    signing: Signatures,
    *,
    actor: Actor,
    now: datetime,
    again: bool,
    due: str | None = None,
) -> None:
    """Mail everybody whose agreement is not there. again: also who was asked before. due: ISO date to sign by."""
    for place in signing.places:
        standing, row = signing.standing(place), _row(session, app.id, place)
        if row is None or standing is Standing.SIGNED or (standing is Standing.ASKED and not again):
            continue
        if again:
            _not_too_often(session, app, place, now)
        if standing in (Standing.LAPSED, Standing.DECLINED):
            row = _renewed(session, row)
        row.state, row.asked_at, row.asked_by_id = SignatureState.ASKED, now, actor.id
        session.flush()
        mail(session, app, row, "sign_asked", now=now, more={"asker": actor.name, "due": due})


def _not_too_often(session: Session, app: Application, place: int, now: datetime) -> None:
    asked = short_lived.count(session, f"sign:{app.id}:{place}", now=now, lasts=timedelta(days=1))
    if asked > ASKED_A_DAY:
        raise Refused(Refusal("asked_too_often", _ENOUGH.fill(n=ASKED_A_DAY)))


def _renewed(session: Session, row: Signature) -> Signature:
    """The same person is asked anew: what was answered stays as it was, beside it."""
    fresh = Signature(application_id=row.application_id, place=row.place, role=row.role, name=row.name, email=row.email)
    _replace(session, row)
    session.add(fresh)
    return fresh


def _replace(session: Session, row: Signature | None) -> None:
    if row is not None:
        row.state = SignatureState.REPLACED
        session.flush()


def _row(session: Session, application_id: int, place: int) -> Signature | None:
    return session.scalar(
        select(Signature).where(
            Signature.application_id == application_id,
            Signature.place == place,
            Signature.state != SignatureState.REPLACED,
        )
    )


def mail(
    session: Session,
    app: Application,
    row: Signature,
    template: str,
    *,
    now: datetime,
    more: Mapping[str, Any],
    key: str | None = None,
) -> bool:
    """Write a mail to who signs, with the link to the page where that is done; one of a kind per moment, or by key."""
    to = correspondent(session, row.email, row.name)
    link = Link(Purpose.SIGNATURE, row.id, now + LASTS)
    case = funds.case_context(session, app)
    context = {**case, "amount": app.requested_cents, "due": None, **more, "link": link.as_data()}
    key = key or f"{template}:{row.id}:{now.isoformat()}"
    return write_mail(session, template, to, key=key, application_id=app.id, context=context)


# --- effects ----------------------------------------------------------------------------------------------------------


def ask_signatures(act: Act) -> None:
    """Ask who has not signed what was just sent, and start the term that the fund gives for it."""
    app: Application = act.row
    signing: Signatures = act.facts.signatures
    terms.end_all(act.session, app.id, act.today, TERM)
    if signing.rule is None or signing.complete:
        return
    assert signing.rule.within is not None, "a guard asked it"
    profile = funds.spec_of(act.session, app.fund_version_id).legal_profile
    rule = TermRule(Length.parse(signing.rule.within), profile, shifts=None, pausable=False)
    term = terms.start(act.session, app.id, TERM, rule, act.today)
    due = term.due_on.isoformat()
    ask_missing(act.session, app, signing, actor=act.actor, now=act.now, again=False, due=due)
    act.context["sign_by"] = due


def record_signature(act: Act) -> None:
    """Keep who agreed, when and to what; the last one ends the term, and the conditions are judged anew."""
    app: Application = act.row
    signing: Signatures = act.facts.signatures
    row = _answered(act)
    other = same_address(signing.found, act.actor.email or row.email, row.place)
    if other is not None:
        raise Refused(Refusal("two_people", _TWO_PEOPLE))
    row.state, row.sha256 = SignatureState.SIGNED, signing.content
    act.data["signature"] = {"id": row.id, "place": row.place, "sha256": row.sha256}
    act.context |= {"signer": row.name}
    act.session.flush()
    if not draft_reading.picture(act.session, app).signing.complete:
        return
    terms.end_all(act.session, app.id, act.today, TERM)
    if act.facts.state == State.SUBMITTED:
        judge_again(act)


_TWO_PEOPLE = Text(
    "U gaf al akkoord. De tweede handtekening komt van iemand anders.",
    "You agreed already. The second signature comes from somebody else.",
)


def record_refusal(act: Act) -> None:
    """Keep who did not agree, and why."""
    row = _answered(act)
    row.state, row.explanation = SignatureState.DECLINED, act.text("explanation")
    act.data["signature"] = {"id": row.id, "place": row.place}
    act.context |= {"signer": row.name}


def _answered(act: Act) -> Signature:
    """The signature that is answered now. Who signs in the portal signs under the own name."""
    row = _row(act.session, act.row.id, int(act.given["place"]))
    assert row is not None, "a guard asked it"
    row.answered_at = act.now
    if act.actor.id is not None:
        row.person_id, row.name, row.email = act.actor.id, act.actor.name, act.actor.email
    return row


def take_back(act: Act) -> None:
    """As if it had never been sent: no term runs, and the next sending counts as its receipt."""
    app: Application = act.row
    terms.end_all(act.session, app.id, act.today)
    app.submitted_at = app.complete_at = app.decision_due_on = None
