"""Signing in by a mailed code, and access: against a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from fundapp.domain.people import SYSTEM, Actor, Capacity, Grant, Membership, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import Person, SignInCode
from fundapp.services import people
from fundapp.services.people import Invitation
from tests.support.queries import count_queries
from tests.support.web import NOON, Cast, actor, make_cast

SECRET = "a secret of the tests, and of nobody else"


@pytest.fixture
def cast(session: Session) -> Cast:
    return make_cast(session)


def ask(session: Session, email: str, ticket: str = "ticket", minutes: int = 0, caller: str = "192.0.2.1") -> None:
    people.request_code(
        session,
        email,
        ticket=ticket,
        caller=caller,
        secret=SECRET,
        verder="/profiel",
        now=NOON + timedelta(minutes=minutes),
    )


def mail(session: Session) -> dict[str, str]:
    return session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one().context


def redeem(session: Session, code: str, ticket: str = "ticket", minutes: float = 1) -> people.SignedInPerson:
    return people.redeem_code(session, code, ticket=ticket, secret=SECRET, now=NOON + timedelta(minutes=minutes))


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_an_actor_is_one_statement(session: Session, cast: Cast, engine: Engine) -> None:
    assert cast.anna.memberships == {Membership("99990", "99AA00", Capacity.DRAFTER)}
    with count_queries(engine) as statements:
        found = people.load_actor(session, cast.finance.id or 0, epoch=0, session_id="s", now=NOON)
    assert found is not None
    assert found.grants == {Grant(Role.FINANCE)}
    assert len(statements) == 1


def test_the_code_of_the_mail_signs_in_once(session: Session, cast: Cast) -> None:
    ask(session, "  Anna.Akkerman@Example.org ")
    code = mail(session)["code"]
    assert redeem(session, f" {code[:3]} {code[3:]} ").actor == cast.anna
    with pytest.raises(Refused, match="wrong_code"):
        redeem(session, code)


def test_only_hashes_are_kept(session: Session, cast: Cast) -> None:
    ask(session, cast.anna.email)
    row = session.scalars(select(SignInCode)).one()
    code, path = mail(session)["code"], mail(session)["url_path"]
    kept = f"{row.code_hash} {row.link_hash} {row.ticket_hash}"
    assert code not in kept
    assert path.split("/")[-1].split("?")[0] not in kept


def test_a_code_works_for_a_quarter_of_an_hour(session: Session, cast: Cast) -> None:
    ask(session, cast.anna.email)
    with pytest.raises(Refused, match="wrong_code"):
        redeem(session, mail(session)["code"], minutes=15)
    assert redeem(session, mail(session)["code"], minutes=14.9).actor == cast.anna


def test_five_tries(session: Session, cast: Cast) -> None:
    ask(session, cast.anna.email)
    code = mail(session)["code"]
    for _ in range(5):
        with pytest.raises(Refused, match="wrong_code"):
            redeem(session, other(code))
    with pytest.raises(Refused, match="wrong_code"):
        redeem(session, code)


def test_a_code_works_only_in_the_browser_that_asked(session: Session, cast: Cast) -> None:
    """And somebody else who asks for the same address cannot use up its tries."""
    ask(session, cast.anna.email, "hers")
    code = mail(session)["code"]
    ask(session, cast.anna.email, "his")
    for _ in range(6):
        with pytest.raises(Refused):
            redeem(session, other(code), "his")
    assert redeem(session, code, "hers").actor == cast.anna


def test_the_link_signs_in_once_and_ends_the_code(session: Session, cast: Cast) -> None:
    ask(session, cast.anna.email)
    found = mail(session)
    path, _, query = found["url_path"].partition("?")
    assert query == "verder=/profiel"
    link = path.rpartition("/")[2]
    assert people.redeem_link(session, link, secret=SECRET, now=NOON).actor == cast.anna
    with pytest.raises(Refused, match="old_link"):
        people.redeem_link(session, link, secret=SECRET, now=NOON)
    with pytest.raises(Refused, match="wrong_code"):
        redeem(session, found["code"])


def test_five_codes_an_hour_for_known_and_unknown_alike(session: Session, cast: Cast) -> None:
    for email in (cast.anna.email, "nobody@example.org"):
        for number in range(5):
            ask(session, email, f"{email}{number}")
        with pytest.raises(Refused, match="too_many_codes"):
            ask(session, email, "one too many", minutes=59)
        ask(session, email, f"{email} later", minutes=61)


def test_a_caller_has_a_limit_too(session: Session) -> None:
    for number in range(people.CODES_PER_CALLER):
        ask(session, f"nobody{number}@example.org")
    with pytest.raises(Refused, match="too_many_codes"):
        ask(session, "nobody@example.org")
    ask(session, "nobody@example.org", caller="192.0.2.2")


def test_an_unknown_address_costs_the_same_and_gets_no_mail(session: Session, cast: Cast, engine: Engine) -> None:
    with count_queries(engine) as known:
        ask(session, cast.anna.email, "a")
    mails = session.scalar(select(func.count()).select_from(OutboxMessage))
    with count_queries(engine) as unknown:
        ask(session, "nobody@example.org", "b")
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == mails
    writes = [sum(s.lstrip().startswith(("INSERT", "UPDATE")) for s in done) for done in (known, unknown)]
    assert writes[0] == writes[1]


def test_ended_sessions(session: Session, cast: Cast) -> None:
    person_id = cast.anna.id or 0

    def load(session_id: str) -> Actor | None:
        return people.load_actor(session, person_id, epoch=0, session_id=session_id, now=NOON)

    people.sign_out(session, "here", now=NOON)
    assert load("here") is None
    assert load("there") == cast.anna
    people.end_all_sessions(session, person_id)
    assert load("there") is None


def test_an_invitation_gives_access_once(session: Session, cast: Cast) -> None:
    invitation = Invitation("Nieuw@Example.org", "Noor Nieuw", role=Role.ADVISER, sub_region="walcheren")
    for _ in range(2):
        people.invite(session, invitation, actor=cast.coordinator, now=NOON)
    session.flush()
    assert actor(session, "nieuw@example.org").grants == {Grant(Role.ADVISER, None, "walcheren")}
    assert session.scalar(select(func.count()).where(OutboxMessage.template == "invited")) == 1
    assert session.scalar(select(func.count()).where(Journal.action == "invite")) == 1


def test_an_invitation_to_a_school(session: Session, cast: Cast) -> None:
    invitation = Invitation("nieuw@example.org", "Noor", school="99AA00", capacity=Capacity.SIGNER)
    people.invite(session, invitation, actor=SYSTEM, now=NOON)
    assert actor(session, "nieuw@example.org").memberships == {Membership("99990", "99AA00", Capacity.SIGNER)}


@pytest.mark.parametrize(
    ("invitation", "field"),
    [
        (Invitation("no address", role=Role.ADVISER), "email"),
        (Invitation("a@example.org"), "role"),
        (Invitation("a@example.org", role=Role.APPLICANT), "role"),
        (Invitation("a@example.org", role=Role.ADVISER, fund="none"), "fund"),
        (Invitation("a@example.org", role=Role.ADVISER, sub_region="none"), "sub_region"),
        (Invitation("a@example.org", school="99ZZ99", capacity=Capacity.DRAFTER), "school"),
        (Invitation("a@example.org", school="99AA00"), "capacity"),
    ],
)
def test_what_does_not_fit_is_named(session: Session, cast: Cast, invitation: Invitation, field: str) -> None:
    with pytest.raises(Refused) as refused:
        people.invite(session, invitation, actor=SYSTEM, now=NOON)
    assert [r.field for r in refused.value.refusals] == [field]
    assert refused.value.kind is Kind.INVALID


def test_the_end_of_access(session: Session, cast: Cast) -> None:
    token = people.make_token(session, cast.anna.email, now=NOON)
    session.flush()
    assert people.actor_by_token(session, token) == cast.anna
    people.end(session, cast.anna.id or 0, actor=cast.coordinator, now=NOON)
    session.flush()
    assert people.actor_by_token(session, token) is None
    assert people.actor_by_email(session, cast.anna.email) is None
    assert session.get_one(Person, cast.anna.id).ended_at == NOON


def test_the_last_coordinator_stays(session: Session, cast: Cast) -> None:
    with pytest.raises(Refused, match="last_coordinator"):
        people.end(session, cast.coordinator.id or 0, actor=cast.coordinator, now=NOON)


def test_the_list_pages_by_name(session: Session, cast: Cast) -> None:
    first = people.people_page(session, most=4)
    rest = people.people_page(session, after=(first[-1].name, first[-1].id), most=50)
    assert [line.name for line in first + rest] == sorted(person.name for person in cast.everybody().values())
    assert str(first[0].access[0]) == "adviescommissie: alle fondsen"
