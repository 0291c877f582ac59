"""What must hold in a world, whatever was tried: reckoned from the rows themselves, beside the product's own proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fundapp.domain.ledger import OUTSTANDING, Account
from fundapp.services import journal, ledger, tranche_money
from tests.support.world.play import World
from tests.support.world.stage import SOURCE

_ENTRIES = text("""
  SELECT tranche_id, pot, account, sum(cents)::bigint FROM (
    SELECT tranche_id, p.pot, account, cents FROM ledger_entry e CROSS JOIN LATERAL (
      SELECT '' AS pot WHERE e.movement <> 'sub_ceiling_set' UNION SELECT e.pot WHERE e.pot <> '') p) x
  GROUP BY 1, 2, 3
""")
_CASES = text("""
  SELECT a.ref, a.state,
    coalesce((SELECT cents FROM award WHERE application_id = a.id), 0) AS awarded,
    (SELECT cents FROM determination WHERE application_id = a.id AND kind = 'final') AS determined,
    coalesce((SELECT cents FROM recovery WHERE application_id = a.id), 0) AS claimed,
    (SELECT coalesce(json_object_agg(account, cents), '{}') FROM case_balance WHERE application_id = a.id) AS stands,
    (SELECT coalesce(sum(-o.cents), 0) FROM payment_order o WHERE o.application_id = a.id AND o.state = 'paid') AS out,
    (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e WHERE e.application_id = a.id
       AND e.account = 'available' AND e.movement IN ('recovery_received', 'set_off')) AS back
  FROM application a WHERE a.tranche_id = :tranche ORDER BY a.id
