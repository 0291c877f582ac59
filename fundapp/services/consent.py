"""The consent of partners: asked by mail, answered without an account, for exactly what the application promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.consent import ConsentState, Party
from fundapp.domain.draft import DraftPicture
from fundapp.domain.people import SYSTEM, Actor, Role, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.consent import PartnerConsent
from fundapp.services import application, draft_reading, funds, short_lived
from fundapp.services.holders import holders
from fundapp.services.journal import note
from fundapp.services.mail_link import LASTS, Link, Purpose, correspondent
from fundapp.services.outbox import write_mail
from fundapp.services.people import clean_email
from fundapp.services.subject import missing

ASKABLE = (State.DRAFT, State.SUBMITTED, State.INCOMPLETE)
"""States in which a partner can be asked, and can answer."""

ASKED_A_DAY = 3
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def ask(session: Session, ref: str, key: str, name: str, email: str, *, actor: Actor, now: datetime) -> PartnerConsent:
    """Ask one partner whether it takes part, with what the application says that it brings; the caller commits.

    key: of the partner (`domain.consent.party_key`). name, email: of the person to ask. Somebody who was asked already
    gets the mail again; one who answered is asked anew.
    Raises Refused: NOT_FOUND for somebody else's application or an unknown partner; CONFLICT once it is decided on;
    INVALID, on the fields `name` and `email`.
    """
    app = _askable(session, ref, actor)
    party = _party(draft_reading.picture(session, app), key)
    name, email = " ".join(name.split()), clean_email(email)
    if wrong := _wrong(name, email):
        raise Refused(*wrong)
    asked = short_lived.count(session, f"consent:{app.id}:{key}", now=now, lasts=timedelta(days=1))
    if asked > ASKED_A_DAY:
        raise Refused(Refusal("asked_too_often", _ENOUGH.fill(n=ASKED_A_DAY)))
    row = _renewed(session, app, party, name, email, now)
    row.promise, row.asked_at, row.asked_by_id = party.content(), now, actor.id
    session.flush()
    note(session, actor, now, kind="consent", subject_id=row.id, action="ask", data={"application": app.ref})
    _mail(
        session, app, row, "consent_asked", now=now, key=f"consent_asked:{row.id}:{now.isoformat()}", asker=actor.name
    )
    return row


def _askable(session: Session, ref: str, actor: Actor) -> Application:
    app = session.scalar(select(Application).where(Application.ref == ref).with_for_update(key_share=True))
    if app is None or Role.APPLICANT not in roles_on(actor, application.scope(session, app)):
        raise Refused(missing())
    if State(app.state) not in ASKABLE:
        raise Refused(Refusal("too_late", _DECIDED))
    return app


def _party(picture: DraftPicture, key: str) -> Party:
    party = next((one for one in picture.parties if one.key == key), None)
    if party is None:
        raise Refused(missing())
    return party


def _wrong(name: str, email: str) -> list[Refusal]:
    found = []
    if not name:
        sentence = Text("Vul de naam in van wie wij vragen.", "Enter the name of the person we ask.")
        found.append(Refusal("name_missing", sentence, field="name", kind=Kind.INVALID))
    if not _ADDRESS.fullmatch(email):
        sentence = Text(
            "Vul een e-mailadres in, zoals naam@bedrijf.nl.", "Enter an e-mail address, such as name@company.nl."
        )
        found.append(Refusal("email_wrong", sentence, field="email", kind=Kind.INVALID))
    return found


def _renewed(session: Session, app: Application, party: Party, name: str, email: str, now: datetime) -> PartnerConsent:
    """The question that is open, or a new one beside what was answered."""
    before = session.scalar(
        select(PartnerConsent).where(
            PartnerConsent.application_id == app.id,
            PartnerConsent.party_key == party.key,
            PartnerConsent.state != ConsentState.REPLACED,
        )
    )
    if before is not None and (before.state, before.name, before.email) == (ConsentState.ASKED, name, email):
        return before
    if before is not None:
        before.state = ConsentState.REPLACED
        session.flush()
    row = PartnerConsent(
        application_id=app.id,
        party_key=party.key,
        party=party.name,
        name=name,
        email=email,
        asked_at=now,
        promise=party.content(),
    )
    session.add(row)
    return row


def _mail(
    session: Session, app: Application, row: PartnerConsent, template: str, *, now: datetime, key: str, asker: str = ""
) -> bool:
    link = Link(Purpose.CONSENT, row.id, now + LASTS)
    context = {
        **funds.case_context(session, app),
        "partner": row.party,
        "asker": asker,
        "link": link.as_data(),
    }
    to = correspondent(session, row.email, row.name)
    return write_mail(session, template, to, key=key, application_id=app.id, context=context)


_DECIDED = Text(
    "Deze aanvraag wordt al beoordeeld of is klaar. Partners kunnen nu niet meer antwoorden.",
    "This application is under review or finished. Partners cannot answer any more.",
)
_ENOUGH = Text(
    "U vroeg deze partner vandaag al {n} keer. Bel hem, of vraag het morgen opnieuw.",
    "You asked this partner {n} times today. Call him, or ask again tomorrow.",
)


# --- answering --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """What a partner is shown. party: None where the application no longer names it."""

    row: PartnerConsent
    app: Application
    picture: DraftPicture
    party: Party | None

    @property
    def open(self) -> bool:
        """Whether there is something to answer."""
        return self.row.state == ConsentState.ASKED and State(self.app.state) in ASKABLE and self.party is not None


def asked(session: Session, consent_id: int, *, lock: bool = False) -> tuple[PartnerConsent, Application]:
    """Return the question of a link with its application. Raises Refused(NOT_FOUND)."""
    query = select(PartnerConsent).where(PartnerConsent.id == consent_id).execution_options(populate_existing=True)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise Refused(missing())
    return row, session.get_one(Application, row.application_id)


def reading(session: Session, consent_id: int) -> Reading:
    """Return what a partner promises. Raises Refused(NOT_FOUND)."""
    row, app = asked(session, consent_id)
    picture = draft_reading.picture(session, app)
    return Reading(row, app, picture, next((p for p in picture.parties if p.key == row.party_key), None))


def answer(
    session: Session, consent_id: int, *, agrees: bool, name: str, explanation: str, sha256: str, now: datetime
) -> PartnerConsent:
    """Keep what a partner says to the promise with this hash; who asks has proved the mailbox. The caller commits.

    Raises Refused: NOT_FOUND; CONFLICT where it was answered; STALE where the promise changed since it was shown;
    INVALID on the fields `name` and `explanation`.
    """
    _, app = asked(session, consent_id)
    application.find(session, app.ref, lock=True)
    row, app = asked(session, consent_id, lock=True)
    shown = reading(session, consent_id)
    name, explanation = " ".join(name.split()), explanation.strip()
    if not shown.open or shown.party is None:
        raise Refused(answered(row))
    if wrong := _wrong_answer(agrees, name, explanation):
        raise Refused(*wrong)
    if shown.party.sha256 != sha256:
        raise Refused(Refusal("promise_changed", _CHANGED, kind=Kind.STALE))
    row.state = ConsentState.GIVEN if agrees else ConsentState.REFUSED
    row.promise, row.sha256 = shown.party.content(), sha256
    row.answered_at, row.answered_by, row.explanation = now, name, explanation
    session.flush()
    action = "give" if agrees else "refuse"
    data = {"application": app.ref, "sha256": sha256}
    note(session, SYSTEM, now, kind="consent", subject_id=row.id, action=action, data=data)
    _tell_the_school(session, app, row)
    return row


def _tell_the_school(session: Session, app: Application, row: PartnerConsent) -> None:
    template = "consent_given" if row.state == ConsentState.GIVEN else "consent_refused"
    context: Mapping[str, Any] = {
        **funds.case_context(session, app),
        "partner": row.party,
        "by": row.answered_by,
        "explanation": row.explanation,
    }
    for person in holders(session, application.scope(session, app), [Role.APPLICANT])[Role.APPLICANT]:
        key = f"{template}:{row.id}:{person.id}"
        write_mail(session, template, person, key=key, application_id=app.id, context=context)


def _wrong_answer(agrees: bool, name: str, explanation: str) -> list[Refusal]:
    found = []
    if not name:
        sentence = Text("Vul uw naam in.", "Enter your name.")
        found.append(Refusal("name_missing", sentence, field="name", kind=Kind.INVALID))
    if not agrees and not explanation:
        sentence = Text("Schrijf op waarom niet. De school leest dit.", "Write why not. The school reads this.")
        found.append(Refusal("explanation_missing", sentence, field="explanation", kind=Kind.INVALID))
    return found


_CHANGED = Text(
    "De school heeft net veranderd wat u bijdraagt. Lees het opnieuw en kies dan.",
    "The school has just changed what you bring. Read it again, then choose.",
)


def answered(row: PartnerConsent) -> Refusal:
    """Why there is nothing to answer any more."""
    sentence = {
        ConsentState.GIVEN: Text("U zei al ja. U hoeft niets te doen.", "You said yes. Nothing more to do."),
        ConsentState.REFUSED: Text(
            "U zei al nee. De school heeft uw antwoord.", "You said no. The school has your answer."
        ),
    }.get(
        ConsentState(row.state),
        Text(
            "Er is niets meer te beantwoorden. Kreeg u een nieuwere mail? Gebruik dan de link daarin.",
            "There is nothing to answer any more. Did you get a newer mail? Then use its link.",
        ),
    )
    return Refusal("nothing_to_answer", sentence)


# --- the clock --------------------------------------------------------------------------------------------------------

REMIND_AFTER = (timedelta(days=4), timedelta(days=10))
"""How long after a question that a partner did not answer a reminder goes."""

_TOO_LATE = timedelta(days=21)
_AT_ONCE = 500


def remind(session: Session, now: datetime) -> int:
    """Remind partners who did not answer; return how many mails are new. The caller commits."""
    sent = 0
    for lasted, later in zip(REMIND_AFTER, (*REMIND_AFTER[1:], _TOO_LATE), strict=True):
        rows = session.execute(
            select(PartnerConsent, Application)
            .join(Application, Application.id == PartnerConsent.application_id)
            .where(
                PartnerConsent.state == ConsentState.ASKED,
                PartnerConsent.asked_at <= now - lasted,
                PartnerConsent.asked_at > now - later,
                Application.state.in_([str(state) for state in ASKABLE]),
            )
            .order_by(PartnerConsent.id)
            .limit(_AT_ONCE)
        ).all()
        for row, app in rows:
            key = f"consent_reminder:{row.id}:{row.asked_at.date()}:{lasted.days}"
            sent += _mail(session, app, row, "consent_reminder", now=now, key=key)
    return sent
