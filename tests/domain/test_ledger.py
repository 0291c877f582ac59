"""Postings: every act moves money from one account to another, and nothing is made or lost on the way."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fundapp.domain import ledger
from fundapp.domain.ledger import Account, Movement, Posting

cents = st.integers(1, 10**9)


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_determination_uses_up_what_was_promised_and_paid(committed: int, paid: int, determined: int) -> None:
    determined = min(determined, committed + paid)
    moved: Counter[Account] = Counter()
    for posting in ledger.determine(determined, committed=committed, paid=paid):
        moved[posting.debit] -= posting.cents
        moved[posting.credit] += posting.cents
    assert moved[Account.COMMITTED] == -committed
    assert moved[Account.PAID] == -paid
    assert moved[Account.DETERMINED] + moved[Account.PAYABLE] == determined
    assert moved[Account.RECEIVABLE] == max(0, paid - determined)
    assert sum(moved.values()) == 0


def test_more_than_was_awarded_cannot_be_determined() -> None:
    with pytest.raises(ValueError, match="between nothing and what was awarded"):
        ledger.determine(101, committed=50, paid=50)


def test_a_posting_moves_something_somewhere() -> None:
    with pytest.raises(ValueError, match="not a posting"):
        Posting(Movement.AWARD, Account.AVAILABLE, Account.COMMITTED, 0)
    with pytest.raises(ValueError, match="not a posting"):
        Posting(Movement.AWARD, Account.AVAILABLE, Account.AVAILABLE, 5)


class Tranche(RuleBasedStateMachine):
    """One tranche and one award after another, by the rules of the flow; money is never made, lost or below zero."""

    def __init__(self) -> None:
        super().__init__()
        self.balance: Counter[Account] = Counter()
        self.apply(ledger.set_ceiling(10**9))

    def apply(self, postings: list[Posting]) -> None:
        for posting in postings:
            self.balance[posting.debit] -= posting.cents
            self.balance[posting.credit] += posting.cents

    @rule(amount=cents)
    def award(self, amount: int) -> None:
        self.apply(ledger.award(min(amount, self.balance[Account.AVAILABLE])))

    @rule(amount=cents, final=st.booleans())
    def order_and_confirm(self, amount: int, final: bool) -> None:
        source = Account.PAYABLE if final else Account.COMMITTED
        amount = min(amount, self.balance[source])
        self.apply(ledger.order_payment(amount, final=final))
        self.apply(ledger.confirm_payment(amount, final=final))

    @rule(amount=cents, final=st.booleans())
    def order_and_bounce(self, amount: int, final: bool) -> None:
        source = Account.PAYABLE if final else Account.COMMITTED
        amount = min(amount, self.balance[source])
        self.apply(ledger.order_payment(amount, final=final))
        self.apply(ledger.undo_order(amount, final=final, bounced=True))

    @rule(share=st.integers(0, 100))
    def determine(self, share: int) -> None:
        committed, paid = self.balance[Account.COMMITTED], self.balance[Account.PAID]
        self.apply(ledger.determine((committed + paid) * share // 100, committed=committed, paid=paid))

    @precondition(lambda self: self.balance[Account.RECEIVABLE] > 0)
    @rule(amount=cents, give_up=st.booleans())
    def get_back(self, amount: int, give_up: bool) -> None:
        amount = min(amount, self.balance[Account.RECEIVABLE])
        self.apply(ledger.write_off(amount) if give_up else ledger.receive(amount))

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        assert sum(self.balance.values()) == 0

    @invariant()
    def nothing_is_below_zero(self) -> None:
        assert all(amount >= 0 for account, amount in self.balance.items() if account is not Account.CEILING)


TestTranche = Tranche.TestCase
TestTranche.settings = settings(derandomize=True, deadline=None, max_examples=60, stateful_step_count=30)
