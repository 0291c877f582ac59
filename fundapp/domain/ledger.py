"""Double entry, per tranche, in whole cents.

Money stands in one of these accounts of its tranche; together with the ceiling they sum to zero:

    ceiling      what was put in (negative: it is the source of all the rest)
    available    free
    offered      offered to somebody on the waiting list, for as long as the offer stands
    reserved     set apart while somebody looks at a decision again
    committed    awarded, not yet paid          (toegezegd, niet betaald)
    paid         awarded and paid in advance    (toegezegd, betaald)
    payable      determined, not yet paid       (vastgesteld, nog te betalen)
    determined   determined and paid            (vastgesteld, betaald)
    in_transit   the bank was told to pay; it has not yet confirmed
    receivable   paid too much, asked back
    written_off  asked back and given up
    carried      free money that has left the tranche

Every act is one or more postings between two accounts. A mistake is corrected by a new posting, never by an edit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Account(StrEnum):
    """See the module's text."""

    CEILING = "ceiling"
    AVAILABLE = "available"
    OFFERED = "offered"
    RESERVED = "reserved"
    COMMITTED = "committed"
    PAID = "paid"
    PAYABLE = "payable"
    DETERMINED = "determined"
    IN_TRANSIT = "in_transit"
    RECEIVABLE = "receivable"
    WRITTEN_OFF = "written_off"
    CARRIED = "carried"


OF_A_CASE = tuple(a for a in Account if a not in (Account.CEILING, Account.AVAILABLE, Account.CARRIED))
"""The accounts that are also kept per application."""

OUTSTANDING = (
    Account.OFFERED,
    Account.COMMITTED,
    Account.PAID,
    Account.PAYABLE,
    Account.IN_TRANSIT,
    Account.RECEIVABLE,
)
"""The accounts that must be empty before a tranche can close."""


class Movement(StrEnum):
    """Why money moved: the lines of the statement "opening → movements → closing"."""

    CEILING_SET = "ceiling_set"
    SUB_CEILING_SET = "sub_ceiling_set"  # touches the pot of its sub-region only
    EARLIER_CEILING = "earlier_ceiling"  # a cut gives way to an application that was there before it
    OFFER = "offer"
    OFFER_ENDED = "offer_ended"
    RESERVE = "reserve"
    RESERVE_ENDED = "reserve_ended"
    AWARD = "award"
    RELEASE = "release"
    ORDER = "order"
    ORDER_UNDONE = "order_undone"
    PAYMENT = "payment"
    BOUNCE = "bounce"
    DETERMINATION = "determination"
    RECOVERY_CLAIMED = "recovery_claimed"
    RECOVERY_RECEIVED = "recovery_received"
    SET_OFF = "set_off"  # paid to a school, or back by it, without the bank (Awb 4:93)
    WRITE_OFF = "write_off"
    CARRY_OVER = "carry_over"


@dataclass(frozen=True, slots=True)
class Posting:
    """`cents` (> 0) go from one account to another, for one application or (None) for the tranche itself."""

    movement: Movement
    debit: Account  # where it comes from
    credit: Account  # where it goes
    cents: int

    def __post_init__(self) -> None:
        if self.cents <= 0 or self.debit is self.credit:
            raise ValueError(f"not a posting: {self}")


Balances = dict[Account, int]
"""Cents per account; an account that is absent is zero."""


def _moves(*rows: tuple[Movement, Account, Account, int]) -> list[Posting]:
    return [Posting(*row) for row in rows if row[3] > 0]


def set_ceiling(change: int) -> list[Posting]:
    """Raise (or, negative, lower) a tranche's ceiling by `change` cents.

    The database refuses to take more than is free.
    """
    if change >= 0:
        return _moves((Movement.CEILING_SET, Account.CEILING, Account.AVAILABLE, change))
    return _moves((Movement.CEILING_SET, Account.AVAILABLE, Account.CEILING, -change))


def set_sub_ceiling(change: int) -> list[Posting]:
    """Raise or lower a sub-ceiling: a limit within the ceiling, kept in the pot of its sub-region."""
    return [replace(posting, movement=Movement.SUB_CEILING_SET) for posting in set_ceiling(change)]


def give_way(cents: int) -> list[Posting]:
    """Put back what a cut took away, for an application that came in before it (Awb 4:27, second paragraph)."""
    return _moves((Movement.EARLIER_CEILING, Account.CEILING, Account.AVAILABLE, cents))


def offer(cents: int) -> list[Posting]:
    """Hold free money for somebody on the waiting list."""
    return _moves((Movement.OFFER, Account.AVAILABLE, Account.OFFERED, cents))


def end_offer(cents: int) -> list[Posting]:
    """An offer lapsed, was declined, or becomes an award: what was held is free."""
    return _moves((Movement.OFFER_ENDED, Account.OFFERED, Account.AVAILABLE, cents))


def reserve(cents: int) -> list[Posting]:
    """Set free money apart, for what somebody may get when a decision is looked at again."""
    return _moves((Movement.RESERVE, Account.AVAILABLE, Account.RESERVED, cents))


def end_reserve(cents: int) -> list[Posting]:
    """It was decided: what was set apart is free, or becomes an award in the same transaction."""
    return _moves((Movement.RESERVE_ENDED, Account.RESERVED, Account.AVAILABLE, cents))


