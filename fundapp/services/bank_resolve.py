"""Lines of the bank that fit nothing by themselves: what a person says they are, and a second person where money moves.

A resolution is proposed first. Where one person may decide (`domain.bank_line.needs_two`) it is carried out at once;
else it waits for somebody else of finance. Whatever was proposed and decided is kept.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from stdnum import iban as stdnum_iban

from fundapp.domain.bank_line import Category, needs_two
from fundapp.domain.money import euro
from fundapp.domain.payment import OrderState
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.payment import BankLine, BankResolution, PaymentBatch, PaymentOrder
from fundapp.services.bank import only_finance, settle_line
from fundapp.services.bank_booking import Booker
from fundapp.services.bank_match import (
    Line,
    Match,
    Payments,
    Receipt,
    Unmatched,
    match,
    open_recoveries,
    tranches_of,
)
from fundapp.services.journal import note
from fundapp.services.subject import missing
from fundapp.services.transitions import readable

# --- why a line is open -----------------------------------------------------------------------------------------------


def why_open(session: Session, line_id: int) -> Text:
    """Return why a line was not matched. Raises Refused(NOT_FOUND)."""
    row = session.get(BankLine, line_id)
    if row is None:
        raise Refused(missing())
    found = match(session, _as_told(session, row))
    return found.why if isinstance(found, Unmatched) else _FITS_NOW


def _as_told(session: Session, row: BankLine) -> Line:
    *name, last = row.counterparty.split() or [""]
    iban = last if stdnum_iban.is_valid(last) else None
    batch = session.scalar(select(PaymentBatch.ref).where(PaymentBatch.ref == row.text))
    shown = " ".join(name) if iban else row.counterparty
    return Line(row.key, row.cents, row.end_to_end_id, iban, shown, row.text, batch_id=batch, reason=row.reason)


# --- proposing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a line is. reference: of a recovery, a batch or one payment (EndToEndId), for the category `case`.

    order_ids: of a batch of which the bank booked another sum: the payments that it carried out; the others return to
    the worklist.
    """

    category: Category
    reference: str = ""
    order_ids: tuple[int, ...] = ()
    explanation: str = ""


def propose(session: Session, line_id: int, proposal: Proposal, *, actor: Actor, now: datetime) -> BankResolution:
    """Say what a line is. Carried out at once where one person may decide; else a second person must agree.

    Raises Refused: FORBIDDEN for who is not of finance for the whole programme; NOT_FOUND for no such line; INVALID for
    an unknown reference or a missing explanation; STALE when it was matched; CONFLICT where it does not fit, or another
    proposal waits.
    """
    only_finance(actor)
    assert actor.id is not None, "a person proposes"
    line = session.get(BankLine, line_id)
    if line is None:
        raise Refused(missing())
    _check(session, line, proposal)
    waiting = select(BankResolution.id).where(BankResolution.line_id == line.id, BankResolution.decided_at.is_(None))
    if session.scalar(waiting) is not None:
        raise Refused(Refusal("resolution_waits", _WAITS))
    row = BankResolution(
        line_id=line.id,
        category=proposal.category,
        two_people=needs_two(proposal.category, line.cents),
        reference=proposal.reference.strip(),
        order_ids=list(proposal.order_ids),
        explanation=proposal.explanation.strip(),
        proposed_at=now,
        proposed_by_id=actor.id,
    )
    session.add(row)
    session.flush()
    _note(session, row, line, "propose", actor, now)
    if not row.two_people:
        _carry_out(session, row, actor=actor, now=now)
    return row


def _check(session: Session, line: BankLine, proposal: Proposal) -> None:
    if line.matched_as is not None:
        raise Refused(Refusal("already_matched", _ALREADY, kind=Kind.STALE))
    if proposal.category is not Category.CASE:
        if proposal.category in (Category.OTHER, Category.NOT_FOR_US) and not proposal.explanation.strip():
            raise Refused(Refusal("reason_missing", _EXPLAIN, field="explanation", kind=Kind.INVALID))
        return
    reference = proposal.reference.strip()
    if not reference or not _tranches_by_reference(session, reference):
        raise Refused(Refusal("match_unknown", _UNKNOWN, field="reference", kind=Kind.INVALID))
    found = _meant(session, line, reference, proposal.order_ids)
    if isinstance(found, Unmatched):
        raise Refused(Refusal("does_not_fit", found.why, field="reference"))


def _tranches_by_reference(session: Session, reference: str) -> set[int]:
    told = Line("", 0, reference, None, None, "", batch_id=reference)
    claimed = {r.tranche_id for r in open_recoveries(session) if r.ref == reference}
    return tranches_of(session, [told]) | claimed


def _meant(session: Session, line: BankLine, reference: str, order_ids: Collection[int]) -> Match:
    """What a line is by the reference that a person gave."""
    claim = next((r for r in open_recoveries(session) if r.ref == reference), None)
    if claim is not None:
        return Receipt(claim.application_id, claim.open_cents) if line.cents > 0 else Unmatched(_NO_RECEIPT)
    batch_id = session.scalar(select(PaymentBatch.id).where(PaymentBatch.ref == reference))
    if batch_id is not None and order_ids:
        return _part(session, line, batch_id, order_ids)
    told = Line(
        line.key,
        line.cents,
        reference,
        None,
        None,
        "",
        came_back=True,
        batch_id=reference if batch_id is not None else None,
        reason=line.reason,
    )
    return match(session, told)


