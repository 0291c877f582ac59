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
from fundapp.services.demo import DATA, Storyteller
from fundapp.services.people import actor_by_email
from fundapp.services.ports import FileStore
from fundapp.services.programme import lead_applicant

HANDLER = "behandelaar@meting.example.org"
ADVISER = "adviseur@meting.example.org"
DECIDER = "stuurgroep@meting.example.org"
PREPARER = "klaarzetter@meting.example.org"
APPROVER = "goedkeurder@meting.example.org"
COORDINATOR = "coordinator@meting.example.org"

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
                entered_at=since,
                entered_by_id=confirmed_by[0],
                confirmed_at=since,
                confirmed_by_id=confirmed_by[1],
            ),
        ]
    )
    session.flush()
    session.add(Membership(person_id=person.id, board_number=who.board, capacity="drafter", since=since))
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
        for act in self._acts(step, ref, self.sheets[ref], self.wave):
            self.perform({"at": at} | act)
        self.session.flush()

    def _next_number(self, tranche_ref: str) -> int:
        return self.session.scalars(select(Tranche.next_number).where(Tranche.ref == tranche_ref)).one()

    def _acts(self, step: str, ref: str, sheet: dict[str, Any], wave: dict[str, Any]) -> list[dict[str, Any]]:
        """The acts of a step, as the worked case writes them."""
        asked = sheet["requested"]
        costs = [quantity * unit for _, _, quantity, unit in sheet["budget"]]

        def by(email: str, do: str, **given: Any) -> dict[str, Any]:
            return {"by": email, "ref": ref, "do": do, "given": given}

        school = self.who.email
        words = "Een duidelijk plan, goed bij de voorwaarden."
        match step:
            case "ask_completion":
                return [by(HANDLER, step, explanation="Splits de begroting uit in losse regels.")]
            case "not_consider":
                reasons = ["not_completed_in_time"]
                return [by(HANDLER, step, reasons=reasons, explanation="Er kwam geen aanvulling.")]
            case "take_up":
                return [by(HANDLER, step)]
            case "no_interest":
                return [by(ADVISER, step), by(DECIDER, step)]
            case "advise_award":
                return [by(ADVISER, "advise", outcome="award", amount_cents=asked, score=4, explanation=words)]
            case "advise_reject":
                reasons = ["partner_missing"]
                no = "Er is geen activiteit samen met een andere school."
                return [by(ADVISER, "advise", outcome="reject", score=2, reasons=reasons, explanation=no)]
            case "award":
                return [by(DECIDER, step, amount_cents=asked)]
            case "reject":
                return [by(DECIDER, step, reasons=["partner_missing"])]
            case "waitlist" | "revoke":
                return [by(DECIDER, step, explanation="Het geld van deze ronde is beperkt.")]
            case "withdraw":
                return [by(school, step, explanation="Wij beginnen een jaar later.")]
            case "respond":
                return [by(school, step, explanation="Wij begrijpen het.")]
            case "pay":
                return [{"by": PREPARER, "ref": wave["ref"], "do": "pay"}]
            case "report" | "report_little":
                share = 96 if step == "report" else 45
                claimed = [cost * share // 100 for cost in costs]
                results = "Alle leerlingen deden mee. De lessen staan in ons jaarplan."
                return [by(school, "account") | {"claimed": claimed, "results": results}, by(school, "report")]
            case "intend":
                accepted = {1: costs[0] * 80 // 100}
                cut = by(PREPARER, "judge") | {
                    "accepted": accepted,
                    "reasons": {1: "Een factuur is van voor de start."},
                }
                return [cut, by(PREPARER, "intend_determination")]
            case "determine":
                return [by(PREPARER, "judge") | {"accepted": {}}, by(PREPARER, "determine")]
            case "determine_after_hearing":
                return [by(PREPARER, "determine")]
            case _:  # write, submit, complete
                return [by(school, step)]

    def perform(self, act: Any) -> None:
        """Do one act; `pay` is a whole payment run, from the list to the bank's answer."""
        if act["do"] == "pay":
            self._pay(act["ref"], act["at"])
        else:
            super().perform(act)

    def _pay(self, tranche_ref: str, at: str) -> None:
        begin = self._moment(at)
        year = begin.astimezone(AMSTERDAM).year
        found = self.session.scalars(select(PaymentBatch.ref).where(PaymentBatch.ref.startswith(f"BR-{year}-"))).all()
        ref = f"BR-{year}-{len(found) + 1:03d}"
        run = {"kind": "payment_batch", "ref": ref}
        super().perform({"at": at, "by": PREPARER, "do": "prepare_batch", "tranche": tranche_ref, "ref": ref})
        super().perform({"at": at, "by": APPROVER, "do": "approve"} | run)
        super().perform({"at": at, "by": PREPARER, "do": "send"} | run)
        batch = self.session.scalars(select(PaymentBatch).where(PaymentBatch.ref == ref)).one()
        self._bank_answers(batch, begin + timedelta(days=2))

    def _moment(self, at: str) -> datetime:
        from fundapp.services.demo import moment

        return moment(at, self.loaded_at)

    def _bank_answers(self, batch: PaymentBatch, now: datetime) -> None:
        """The statement that says that the batch was paid. The account is topped up by as much, so it stays at zero."""
        session = self.session
        orders = session.scalars(select(PaymentOrder).where(PaymentOrder.batch_id == batch.id)).all()
        name = f"Zqafschrift{batch.id}qz"
        statement = BankStatement(
            sha256=f"Zqhash{batch.id}qz",
            statement_id=name,
            account=lead_applicant().iban,
            opening_cents=0,
            closing_cents=0,
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
