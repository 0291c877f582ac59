"""Volume, first half: one application of each kind, played by the product itself from its first word to its last state.

What is played is data (`fundapp/data/volume.yaml`). It happens in a transaction that is never committed;
`generate_rows` reads what was written and makes many of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import iban as stdnum_iban

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Actor
from fundapp.domain.register import fold
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import BankAccount, BankLine, BankStatement, PaymentBatch, PaymentOrder
from fundapp.persistence.people import Membership, Person
from fundapp.persistence.register import School, SchoolBoard
from fundapp.services.bank_booking import Booker
from fundapp.services.bank_match import Payments
from fundapp.services.demo import DATA, Storyteller, moment
from fundapp.services.people import actor_by_email
from fundapp.services.ports import FileStore
from fundapp.services.programme import lead_applicant

DOMAIN = "meting.example.org"
HANDLER = f"behandelaar@{DOMAIN}"
ADVISER = f"adviseur@{DOMAIN}"
MEMBERS = (ADVISER, f"lid2@{DOMAIN}", f"lid3@{DOMAIN}")
DECIDER = f"stuurgroep@{DOMAIN}"
PREPARER = f"klaarzetter@{DOMAIN}"
APPROVER = f"goedkeurder@{DOMAIN}"
COORDINATOR = f"coordinator@{DOMAIN}"

PARTNER_CODE = "99ZX00"
PARTNER_BOARD = "09000"
FIRST_BOARD = 1000
"""Boards of invented schools have numbers from 01000, which DUO does not give out."""


def invented_iban(number: int) -> str:
    """A valid Dutch IBAN at a bank that does not exist."""
    bare = f"NL00TEST{number:010d}"
    return f"NL{stdnum_iban.calc_check_digits(bare)}TEST{number:010d}"


@dataclass(frozen=True, slots=True)
class Applicant:
    """A school with its board and the person who writes for it."""

    code: str
    school: str
    place: str
    level: str
    region: str
    board: str
    board_name: str
    iban: str
    email: str
    name: str


def mark(region: str, level: str) -> Applicant:
    """The applicant of what is played: every word of it is one of a kind, to be found again in what was written."""
    return Applicant(
        code="99ZZ99",
        school="Zqschoolqz",
        place="Zqplaatsqz",
        level=level,
        region=region,
        board="08765",
        board_name="Zqbestuurqz",
        iban=invented_iban(8_765_432_109),
        email="zqmailqz@example.org",
        name="Zqnaamqz",
    )


TITLE = "Zqtitelqz"
PLACE = "Techniekcollege-demo"


@lru_cache(maxsize=1)
def plan() -> dict[str, Any]:
    """The data file: rounds, mixes, paths, sheets, staff, words."""
    data: dict[str, Any] = yaml.safe_load((Path(DATA) / "volume.yaml").read_text(encoding="utf-8"))
    return data


def enrol(session: Session, who: Applicant, *, since: datetime, confirmed_by: tuple[int, int]) -> Actor:
    """Write one applicant as the product has it: board, school, person, membership, a confirmed account."""
    session.add(SchoolBoard(number=who.board, name=who.board_name))
    session.flush()
    person = Person(email=who.email, name=who.name, created_at=since)
    session.add_all(
        [
            person,
            School(
                code=who.code,
                level=who.level,
                board_number=who.board,
                name=who.school,
                name_key=fold(who.school),
                place=who.place,
                place_key=fold(who.place),
                province="Zeeland",
                sub_region=who.region,
            ),
            BankAccount(
                board_number=who.board,
                iban=who.iban,
                holder=who.board_name,
                sepa_name=who.board_name,
                called_name="Administratie",
                called_number="0118 000 000",
                called_at=since,
                entered_at=since,
                entered_by_id=confirmed_by[0],
                confirmed_at=since,
                confirmed_by_id=confirmed_by[1],
            ),
        ]
    )
    session.flush()
    session.add(Membership(person_id=person.id, board_number=who.board, capacity="signer", since=since))
    session.flush()
    actor = actor_by_email(session, who.email)
    assert actor is not None
    return actor


class Player(Storyteller):
    """Plays one path of one round. staff: by e-mail address; who: the applicant (`mark`)."""

    def __init__(
        self, session: Session, files: FileStore, now: datetime, *, staff: dict[str, Actor], who: Applicant
    ) -> None:
        super().__init__(session, files, now)
        self.who = who
        self.people = dict(staff)
        self.wave: dict[str, Any] = {}

    def begin(self, wave: dict[str, Any], sheet: dict[str, Any]) -> str:
        """Take up a round of the data file and what the applicant is going to write; return the reference it gets."""
        ref = f"{wave['ref']}-{self._next_number(wave['ref']):02d}"
        begin = wave["written"]
        company = [{"kind": "company", "name": "Techniekbedrijf Demo"}, {"kind": "mbo", "name": "Techniek mbo-demo"}]
        self.wave = wave
        self.sheets = {
            ref: sheet
            | {
                "ref": ref,
                "school": self.who.code,
                "signer": "Jip de Vries",
                "signer_email": f"jip@{DOMAIN}",
                "starts_on": f"{begin + 80:+d}d",
                "ends_on": f"{begin + 240:+d}d",
                "answers": {"title": TITLE} | sheet["answers"],
                "partners": [{"kind": "vo", "name": "", "school_code": PARTNER_CODE}, *company],
            }
        }
        return ref

    def play_step(self, ref: str, day: int, step: str) -> None:
        """Play one step, so many days after the round's first application was begun."""
        at = f"{self.wave['written'] + day:+d}d {9 + day % 8:02d}:{day * 7 % 60:02d}"
        for act in self._acts(step, ref, self.sheets[ref]):
            self.perform({"at": at} | act)
        self.session.flush()

    def _next_number(self, tranche_ref: str) -> int:
        return self.session.scalars(select(Tranche.next_number).where(Tranche.ref == tranche_ref)).one()

    def _acts(self, step: str, ref: str, sheet: dict[str, Any]) -> list[dict[str, Any]]:
        """The acts of a step, as the worked case writes them."""
        if step == "pay":
            return [{"do": "pay", "ref": self.wave["ref"]}]
        return [{"ref": ref} | self._act(act, sheet) for act in plan()["steps"].get(step, [{"do": step}])]

    def _act(self, act: dict[str, Any], sheet: dict[str, Any]) -> dict[str, Any]:
        """One act of the data file with its amounts filled in (cents)."""
        made = act | {"by": f"{act['by']}@{DOMAIN}" if "by" in act else self.who.email}
        costs = [quantity * unit for _, _, quantity, unit in sheet["budget"]]
        if act.get("given", {}).get("amount_cents") == "asked":
            made["given"] = act["given"] | {"amount_cents": sheet["requested"]}
        if act["do"] == "account":
            made["claimed"] = [cost * act["claimed"] // 100 for cost in costs]
            made["explanations"] = dict.fromkeys(range(1, len(costs) + 1), "Het viel anders uit dan gepland.")
            made["received"] = [share["hours"] or share["cents"] for share in sheet["contributions"]]
        if act["do"] == "judge":
            made["accepted"] = {1: costs[0] * act["accepted"] // 100} if "accepted" in act else {}
        return made

    def perform(self, act: Any) -> None:
        """Do one act; `pay` is a whole payment run, from the list to the bank's answer; `advise` may be a meeting."""
        if act["do"] == "pay":
            self._pay(act["ref"], act["at"])
        elif act["do"] == "advise" and self._spec(act["ref"]).advice.meets:
            self._meet(act)
        else:
            super().perform(act)

    def _meet(self, act: dict[str, Any]) -> None:
        """Advise where the panel meets: in a meeting that is planned, held and closed."""
        name = f"{self.wave['ref']} {act['ref']}"
        given = dict(act["given"])
        given["scores"] = dict.fromkeys([c.code for c in self._spec(act["ref"]).criteria], given.pop("score"))
        region = {"region": self.who.region, "place": PLACE, "held_at": act["at"], "present": MEMBERS}
        opened = {"do": "plan_meeting", "by": HANDLER, "tranche": self.wave["ref"], "name": name}
        super().perform({"at": act["at"]} | opened | region)
        super().perform(act | {"do": "advise_in_meeting", "meeting": name, "given": given})
        super().perform({"at": act["at"], "do": "close_meeting", "by": HANDLER, "meeting": name, "remarks": ""})

    def _pay(self, tranche_ref: str, at: str) -> None:
        begin = moment(at, self.loaded_at)
        year = begin.astimezone(AMSTERDAM).year
        found = self.session.scalars(select(PaymentBatch.ref).where(PaymentBatch.ref.startswith(f"BR-{year}-"))).all()
        ref = f"BR-{year}-{len(found) + 1:03d}"
        run = {"kind": "payment_batch", "ref": ref}
        super().perform({"at": at, "by": PREPARER, "do": "prepare_batch", "tranche": tranche_ref, "ref": ref})
        super().perform({"at": at, "by": APPROVER, "do": "approve"} | run)
        super().perform({"at": at, "by": PREPARER, "do": "send"} | run)
        batch = self.session.scalars(select(PaymentBatch).where(PaymentBatch.ref == ref)).one()
        self._bank_answers(batch, begin + timedelta(days=2))

    def _bank_answers(self, batch: PaymentBatch, now: datetime) -> None:
        """The statement that says that the batch was paid. The account is topped up by as much, so it stays at zero."""
        session = self.session
        orders = session.scalars(select(PaymentOrder).where(PaymentOrder.batch_id == batch.id)).all()
        name = f"Zqafschrift{batch.id}qz"
        statement = BankStatement(
            sha256=f"Zqhash{batch.id}qz",
            lines_sha256=f"Zqhash{batch.id}qz",
            statement_id=name,
            account=lead_applicant().iban,
            ends_on=now.astimezone(AMSTERDAM).date(),
            opening_cents=0,
            closing_cents=0,
            segments=[[0, 0]],
            read_at=now,
            read_by_id=self.people[PREPARER].id,
        )
        session.add(statement)
        session.flush()
        booker = Booker(session, self.people[PREPARER], now)
        booker.lock({order.tranche_id for order in orders})
        day = now.astimezone(AMSTERDAM).date()
        top_up = BankLine(
            statement_id=statement.id,
            key=f"{name}/0",
            entry_key=f"{name}/0",
            booked_on=day,
            cents=batch.total_cents,
            end_to_end_id=None,
            counterparty=lead_applicant().name,
            text="Aanvulling van de rekening",
            matched_as="not_ours",
        )
        session.add(top_up)
        for number, order in enumerate(orders, 1):
            line = BankLine(
                statement_id=statement.id,
                key=f"{name}/{number}",
                entry_key=f"{name}/{number}",
                booked_on=day,
                cents=-order.cents,
                end_to_end_id=order.end_to_end_id,
                counterparty=f"{order.name} {order.iban}",
                text=order.remittance,
            )
            session.add(line)
            session.flush()
            booked = booker.book(line, Payments((order.id,)), by_hand=False)
            assert isinstance(booked, tuple), booked
        booker.finish()
        session.flush()
