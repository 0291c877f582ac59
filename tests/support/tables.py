"""Invented tranches as tables: a file says what happens, who gets what, and what must stand at the end, in euro.

The figures of a file were reckoned by hand; its comments show how. Nothing here reckons: it plays and compares.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.adapters.files import ObjectFileStore
from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.change import Kind
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.fund import TrancheSpec
from fundapp.domain.ledger import Account
from fundapp.domain.money import euro, parse_euro
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.recovery import equal_parts
from fundapp.domain.sepa import next_bank_day
from fundapp.domain.term import Profile
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.payment import PaymentBatch, PaymentOrder
from fundapp.persistence.settlement import Determination
from fundapp.services import carry_over, change, demo, funds, interim, journal, ledger, publication, tranche_money
from fundapp.services.bank import import_statement
from fundapp.services.payment import batch_hash, orders
from fundapp.services.payment_prepare import prepare
from fundapp.services.programme import lead_applicant
from fundapp.services.transitions import perform
from tests.support.camt import Entry, paid, received, returned, statement
from tests.support.world.people import ADVISER, COORDINATOR, DECIDER, FINANCE, HANDLER, SCHOOLS, SECOND

TABLES = Path(__file__).resolve().parents[1] / "data" / "tranches"
NAMES = ("ozobot", "zeebries", "kompas", "vuurtoren", "schelp", "golfbreker")
WHY = "Zo is het besproken."
SOURCE, TARGET = "PO-T1", "PO-T2"


def cents(amount: str) -> int:
    """Read "1.234,56"; below zero with a minus."""
    return -parse_euro(amount[1:]) if amount.startswith("-") else parse_euro(amount)


def read(path: Path) -> dict[str, Any]:
    """A table as data; amounts and days stay text, but in the rules of the fund."""
    text = path.read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return data | {"rules": yaml.safe_load(text).get("rules", {})}


@dataclass
class Played:
    """A table that is being played. refs: application by name of the school; at: when it now is."""

    session: Session
    data: dict[str, Any]
    home: Path
    at: datetime = datetime(2025, 1, 6, 9, 0, tzinfo=AMSTERDAM)
    refs: dict[str, str] = field(default_factory=dict)
    bank: int = 90_000_000
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        told = demo.story()
        files = ObjectFileStore((self.home / "files").as_uri())
        self.teller = demo.Storyteller(self.session, files, self.at)
        sheets = [self._sheet(number, name) for number, name in enumerate(self.data["schools"], 1)]
        self.teller.set_stage(
            {"boards": told["boards"], "schools": told["schools"], "tranches": [], "applications": sheets}
        )
        self._fund()
        self._tranche(SOURCE, self.data["ceiling"], date(2025, 1, 6), date(2025, 2, 28))
        if "later" in self.data:
            self._tranche(TARGET, self.data["later"], date(2026, 9, 1), date(2026, 11, 1))
        self._until_advised()

    # --- the stage ----------------------------------------------------------------------------------------------------

    def _fund(self) -> None:
        """The fund for primary education, with the rules that the table names."""
        rules = yaml.safe_load((FUNDS / "stimuleringsregeling-po.yaml").read_text(encoding="utf-8"))
        _merge(rules, self.data["rules"])
        with tempfile.TemporaryDirectory() as home:
            path = Path(home) / "fund.yaml"
            path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
            spec = load_fund(path)
        profile = self.data.get("profile")
        funds.publish(self.session, spec.under(Profile(profile)) if profile else spec, now=self.at)
        self.session.flush()

    def _tranche(self, ref: str, ceiling: str, opens: date, closes: date) -> None:
        before = datetime.combine(opens - timedelta(days=12), time(9), AMSTERDAM)
        spec = TrancheSpec.model_validate(
            {
                "ref": ref,
                "name": {"nl": f"Ronde {ref}", "en": f"Round {ref}"},
                "fund": "stimuleringsregeling-po",
                "opens_at": datetime.combine(opens, time(9), AMSTERDAM),
                "closes_at": datetime.combine(closes, time(17), AMSTERDAM),
                "ceiling_cents": cents(ceiling),
                "method": "order_of_receipt",
                "on_overflow": "partial",
                "seed": ref,
            }
        )
        funds.create_tranche(self.session, spec, now=before, actor=self.people(COORDINATOR))
        self.session.flush()
        perform(self.session, "tranche", ref, "announce", actor=self.people(COORDINATOR), now=before)

    def _sheet(self, number: int, name: str) -> dict[str, Any]:
        told = self.data["schools"][name]
        code, _ = SCHOOLS[NAMES.index(name)]
        self.refs[name] = f"{SOURCE}-{number:02d}"
        return {
            "ref": self.refs[name],
            "school": code,
            "signer": "Lea Directeur",
            "signer_email": f"lea.{name}@example.org",
            "starts_on": "2025-04-01",
            "ends_on": "2025-12-31",
            "answers": {"title": f"Project van {name}", "summary": "Leerlingen bouwen samen met de vmbo-school."},
            "requested": cents(told["asks"]),
            "budget": [
                ["teaching_materials", f"Post {n}", 1, cents(amount)] for n, amount in enumerate(told["lines"], 1)
            ],
            "contributions": [_share(one) for one in told["others"]],
            "partners": [{"kind": "vo", "name": "Delta College-demo", "school_code": "99VA00"}],
            "documents": ["partner_letter", "co_financing_letter"],
        }

    def _until_advised(self) -> None:
        """Every school writes and sends; each is taken up and advised on as it asked."""
        perform(self.session, "tranche", SOURCE, "open", actor=SYSTEM, now=self.tick())
        for name in self.refs:
            self.tell(name, self.writer(name).email, "write")
            self.tell(name, self.writer(name).email, "submit")
            self.tell(name, self.writer(name).email, "sign")
        self.go_to("2025-03-01")
        perform(self.session, "tranche", SOURCE, "end_window", actor=SYSTEM, now=self.tick())
        for name in self.refs:
            self.tell(name, HANDLER, "take_up")
            asked = cents(self.data["schools"][name]["asks"])
            advice = {"outcome": "award", "amount_cents": asked, "score": 4, "explanation": WHY}
            self.tell(name, ADVISER, "advise", given=advice)

    # --- playing ------------------------------------------------------------------------------------------------------

    def tick(self) -> datetime:
        """The next moment."""
        self.at += timedelta(minutes=5)
        return self.at

    def go_to(self, day: str) -> None:
        """It is the morning of this day; time never goes back."""
        then = datetime.combine(date.fromisoformat(day), time(9), AMSTERDAM)
        assert then > self.at, f"{day} has passed"
        self.at = then

    def people(self, email: str) -> Actor:
        """Somebody."""
        return self.teller.people[email]

    def writer(self, name: str) -> Actor:
        """Who writes for a school."""
        return self.people(SCHOOLS[NAMES.index(name)][1])

    def tell(self, name: str, by: str, do: str, **more: Any) -> None:
        """One act on an application, as the worked case does it."""
        at = f"{self.tick():%Y-%m-%d %H:%M}"
        self.teller.perform({"at": at, "by": by, "ref": self.refs[name], "do": do, **more})

    def act(self, kind: str, ref: str, action: str, by: str, **given: Any) -> None:
        """One act on anything else."""
        perform(self.session, kind, ref, action, actor=self.people(by), now=self.tick(), given=given)

    def play(self) -> None:
        """Do every act in order; compare where the table says what stands."""
        for number, told in enumerate(self.data["acts"], 1):
            act = dict(told)
            if "on" in act:
                self.go_to(act.pop("on"))
            ((verb, what),) = act.items()
            try:
                VERBS[verb](self, what)
                self.session.flush()
                assert ledger.verify(self.session) is None
            except Exception as error:
                error.add_note(f"act {number}: {told}")
                raise

    def app(self, name: str) -> Application:
        """The application of a school, as it stands."""
        self.session.expire_all()
        return self.session.scalars(select(Application).where(Application.ref == self.refs[name])).one()

    @property
    def tranche(self) -> Tranche:
        """The tranche."""
        return self.session.scalars(select(Tranche).where(Tranche.ref == SOURCE)).one()

    def orders_of(self, name: str, *states: str) -> list[PaymentOrder]:
        """Payments to a school."""
        query = select(PaymentOrder).where(PaymentOrder.application_id == self.app(name).id)
        return list(self.session.scalars(query.where(PaymentOrder.state.in_(states)).order_by(PaymentOrder.id)))


def _merge(rules: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(rules.get(key), dict):
            _merge(rules[key], value)
        else:
            rules[key] = value


def _share(told: Mapping[str, str]) -> dict[str, Any]:
    """{own: "1.500,00"}, {company: "500,00", goods: "yes"} or {company: "20", hours: "yes"}."""
    ((kind, much),) = [(key, value) for key, value in told.items() if key in ("own", "company")]
    by_hours = "hours" in told
    return {
        "party": "De school zelf" if kind == "own" else "Bouwbedrijf Demo",
        "kind": kind,
        "in_kind": by_hours or "goods" in told,
        "hours": int(much) if by_hours else None,
        "cents": 0 if by_hours else cents(much),
    }


# --- verbs ------------------------------------------------------------------------------------------------------------


def _award(play: Played, told: Mapping[str, str]) -> None:
    for name, amount in told.items():
        play.tell(name, DECIDER, "award", given={"amount_cents": cents(amount), "explanation": WHY})


def _of_school(action: str, by: str | None = None) -> Callable[[Played, list[str]], None]:
    """Make the verb that does one thing to each of these schools; by: None: the school itself."""

    def verb(play: Played, told: list[str]) -> None:
        for name in told:
            play.tell(name, by or play.writer(name).email, action, given={"explanation": WHY})

    return verb


def _offer(play: Played, told: Mapping[str, str]) -> None:
    for name, amount in told.items():
        play.tell(name, COORDINATOR, "offer", given={"amount_cents": cents(amount)})


def _ceiling(play: Played, told: str) -> None:
    play.act("tranche", SOURCE, "change_ceiling", COORDINATOR, pot="", cents=cents(told), explanation=WHY)


def _pay(play: Played, told: str) -> None:
    """All that is due: prepared, approved, sent; what it comes to in all."""
    now = play.tick()
    day = next_bank_day(now.astimezone(AMSTERDAM).date())
    batch = prepare(play.session, None, actor=play.people(FINANCE), now=now, execution_on=day)
    assert euro(batch.total_cents) == euro(cents(told))
    _approve_and_send(play, batch)


def _approve_and_send(play: Played, batch: PaymentBatch) -> None:
    list_hash = batch_hash(batch, orders(play.session, batch))
    play.act("payment_batch", batch.ref, "approve", SECOND, list_hash=list_hash)
    play.act("payment_batch", batch.ref, "send", FINANCE)


def _bank(play: Played, told: list[Mapping[str, Any]]) -> None:
    """What one statement tells: {pays: [school]}, {returns: school} or {receives: {school: amount}}."""
    entries: list[Entry] = []
    for one in told:
        ((what, whom),) = one.items()
        if what == "pays":
            pending = [order for name in whom for order in play.orders_of(name, "pending")]
            entries += [paid(o.end_to_end_id, o.cents, o.iban, o.name) for o in pending]
        elif what == "returns":
            order = play.orders_of(whom, "pending", "paid")[-1]
            entries.append(returned(order.end_to_end_id, order.cents, order.iban, order.name))
        else:
            for name, amount in whom.items():
                words = f"Terugbetaling TV-{play.refs[name]}"
                number = f"IN-{next(play.numbers)}"
                entries.append(received(cents(amount), "", "Bestuur", words, reference=number))
    content = statement(lead_applicant().iban, f"A-{next(play.numbers)}", opening=play.bank, entries=entries)
    result = import_statement(play.session, content, actor=play.people(FINANCE), now=play.tick())
    assert not result.unmatched, result.unmatched
    play.bank += sum(entry.sum for entry in entries)


def _account(play: Played, told: Mapping[str, Mapping[str, Any]]) -> None:
    for name, accounts in told.items():
        by_hours = ["hours" in one for one in play.data["schools"][name]["others"]]
        play.tell(
            name,
            play.writer(name).email,
            "account",
            claimed=[cents(amount) for amount in accounts["spent"]],
            received=[
                int(much) if hours else cents(much) for much, hours in zip(accounts["received"], by_hours, strict=True)
            ],
            explanations=dict.fromkeys(range(1, len(accounts["spent"]) + 1), "Het liep anders dan gepland."),
            results="Alle leerlingen bouwden mee.",
        )
        play.tell(name, play.writer(name).email, "report")


def _judge(play: Played, told: Mapping[str, Mapping[str, str]]) -> None:
    for name, lines in told.items():
        accepted = {int(position): cents(amount) for position, amount in lines.items()}
        play.tell(name, FINANCE, "judge", accepted=accepted, reasons=dict.fromkeys(accepted, "Dit telt niet mee."))


def _proof(play: Played, told: list[str]) -> None:
    """The interim report: written and sent by the school, approved by finance."""
    for name in told:
        query = select(InterimReport).where(InterimReport.application_id == play.app(name).id)
        report = play.session.scalars(query.order_by(InterimReport.id)).first()
        assert report is not None
        interim.save(play.session, report.ref, "De helft is klaar.", actor=play.writer(name), now=play.tick())
        play.act("interim_report", report.ref, "send", play.writer(name).email)
        play.act("interim_report", report.ref, "approve", FINANCE)


def _change(play: Played, told: Mapping[str, str]) -> None:
    """The school needs less; the coordinator agrees."""
    for name, amount in told.items():
        row = change.request(
            play.session,
            play.refs[name],
            Kind.AMOUNT,
            {"cents": cents(amount)},
            explanation=WHY,
            actor=play.writer(name),
            now=play.tick(),
        )
        play.act("change_request", row.ref, "approve", COORDINATOR)


def _in_parts(play: Played, told: Mapping[str, str]) -> None:
    """A recovery is paid back in so many equal instalments, from a month later."""
    for name, number in told.items():
        balances = ledger.case_balances(play.session, play.app(name).id)
        first = play.at.date() + timedelta(days=30)
        parts = equal_parts(balances[Account.RECEIVABLE], int(number), first)
        play.act("recovery", f"TV-{play.refs[name]}", "agree_schedule", FINANCE, parts=parts)


def _write_off(play: Played, told: list[str]) -> None:
    """Proposed by one, agreed by another."""
    for name in told:
        play.act("recovery", f"TV-{play.refs[name]}", "propose_write_off", FINANCE, explanation=WHY)
        play.act("recovery", f"TV-{play.refs[name]}", "write_off", SECOND)


def _carry(play: Played, told: str) -> None:
    row = carry_over.propose(
        play.session, SOURCE, TARGET, cents=cents(told), reason=WHY, actor=play.people(FINANCE), now=play.tick()
    )
    play.act("carry_over", row.ref, "book", COORDINATOR)


def _close(play: Played, _told: str) -> None:
    """The evaluation is published and two people close the tranche."""
    text = "De scholen leerden er veel van."
    publication.publish_evaluation(play.session, SOURCE, text, actor=play.people(COORDINATOR), now=play.tick())
    play.act("tranche", SOURCE, "propose_closing", FINANCE)
    play.act("tranche", SOURCE, "close", SECOND)


def _stands(play: Played, told: Mapping[str, Mapping[str, str]]) -> None:
    """Compare what now stands in the accounts of these cases, or of the tranche; what is not named is nothing."""
    for name, expected in told.items():
        if name == "tranche":
            found = ledger.tranche_balances(play.session, play.tranche.id)
        else:
            found = ledger.case_balances(play.session, play.app(name).id)
        shown = {str(account): euro(much) for account, much in found.items() if much and account != Account.CEILING}
        assert shown == {account: euro(cents(amount)) for account, amount in expected.items()}, name


VERBS: dict[str, Callable[[Played, Any], None]] = {
    "award": _award,
    "waitlist": _of_school("waitlist", DECIDER),
    "offer": _offer,
    "accept": _of_school("accept_offer"),
    "ceiling": _ceiling,
    "pay": _pay,
    "bank": _bank,
    "account": _account,
    "judge": _judge,
    "intend": _of_school("intend_determination", FINANCE),
    "respond": _of_school("respond"),
    "determine": _of_school("determine", FINANCE),
    "last_term": _of_school("set_last_term", FINANCE),
    "ex_officio": _of_school("begin_ex_officio", FINANCE),
    "revoke": _of_school("revoke", DECIDER),
    "proof": _proof,
    "change": _change,
    "in_parts": _in_parts,
    "write_off": _write_off,
    "carry": _carry,
    "close": _close,
    "stands": _stands,
}


# --- the outcome ------------------------------------------------------------------------------------------------------


def outcome(play: Played) -> dict[str, dict[str, str]]:
    """What came of it, as a table has it under `outcome`."""
    found = {name: _case(play, name) for name in play.refs}
    figures = tranche_money.closing_figures(*tranche_money.standing(play.session, play.tranche.id))
    assert figures.adds_up
    found["tranche"] = {
        name: euro(much)
        for name, much in {
            "ceiling": figures.ceiling,
            "awarded": figures.awarded,
            "determined": figures.determined,
            "written_off": figures.written_off,
            "never_awarded": figures.unallocated,
            "released": figures.released,
            "unspent": figures.unspent,
        }.items()
    }
    return found


def _case(play: Played, name: str) -> dict[str, str]:
    app = play.app(name)
    stands = ledger.case_balances(play.session, app.id)
    award = play.session.get(Award, app.id)
    final = play.session.scalars(
        select(Determination).where(Determination.application_id == app.id, Determination.kind == "final")
    ).one_or_none()
    kept = sum(stands.get(account, 0) for account in tranche_money.AT_SCHOOLS)
    found = {"state": app.state, "awarded": euro(award.cents if award else 0), "keeps": euro(kept)}
    if final is not None:
        steps = final.calculation
        found |= {"eligible": euro(steps["eligible"]), "determined": euro(final.cents)}
        if steps["co_financing_short"]:
            found["short"] = euro(steps["co_financing_short"])
    return found


def expected(play: Played) -> dict[str, dict[str, str]]:
    """The outcome of the table, its amounts written alike."""
    return {
        name: {key: much if key == "state" else euro(cents(much)) for key, much in told.items()}
        for name, told in play.data["outcome"].items()
    }


def proved(session: Session) -> None:
    """Ledger and journal hold."""
    assert ledger.verify(session) is None
    assert journal.verify(session) is None