""")
_BANK = text("SELECT coalesce(sum(cents), 0) FROM bank_line WHERE matched_as IN ('payment', 'bounce', 'recovery')")
_TOLD = text("SELECT coalesce(sum(cents), 0) FROM bank_line")


def check(world: World) -> None:
    """Everything that must always hold."""
    with world.make() as session:
        assert ledger.verify(session) is None, world.log
        assert ledger.verify(session, world.source) is None
        _accounts_add_up(world, session)
        cases = [dict(case) for case in session.execute(_CASES, {"tranche": world.source}).mappings()]
        _parts_make_the_whole(world, session, cases)
        for case in cases:
            _case_adds_up(case)
        _bank_agrees(world, session)


def _accounts_add_up(world: World, session: Session) -> None:
    """Every pot sums to zero, by entries and by balances, and nothing is below zero but the source of it all."""
    pots: dict[tuple[int, str], dict[str, int]] = {}
    for tranche_id, pot, account, cents in session.execute(_ENTRIES):
        pots.setdefault((tranche_id, pot), {})[account] = cents
    for (tranche_id, pot), accounts in pots.items():
        assert sum(accounts.values()) == 0, (pot, accounts)
        assert all(cents >= 0 for account, cents in accounts.items() if account != Account.CEILING), (pot, accounts)
        kept = {str(a): cents for a, cents in ledger.tranche_balances(session, tranche_id, pot).items()}
        assert {a: c for a, c in kept.items() if c} == {a: c for a, c in accounts.items() if c}, pot
    assert (world.source, "") in pots


def _case_adds_up(case: Mapping[str, Any]) -> None:
    """Of what was awarded no more is promised, paid or lost than that; a final amount stands where it must."""
    stands = {Account(account): cents for account, cents in case["stands"].items()}
    awarded, determined = case["awarded"], case["determined"]

    def of(*accounts: Account) -> int:
        return sum(stands.get(account, 0) for account in accounts)

    schools_have = of(Account.PAID, Account.DETERMINED, Account.RECEIVABLE, Account.WRITTEN_OFF)
    assert schools_have <= awarded, case
    assert of(*stands) - of(Account.OFFERED) <= awarded, case
    if determined is not None:
        assert determined <= awarded
        assert of(Account.DETERMINED, Account.PAYABLE, Account.IN_TRANSIT) == determined, case
        assert of(Account.COMMITTED, Account.PAID, Account.OFFERED) == 0, case
    assert case["claimed"] == of(Account.RECEIVABLE, Account.WRITTEN_OFF) + case["back"], case
    if case["state"] == "settled":
        came_back = of(Account.PAYABLE, Account.IN_TRANSIT)
        assert of(*OUTSTANDING) == came_back, case
    if case["state"] in ("rejected", "waitlisted", "withdrawn"):
        assert of(*stands) == 0, case


def _parts_make_the_whole(world: World, session: Session, cases: list[dict[str, Any]]) -> None:
    """The closing figures are the sum of what stands on the cases, of decisions and of final amounts."""
    money, moved = tranche_money.standing(session, world.source)
    figures = tranche_money.closing_figures(money, moved)
    for account in Account:
        if account not in (Account.CEILING, Account.AVAILABLE, Account.CARRIED):
            assert money.of(account) == sum(case["stands"].get(account, 0) for case in cases), account
    assert figures.awarded == sum(case["awarded"] for case in cases)
    final = sum(case["determined"] or 0 for case in cases)
    on_its_way = sum(case["stands"].get("in_transit", 0) for case in cases if case["determined"] is not None)
    assert figures.determined + money.of(Account.PAYABLE) + on_its_way == final
    outstanding = sum(money.of(account) for account in OUTSTANDING)
    assert figures.ceiling == figures.determined + figures.unspent + figures.written_off + outstanding
    assert figures.unspent + money.of(Account.OFFERED) == figures.unallocated + figures.released
    state = session.execute(text("SELECT state FROM tranche WHERE ref = :ref"), {"ref": SOURCE}).scalar_one()
    if state in ("closed", "reopening"):
        assert figures.adds_up
        assert outstanding == 0


def _bank_agrees(world: World, session: Session) -> None:
    """What the bank moved for cases is what schools have; and every line that it told is there, once."""
    with_schools = sum(
        cents
        for tranche_id in (world.source, world.target)
        for account, cents in ledger.tranche_balances(session, tranche_id).items()
        if account in tranche_money.AT_SCHOOLS
    )
    assert session.execute(_BANK).scalar_one() == -with_schools
    if not world.bank.lock.locked():
        from tests.support.world.bank import OPENING

        assert session.execute(_TOLD).scalar_one() == world.bank.balance - OPENING


# --- round the product ------------------------------------------------------------------------------------------------

_HALVES = """
  INSERT INTO ledger_entry (journal_id, posting, tranche_id, application_id, pot, account, movement, cents, at)
  SELECT (SELECT max(id) FROM journal), 900, :tranche, NULL, '', account, 'award', cents, now()
  FROM (VALUES ('available', -(:cents)::bigint), ('committed', (:cents)::bigint)) h(account, cents)
"""
ATTACKS = (
    "UPDATE ledger_entry SET cents = cents + 1",
    "DELETE FROM ledger_entry",
    "UPDATE journal SET reason = 'anders'",
    "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal)",
    "UPDATE tranche_balance SET cents = cents + 1 WHERE account = 'available'",
    "UPDATE case_balance SET cents = 0",
    "DELETE FROM tranche_movement",
    "UPDATE ceiling_change SET new_cents = new_cents + 1",
    "TRUNCATE ledger_entry CASCADE",
    "UPDATE award SET cents = cents + 1",
    "UPDATE tranche SET state = 'closed' WHERE id = :tranche AND state NOT IN ('closed', 'closing', 'reopening')",
    _HALVES,
)
"""What somebody who goes round the product would do; the database refuses each of these in any state of a tranche."""


def attack(world: World, number: int) -> None:
    """Somebody tries direct SQL, and the database refuses it."""
    statement = ATTACKS[number % len(ATTACKS)]
    with world.make() as session:
        free = ledger.tranche_balances(session, world.source).get(Account.AVAILABLE, 0)
        try:
            done: Any = session.execute(text(statement), {"tranche": world.source, "cents": free + 1})
        except DBAPIError:
            session.rollback()
        else:
            assert done.rowcount == 0, f"the database let it pass: {statement}"
    world.log.append(f"attack({number}): refused")


def proved(world: World) -> None:
    """At the end of a play: the journal's chain too."""
    with world.make() as session:
        assert journal.verify(session) is None