def award(cents: int) -> list[Posting]:
    """Promise an amount."""
    return _moves((Movement.AWARD, Account.AVAILABLE, Account.COMMITTED, cents))


def carry_out(cents: int) -> list[Posting]:
    """Free money leaves a tranche, for a later one."""
    return _moves((Movement.CARRY_OVER, Account.AVAILABLE, Account.CARRIED, cents))


def carry_in(cents: int) -> list[Posting]:
    """The other half of `carry_out`, in the later tranche: its ceiling rises by it."""
    return _moves((Movement.CARRY_OVER, Account.CEILING, Account.AVAILABLE, cents))


def order_payment(cents: int, *, final: bool) -> list[Posting]:
    """Tell the bank to pay: an advance out of what was promised, or (final) what was determined."""
    return _moves((Movement.ORDER, Account.PAYABLE if final else Account.COMMITTED, Account.IN_TRANSIT, cents))


def undo_order(cents: int, *, final: bool, bounced: bool) -> list[Posting]:
    """A payment that was not sent after all, or that the bank sent back."""
    why = Movement.BOUNCE if bounced else Movement.ORDER_UNDONE
    return _moves((why, Account.IN_TRANSIT, Account.PAYABLE if final else Account.COMMITTED, cents))


def bounce_paid(cents: int, *, final: bool) -> list[Posting]:
    """A payment that the bank had booked comes back after all."""
    if final:
        return _moves((Movement.BOUNCE, Account.DETERMINED, Account.PAYABLE, cents))
    return _moves((Movement.BOUNCE, Account.PAID, Account.COMMITTED, cents))


def confirm_payment(cents: int, *, final: bool) -> list[Posting]:
    """The bank has paid."""
    return _moves((Movement.PAYMENT, Account.IN_TRANSIT, Account.DETERMINED if final else Account.PAID, cents))


def determine(determined: int, *, committed: int, paid: int) -> list[Posting]:
    """Fix the final amount of an award of which `committed` is still promised and `paid` was paid in advance.

    What was promised and is no longer needed is released at once; what was paid too much becomes receivable.
    Raises ValueError when the amount is more than was awarded.
    """
    if determined < 0 or determined > committed + paid:
        raise ValueError("a determination lies between nothing and what was awarded")
    from_paid = min(determined, paid)
    to_pay = determined - from_paid
    return _moves(
        (Movement.DETERMINATION, Account.PAID, Account.DETERMINED, from_paid),
        (Movement.DETERMINATION, Account.COMMITTED, Account.PAYABLE, to_pay),
        (Movement.RELEASE, Account.COMMITTED, Account.AVAILABLE, committed - to_pay),
        (Movement.RECOVERY_CLAIMED, Account.PAID, Account.RECEIVABLE, paid - from_paid),
    )


def restore(award: int, *, receivable: int) -> list[Posting]:
    """An award that was revoked holds after all, for `award` cents, of which `receivable` were still asked back.

    What was asked back is no longer; the rest is promised anew.
    """
    kept = min(award, receivable)
    return _moves(
        (Movement.RECOVERY_CLAIMED, Account.RECEIVABLE, Account.PAID, kept),
        (Movement.AWARD, Account.AVAILABLE, Account.COMMITTED, award - kept),
    )


def determine_more(more: int, *, receivable: int) -> list[Posting]:
    """A final amount is `more` cents higher after all, of a case of which `receivable` were still asked back."""
    kept = min(more, receivable)
    return _moves(
        (Movement.DETERMINATION, Account.RECEIVABLE, Account.DETERMINED, kept),
        (Movement.AWARD, Account.AVAILABLE, Account.COMMITTED, more - kept),
        (Movement.DETERMINATION, Account.COMMITTED, Account.PAYABLE, more - kept),
    )


def lower_award(cents: int) -> list[Posting]:
    """Part of a promise is no longer needed, while the project runs: it is free at once."""
    return _moves((Movement.RELEASE, Account.COMMITTED, Account.AVAILABLE, cents))


def set_off_paid(cents: int, *, final: bool) -> list[Posting]:
    """A school is paid by what it owes elsewhere."""
    if final:
        return _moves((Movement.SET_OFF, Account.PAYABLE, Account.DETERMINED, cents))
    return _moves((Movement.SET_OFF, Account.COMMITTED, Account.PAID, cents))


def set_off_received(cents: int) -> list[Posting]:
    """A school pays back by what it was still to get elsewhere: the money is free again."""
    return _moves((Movement.SET_OFF, Account.RECEIVABLE, Account.AVAILABLE, cents))


def receive(cents: int) -> list[Posting]:
    """The school paid back: the money is free again."""
    return _moves((Movement.RECOVERY_RECEIVED, Account.RECEIVABLE, Account.AVAILABLE, cents))


def write_off(cents: int) -> list[Posting]:
    """Give up a claim."""
    return _moves((Movement.WRITE_OFF, Account.RECEIVABLE, Account.WRITTEN_OFF, cents))


def outstanding(balances: Balances) -> int:
    """What is still to be paid, confirmed, received or determined, in cents; nothing means the case adds up."""
    return sum(balances.get(account, 0) for account in OUTSTANDING)
