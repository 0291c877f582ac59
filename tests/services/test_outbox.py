"""Mails are written with the act, to exactly those who hold the role; and put back by hand when they got stuck."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fundapp.domain.flow import Mail
from fundapp.domain.people import STAFF_ROLES, SYSTEM, Actor, Capacity, Grant, Membership, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.text import Text
from fundapp.persistence import people as rows
from fundapp.persistence.fund import Fund
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import STATES, OutboxMessage
from fundapp.persistence.register import School, SchoolBoard, SubRegion
from fundapp.persistence.rows import Rows, next_id, write
from fundapp.services.holders import holders
from fundapp.services.outbox import addressed, retry, status, write_mail

NOW = datetime(2025, 3, 14, 12, 0, tzinfo=UTC)
OURS, THEIRS = "99990", "99991"
SCOPE = Scope("if", "walcheren", OURS, "99AA00", frozenset({OURS}))


@pytest.fixture
def register(session: Session) -> Session:
    """Two funds, two sub-regions, two boards with a school each."""
    session.add_all([Fund(key=key, name_nl=key, name_en=key) for key in ("if", "po")])
    session.add_all([SubRegion(key=key, name=key) for key in ("walcheren", "oosterschelde")])
    session.add_all([SchoolBoard(number=number, name=None) for number in (OURS, THEIRS)])
    session.flush()
    session.add_all(
        School(code=code, level="po", board_number=board, name=code, name_key=code.lower(), province="Zeeland")
        for code, board in (("99AA00", OURS), ("99AB00", OURS), ("99BA00", THEIRS))
    )
    session.flush()
    return session


def person(
    session: Session, name: str, *, grants: tuple[Grant, ...] = (), memberships: tuple[Membership, ...] = ()
) -> Actor:
    row = rows.Person(email=f"{name}@example.org", name=name, language="nl", created_at=NOW)
    session.add(row)
    session.flush()
    session.add_all(
        rows.RoleGrant(person_id=row.id, role=str(g.role), fund_key=g.fund, sub_region=g.sub_region, granted_at=NOW)
        for g in grants
    )
    session.add_all(
        rows.Membership(person_id=row.id, board_number=m.board, school_code=m.school, capacity=str(m.capacity))
        for m in memberships
    )
    session.flush()
    return Actor(row.id, name, row.email, grants=frozenset(grants), memberships=frozenset(memberships))


def everybody(session: Session) -> list[Actor]:
    """One person for every grant and membership that can matter, alone and together."""
    grants = [
        Grant(role, f, r)
        for role in STAFF_ROLES
        for f in (None, "if", "po")
        for r in (None, "walcheren", "oosterschelde")
    ]
    memberships = [
        Membership(board, school, capacity)
        for capacity in Capacity
        for board, school in ((OURS, None), (OURS, "99AA00"), (OURS, "99AB00"), (THEIRS, "99BA00"))
    ]
    people = [person(session, f"g{i}", grants=(g,)) for i, g in enumerate(grants)]
    people += [person(session, f"m{i}", memberships=(m,)) for i, m in enumerate(memberships)]
    people += [
        person(session, f"b{i}", grants=(grants[i % len(grants)], grants[0]), memberships=(m,))
        for i, m in enumerate(memberships * 3)
    ]
    return people


@pytest.mark.parametrize(
    "scope",
    [SCOPE, Scope("po", "oosterschelde", THEIRS, "99BA00", frozenset({OURS, THEIRS})), Scope("if"), Scope("", None)],
)
def test_holders_are_those_who_have_the_role_when_they_come_themselves(register: Session, scope: Scope) -> None:
    people = everybody(register)
    found = holders(register, scope, list(Role))
    for role in Role:
        assert {h.id for h in found[role]} == {p.id for p in people if role in roles_on(p, scope)}, role
        assert len({h.id for h in found[role]}) == len(found[role]), "nobody twice"


def test_who_left_or_lost_the_role_gets_nothing(register: Session) -> None:
    gone = person(
        register, "weg", grants=(Grant(Role.HANDLER),), memberships=(Membership(OURS, None, Capacity.SIGNER),)
    )
    lost = person(
        register, "oud", grants=(Grant(Role.HANDLER),), memberships=(Membership(THEIRS, None, Capacity.SIGNER),)
    )
    register.get_one(rows.Person, gone.id).ended_at = NOW
    for table in (rows.RoleGrant, rows.Membership):
        register.execute(update(table).where(table.person_id == lost.id).values(ended_at=NOW))
    assert holders(register, SCOPE, [Role.HANDLER, Role.APPLICANT]) == {Role.HANDLER: [], Role.APPLICANT: []}


ENTRY = {
    "stream": 0,
    "at": NOW,
    "actor_id": None,
    "kind": "application",
    "subject_id": 1,
    "action": "submit",
    "from_state": "draft",
    "to_state": "submitted",
    "on_version": 1,
    "reason": "",
    "data": {},
    "request_key": None,
}


def tell(session: Session, mails: tuple[Mail, ...], context: dict[str, Any]) -> int:
    """Write an act and its mails, as `perform` does; return its journal id."""
    entry, rows = next_id(session, Journal), Rows()
    rows.add(Journal, id=entry, **ENTRY)
    found = holders(session, SCOPE, [mail.to for mail in mails])
    for row in addressed(mails, found, journal_id=entry, application_id=7, context=context).values():
        rows.add(OutboxMessage, **row)
    write(session, rows)
    return entry


def test_one_mail_for_each_holder_of_each_role_and_never_again(register: Session) -> None:
    for name in ("anouk", "bram"):
        person(
            register,
            name,
            memberships=(Membership(OURS, "99AA00", Capacity.DRAFTER), Membership(OURS, None, Capacity.SIGNER)),
        )
    person(register, "hanna", grants=(Grant(Role.HANDLER, "if"),))
    received = Mail("received", Role.APPLICANT)
    mails = (received, Mail("new_application", Role.HANDLER), received, Mail("received", Role.SIGNER))
    context = {"ref": "IF-1", "due": date(2025, 4, 1), "moment": NOW, "reason": Text("ja", "yes"), "odd": object()}
    entry = tell(register, mails, context)
    written = register.scalars(select(OutboxMessage).order_by(OutboxMessage.address)).all()
    assert [(m.template, m.address, m.state) for m in written] == [
        ("received", "anouk@example.org", "queued"),
        ("received", "bram@example.org", "queued"),
        ("new_application", "hanna@example.org", "queued"),
    ]
    first = written[0]
    assert first.key == f"{entry}:received:{first.person_id}"
    assert (first.journal_id, first.application_id, first.language) == (entry, 7, "nl")
    assert first.context["name"] == "anouk"
    assert first.context["due"] == "2025-04-01"
    assert first.context["moment"] == "2025-03-14T12:00:00+00:00"
    assert first.context["reason"] == {"nl": "ja", "en": "yes"}


def test_an_act_that_is_rolled_back_leaves_no_mail(register: Session) -> None:
    person(register, "hanna", grants=(Grant(Role.HANDLER),))
    savepoint = register.begin_nested()
    tell(register, (Mail("new_application", Role.HANDLER),), {})
    assert len(register.scalars(select(OutboxMessage)).all()) == 1
    register.expunge_all()
    savepoint.rollback()
    assert register.scalars(select(OutboxMessage)).all() == []


def test_who_waits_for_a_code_goes_first(register: Session) -> None:
    anouk = register.get_one(rows.Person, person(register, "anouk").id)
    assert write_mail(register, "settled", anouk, key="a", context={})
    assert write_mail(register, "sign_in_code", anouk, key="b", context={"expires_at": datetime.now(UTC)})
    assert not write_mail(register, "sign_in_code", anouk, key="b", context={"expires_at": datetime.now(UTC)})
    queue = register.scalars(select(OutboxMessage.key).order_by(OutboxMessage.next_try_at)).all()
    assert queue == ["b", "a"]


def stuck(session: Session, state: str) -> OutboxMessage:
    anouk = session.get_one(rows.Person, person(session, f"anouk-{state}").id)
    write_mail(session, "settled", anouk, key=state, context={})
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.key == state)).one()
    message.state, message.tries, message.error, message.claimed_by, message.claimed_at = state, 3, "550 no", "w", NOW
    session.flush()
    return message


@pytest.mark.parametrize("state", ["dead", "uncertain"])
def test_a_person_puts_a_stuck_mail_back_and_the_journal_tells(register: Session, state: str) -> None:
    message = stuck(register, state)
    retry(register, message.id, actor=SYSTEM, now=NOW + timedelta(hours=1))
    register.flush()
    register.refresh(message)
    assert (message.state, message.tries, message.claimed_by, message.error) == ("queued", 0, None, None)
    entry = register.scalars(select(Journal).where(Journal.kind == "mail")).one()
    assert (entry.subject_id, entry.action, entry.data) == (message.id, "retry", {"state": state, "error": "550 no"})


@pytest.mark.parametrize("state", sorted(set(STATES) - {"dead", "uncertain"}))
def test_a_mail_that_is_not_stuck_stays_as_it_is(register: Session, state: str) -> None:
    with pytest.raises(Refused) as refused:
        retry(register, stuck(register, state).id, actor=SYSTEM, now=NOW)
    assert refused.value.refusals[0].kind is Kind.CONFLICT
    with pytest.raises(Refused) as refused:
        retry(register, 10**12, actor=SYSTEM, now=NOW)
    assert refused.value.refusals[0].kind is Kind.NOT_FOUND


def test_status_counts_every_state_and_names_what_is_stuck(register: Session) -> None:
    for state in ("dead", "sent", "uncertain"):
        stuck(register, state)
    found = status(register, limit=1)
    assert found.counts == dict.fromkeys(STATES, 0) | {"dead": 1, "sent": 1, "uncertain": 1}
    assert [(m.state, m.address) for m in found.stuck] == [("uncertain", "anouk-uncertain@example.org")]
    assert found.oldest_due is None