def _part(session: Session, line: BankLine, batch_id: int, order_ids: Collection[int]) -> Match:
    rows = session.execute(
        select(PaymentOrder.id, PaymentOrder.cents).where(
            PaymentOrder.batch_id == batch_id,
            PaymentOrder.state == OrderState.PENDING,
            PaymentOrder.id == func.any(list(order_ids)),
        )
    ).all()
    total = sum(row.cents for row in rows)
    if len(rows) != len(set(order_ids)) or total != -line.cents:
        return Unmatched(_OTHER_SUM.fill(chosen=same(euro(total)), told=same(euro(abs(line.cents)))))
    return Payments(tuple(sorted(row.id for row in rows)))


# --- deciding ---------------------------------------------------------------------------------------------------------


def decide(session: Session, resolution_id: int, *, accept: bool, actor: Actor, now: datetime) -> BankResolution:
    """Agree with what somebody else proposed, and carry it out; or not: then the line is open again.

    Raises Refused: FORBIDDEN for who is not of finance for the whole programme; NOT_FOUND; STALE when it was decided;
    CONFLICT for who proposed it and agrees, or where it no longer fits.
    """
    only_finance(actor)
    row = session.get(BankResolution, resolution_id)
    if row is None:
        raise Refused(missing())
    if accept and row.two_people and row.proposed_by_id == actor.id:
        raise Refused(Refusal("proposed_by_you", _BY_YOU))
    if accept:
        _carry_out(session, row, actor=actor, now=now)
        return row
    row = _still_open(session, resolution_id)
    row.accepted, row.decided_at, row.decided_by_id = False, now, actor.id
    _note(session, row, session.get_one(BankLine, row.line_id), "refuse", actor, now)
    session.flush()
    return row


def _still_open(session: Session, resolution_id: int) -> BankResolution:
    row = session.get_one(BankResolution, resolution_id, with_for_update=True, populate_existing=True)
    if row.decided_at is not None:
        raise Refused(Refusal("resolution_decided", _DECIDED, kind=Kind.STALE))
    return row


def _carry_out(session: Session, row: BankResolution, *, actor: Actor, now: datetime) -> None:
    """Lock the tranches, then the line, and do what was agreed."""
    booker = Booker(session, actor, now)
    if row.category == Category.CASE:
        booker.lock(_tranches_by_reference(session, row.reference))
    row = _still_open(session, row.id)
    line = session.get_one(BankLine, row.line_id, with_for_update=True, populate_existing=True)
    if line.matched_as is not None:
        raise Refused(Refusal("already_matched", _ALREADY, kind=Kind.STALE))
    row.accepted, row.decided_at, row.decided_by_id = True, now, actor.id
    _note(session, row, line, "accept", actor, now)
    if row.category == Category.CASE:
        _book(session, row, line, booker)
    else:
        line.matched_as = "not_ours"
    session.flush()


def _book(session: Session, row: BankResolution, line: BankLine, booker: Booker) -> None:
    found = _meant(session, line, row.reference, row.order_ids)
    if isinstance(found, Unmatched):
        raise Refused(Refusal("does_not_fit", found.why, field="reference"))
    left_out = _left_out(session, row) if row.order_ids else ()
    try:
        result = settle_line(line, found, booker, by_hand=True)[0]
        if result.matched_as is None:
            raise Refused(Refusal("does_not_fit", result.why or _NO_RECEIPT, field="reference"))
        booker.reject(left_out, line, why=row.explanation)
        booker.finish()
    except IntegrityError as error:
        raise readable(error) from error


def _left_out(session: Session, row: BankResolution) -> tuple[int, ...]:
    """The payments of the batch that the bank did not carry out."""
    return tuple(
        session.scalars(
            select(PaymentOrder.id)
            .join(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
            .where(
                PaymentBatch.ref == row.reference,
                PaymentOrder.state == OrderState.PENDING,
                PaymentOrder.id.not_in(row.order_ids),
            )
            .order_by(PaymentOrder.id)
        )
    )


def _note(session: Session, row: BankResolution, line: BankLine, action: str, actor: Actor, now: datetime) -> None:
    data = {
        "key": line.key,
        "cents": line.cents,
        "category": row.category,
        "reference": row.reference,
        "order_ids": row.order_ids,
        "reason": row.explanation,
        "proposed_by": row.proposed_by_id,
    }
    note(session, actor, now, kind="bank_line", subject_id=line.id, action=action, data=data)
    session.flush()


_FITS_NOW = Text("Deze regel past nu wel. Koppel hem met de hand.", "This line does fit now. Match it by hand.")
_UNKNOWN = Text(
    "Wij vinden geen betaling of open terugvordering met dit kenmerk. Controleer het kenmerk.",
    "There is no payment or open recovery with this reference. Check the reference.",
)
_NO_RECEIPT = Text(
    "Dit past niet: er staat niets meer open, of de bank schreef het af. Kies een ander kenmerk.",
    "This does not fit: nothing is open any more, or the bank paid it out. Choose another reference.",
)
_OTHER_SUM = Text(
    "Wat u koos, is samen {chosen}. De bank boekte {told}. Kies precies wat de bank betaalde.",
    "What you chose is {chosen} together. The bank booked {told}. Choose exactly what the bank paid.",
)
_EXPLAIN = Text("Leg uit wat het is en wat u ermee doet.", "Explain what it is and what you do with it.")
_ALREADY = Text(
    "Deze bankregel is al gekoppeld. Bekijk de lijst opnieuw.",
    "This bank line was matched already. Look at the list again.",
)
_WAITS = Text(
    "Een collega deed al een voorstel voor deze regel. Beslis daar eerst over.",
    "A colleague proposed something for this line already. Decide on that first.",
)
_DECIDED = Text(
    "Over dit voorstel is al beslist. Bekijk de regel opnieuw.",
    "This proposal was decided on already. Look at the line again.",
)
_BY_YOU = Text(
    "U deed dit voorstel zelf. Vraag een collega om akkoord te geven.",
    "You proposed this yourself. Ask a colleague to agree.",
)
