"""The worked case, played by the product itself: every act goes through the same use cases as a person's click.

The story is data (`fundapp/data/demo/`); this module reads it aloud. A second load of the same story changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.adapters.fund_file import load_funds
from fundapp.adapters.scanner import NoScanner
from fundapp.domain.change import Kind
from fundapp.domain.consent import party_key
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.draft import CostLine, PartnerLine, Share
from fundapp.domain.facts import SignerRole
from fundapp.domain.form_spec import PageKind
from fundapp.domain.fund import FundSpec, TrancheSpec
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.register import fold
from fundapp.domain.sepa import next_bank_day
from fundapp.domain.signing import SignatureState
from fundapp.domain.term import Profile
from fundapp.persistence.application import Application, StoredDocument
from fundapp.persistence.consent import PartnerConsent
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import BankAccount, Instalment, PaymentBatch
from fundapp.persistence.people import Membership, Person, RoleGrant
from fundapp.persistence.progress import ProgressRow
from fundapp.persistence.register import School, SchoolBoard
from fundapp.persistence.signing import Signature
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import (
    bank,
    change,
    consent,
    draft,
    funds,
    payment,
    publication,
    report,
    report_reading,
    signing,
    signing_answer,
)
from fundapp.services.demo_panel import ACTS, no_interest
from fundapp.services.payment_prepare import prepare
from fundapp.services.people import actor_by_email
from fundapp.services.ports import FileStore
from fundapp.services.register import save_sub_regions
from fundapp.services.samples import sample_answers
from fundapp.services.signing import SignerLine
from fundapp.services.transitions import perform

DATA = Path(__file__).resolve().parents[1] / "data"
_RELATIVE = re.compile(r"([+-]\d+)d (\d{2}):(\d{2})")


def moment(at: str, loaded_at: datetime) -> datetime:
    """Read "2021-10-05 10:15" or "-40d 10:15" (days before the load), Amsterdam time."""
    relative = _RELATIVE.fullmatch(at)
    if relative is None:
        return datetime.fromisoformat(at).replace(tzinfo=AMSTERDAM)
    day = loaded_at.astimezone(AMSTERDAM).date() + timedelta(days=int(relative[1]))
    return datetime(day.year, day.month, day.day, int(relative[2]), int(relative[3]), tzinfo=AMSTERDAM)


def story() -> dict[str, Any]:
    """The worked case as data."""
    data: dict[str, Any] = yaml.safe_load((DATA / "demo" / "worked_case.yaml").read_text(encoding="utf-8"))
    return data


def accounts() -> list[dict[str, Any]]:
    """The people of the worked case as data."""
    rows: list[dict[str, Any]] = yaml.safe_load((DATA / "demo" / "accounts.yaml").read_text(encoding="utf-8"))
    return rows


def is_loaded(session: Session) -> bool:
    """Whether the story was played to its end."""
    last = story()["acts"][-1]
    state = session.scalar(select(Tranche.state).where(Tranche.ref == last["ref"]))
    return state == "closed"


def load(make_session: sessionmaker[Session], files: FileStore, now: datetime) -> bool:
    """Play the story. Returns False when it was there already. One transaction: a load that is cut off leaves nothing.

    Raises Refused where the story no longer fits the rules: then the story, or a rule, is wrong.
    """
    with make_session() as session:
        if is_loaded(session):
            return False
        with unit_of_work(session):
            Storyteller(session, files, now).play(story())
    return True


@dataclass
class Storyteller:
    """Plays a story; keeps who is who. sheets: what a school wrote, by reference.

    profile: under which law all funds work; None: each under its own.
    """

    session: Session
    files: FileStore
    loaded_at: datetime
    profile: Profile | None = None
    people: dict[str, Actor] = field(default_factory=dict)
    sheets: dict[str, dict[str, Any]] = field(default_factory=dict)
    meetings: dict[str, int] = field(default_factory=dict)

    def moment(self, at: str) -> datetime:
        """Return a moment of the story."""
        return moment(at, self.loaded_at)

    def play(self, data: dict[str, Any]) -> None:
        """Set the stage, then do every act in order."""
        self.set_stage(data)
        for act in data["acts"]:
            self.perform(act)

    def set_stage(self, data: dict[str, Any]) -> None:
        """Schools, funds, people, bank accounts, rounds."""
        save_sub_regions(self.session)
        begin = moment("2021-08-01 09:00", self.loaded_at)
        for board in data["boards"]:
            self.session.add(SchoolBoard(number=board["number"], name=board["name"]))
        self.session.flush()
        for row in data["schools"]:
            self.session.add(
                School(
                    code=row["code"],
                    level=row["level"],
                    board_number=row["board"],
                    name=row["name"],
                    name_key=fold(row["name"]),
                    place=row["place"],
                    place_key=fold(row["place"]),
                    province="Zeeland",
                    sub_region=row["sub_region"],
                )
            )
        for spec in load_funds():
            funds.publish(self.session, spec.under(self.profile) if self.profile else spec, now=begin)
        self.session.flush()
        for row in accounts():
            self._person(row, begin)
        first, second = self.people["fatima@stoz.example.org"], self.people["gijs@stoz.example.org"]
        for board in data["boards"]:
            self.session.add(
                BankAccount(
                    board_number=board["number"],
                    iban=board["iban"],
                    holder=board["name"],
                    sepa_name=board["name"],
                    entered_at=begin,
                    entered_by_id=first.id,
                    called_name="Administratie",
                    called_number="0118 000 000",
                    called_at=begin,
                    confirmed_at=begin,
                    confirmed_by_id=second.id,
                )
            )
        for row in data["tranches"]:
            self._tranche(row)
        self._progress_report()
        self.sheets = {sheet["ref"]: sheet for sheet in data["applications"]}

    def _progress_report(self) -> None:
        told = yaml.safe_load((DATA / "demo" / "progress.yaml").read_text(encoding="utf-8"))
        for position, part in enumerate(told["parts"], 1):
            for number, row in enumerate(part["rows"], 1):
                self.session.add(
                    ProgressRow(period=told["period"], part_position=position, part=part["part"], number=number, **row)
                )

    def _person(self, row: dict[str, Any], since: datetime) -> None:
        person = Person(email=row["email"], name=row["name"], created_at=since)
        self.session.add(person)
        self.session.flush()
        for code in row.get("schools", []):
            board = self.session.get_one(School, code).board_number
            self.session.add(
                Membership(person_id=person.id, board_number=board, school_code=code, capacity=row["capacity"])
            )
        for board in row.get("boards", []):
            self.session.add(Membership(person_id=person.id, board_number=board, capacity=row["capacity"]))
        for role in row.get("roles", []):
            self.session.add(
                RoleGrant(
                    person_id=person.id,
                    role=role,
                    fund_key=row.get("fund"),
                    sub_region=row.get("sub_region"),
                    granted_at=since,
                )
            )
        self.session.flush()
        actor = actor_by_email(self.session, person.email)
        assert actor is not None
        self.people[person.email] = actor

    def _tranche(self, row: dict[str, Any]) -> None:
        times = {name: moment(row[name], self.loaded_at) for name in ("opens_at", "closes_at")}
        spec = TrancheSpec.model_validate(row | times)
        before = spec.opens_at - timedelta(days=12)
        coordinator = self.people["corrie@stoz.example.org"]
        funds.create_tranche(self.session, spec, now=before, actor=coordinator)
        self.session.flush()
        perform(self.session, "tranche", spec.ref, "announce", actor=coordinator, now=before)

    def perform(self, act: Mapping[str, Any]) -> None:
        """Do one act of the story."""
        at = moment(act["at"], self.loaded_at)
        actor = self.people[act["by"]] if "by" in act else SYSTEM
        special: dict[str, Callable[[Mapping[str, Any], Actor, datetime], None]] = {
            "write": self._write,
            "add": self._add,
            "ask_signature": self._ask_signature,
            "sign": self._sign,
            "ask_consent": self._ask_consent,
            "consent": self._consent,
            "account": self._account,
            "sign_report": self._sign_report,
            "judge": self._judge,
            "prepare_batch": self._prepare_batch,
            "statement": self._statement,
            "publish": self._publish,
            "change": self._change,
        }
        if act["do"] in special:
            special[act["do"]](act, actor, at)
            return
        if act["do"] in ACTS:
            ACTS[act["do"]](self, act, actor, at)
            return
        kind = act.get("kind", "application")
        given = dict(act.get("given", {}))
        if act["do"] == "advise":
            given["scores"] = dict.fromkeys([c.code for c in self._spec(act["ref"]).criteria], given.pop("score"))
        if kind == "payment_batch" and act["do"] == "approve":
            batch = self.session.scalars(select(PaymentBatch).where(PaymentBatch.ref == act["ref"])).one()
            given["list_hash"] = payment.batch_hash(batch, payment.orders(self.session, batch))
        if kind == "application":
            no_interest(self, act, actor, at)
        perform(self.session, kind, act["ref"], act["do"], actor=actor, now=at, given=given)

    def _spec(self, ref: str) -> FundSpec:
        version = self.session.scalar(select(Application.fund_version_id).where(Application.ref == ref))
        assert version is not None
        return funds.spec_of(self.session, version)

    # --- acts that are more than a button -----------------------------------------------------------------------------

    def _write(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """A school writes an application, page by page."""
        sheet = self.sheets[act["ref"]]
        tranche_ref = act["ref"].rpartition("-")[0]
        app = draft.create(self.session, tranche_ref, sheet["school"], actor=actor, now=at)
        assert app.ref == act["ref"], f"the story says {act['ref']}, the product {app.ref}"
        self._fill(app.ref, sheet, actor, at)

    def _fill(self, ref: str, sheet: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        given = sheet["answers"] | {
            name: moment(f"{sheet[name]} 00:00", self.loaded_at).date() for name in ("starts_on", "ends_on")
        }
        with draft.writing(self.session, ref, actor=actor, now=at) as page:
            for section in page.spec.form.sections:
                if section.questions:
                    mistakes = page.answers(section, sample_answers(page.spec, section, given))
                    assert not mistakes, mistakes
                if section.page is PageKind.SIGNING:
                    line = SignerLine(1, SignerRole.SCHOOL_LEADER, sheet["signer"], sheet["signer_email"])
                    wrong = signing.write_signers(page, [line])
                    assert not wrong, wrong
            page.budget([CostLine(*line) for line in sheet["budget"]], requested_cents=sheet["requested"])
            page.contributions([Share(**share) for share in sheet["contributions"]])
        self._add({**sheet, "ref": ref}, actor, at)

    def _add(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """Partners and documents, now or at the completion."""
        with draft.writing(self.session, act["ref"], actor=actor, now=at) as page:
            if "partners" in act:
                page.partners([PartnerLine(**partner) for partner in act["partners"]])
            for kind in act.get("documents", []):
                stored = self.files.put((DATA / "demo" / "voorbeeldbrief.pdf").read_bytes())
                if self.session.get(StoredDocument, stored.sha256) is None:
                    self.session.add(
                        StoredDocument(
                            sha256=stored.sha256,
                            size=stored.size,
                            media_type="application/pdf",
                            scan="not_scanned",
                            stored_at=at,
                        )
                    )
                    self.session.flush()
                page.attach(kind, f"{kind}.pdf", stored.sha256)

    def _ask_signature(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """Ask for the agreement before sending."""
        with draft.writing(self.session, act["ref"], actor=actor, now=at) as page:
            signing.ask(page)

    def _sign(self, act: Mapping[str, Any], _actor: Actor, at: datetime) -> None:
        """Everybody who was asked to sign does so, by mail."""
        waiting = self.session.scalars(
            select(Signature.id)
            .join(Application, Application.id == Signature.application_id)
            .where(Application.ref == act["ref"], Signature.state == SignatureState.ASKED)
            .order_by(Signature.place)
        ).all()
        for number in waiting:
            read = signing_answer.reading(self.session, number, at)
            signing_answer.sign(self.session, number, read.signatures.content, now=at)

    def _ask_consent(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """Ask a partner whether it takes part."""
        key = party_key(act["party"])
        consent.ask(self.session, act["ref"], key, act["name"], act["email"], actor=actor, now=at)

    def _consent(self, act: Mapping[str, Any], _actor: Actor, at: datetime) -> None:
        """The partner says yes."""
        row = self.session.scalars(
            select(PartnerConsent)
            .join(Application, Application.id == PartnerConsent.application_id)
            .where(Application.ref == act["ref"], PartnerConsent.party_key == party_key(act["party"]))
        ).one()
        party = consent.reading(self.session, row.id).party
        assert party is not None
        consent.answer(self.session, row.id, agrees=True, name=row.name, explanation="", sha256=party.sha256, now=at)

    def _account(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """A school accounts: spent per line and received per contribution (cents, or hours), in order; with proof."""
        bare = act.get("no_evidence", {})
        for position in range(1, len(act["claimed"]) + 1):
            if position not in bare:
                self._prove(act["ref"], position, actor, at)
        written = report.Written(
            claimed=dict(enumerate(act["claimed"], 1)),
            explanations=act.get("explanations", {}),
            no_evidence=bare,
            received=dict(enumerate(act["received"], 1)),
            results=act["results"],
            may_publish=True,
        )
        report.save_report(self.session, act["ref"], written, actor=actor, now=at)

    def _sign_report(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """Sign the final accounts as they stand, where the fund asks it."""
        app = self.session.scalars(select(Application).where(Application.ref == act["ref"])).one()
        picture = report_reading.picture(self.session, app)
        if picture is not None and picture.asked.signed:
            report.sign(self.session, act["ref"], content=picture.content, actor=actor, now=at)

    def _prove(self, ref: str, position: int, actor: Actor, at: datetime) -> None:
        report.add_evidence(
            self.session,
            ref,
            position=position,
            kind=None,
            file_name=f"facturen regel {position}.pdf",
            content=(DATA / "demo" / "voorbeeldbrief.pdf").read_bytes(),
            files=self.files,
            scanner=NoScanner(),
            actor=actor,
            now=at,
        )

    def _judge(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        _, mistakes = report.judge_lines(
            self.session, act["ref"], accepted=act["accepted"], reasons=act.get("reasons", {}), actor=actor, now=at
        )
        assert not mistakes, mistakes

    def _prepare_batch(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        """Pick every payment that is due in one tranche."""
        tranche_id = self.session.scalars(select(Tranche.id).where(Tranche.ref == act["tranche"])).one()
        due = self.session.scalars(
            select(Instalment.id)
            .join(Application, Application.id == Instalment.application_id)
            .where(Application.tranche_id == tranche_id, Instalment.state == "due")
            .order_by(Instalment.id)
        ).all()
        day = next_bank_day(at.astimezone(AMSTERDAM).date())
        batch = prepare(self.session, due, actor=actor, now=at, execution_on=day)
        assert batch.ref == act["ref"], f"the story says {act['ref']}, the product {batch.ref}"

    def _statement(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        result = bank.import_statement(self.session, (DATA / "demo" / act["file"]).read_bytes(), actor=actor, now=at)
        assert not result.unmatched, result

    def _publish(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        publication.publish_evaluation(self.session, act["ref"], act["text"], actor=actor, now=at)

    def _change(self, act: Mapping[str, Any], actor: Actor, at: datetime) -> None:
        why = act["explanation"]
        change.request(self.session, act["ref"], Kind(act["kind"]), act["asked"], explanation=why, actor=actor, now=at)
