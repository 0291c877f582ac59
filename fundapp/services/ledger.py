"""The ledger: read balances, and prove that they follow from the entries, and the entries from the journal."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fundapp.domain.ledger import Account, Balances
from fundapp.persistence.ledger import WHOLE_POT, CaseBalance, TrancheBalance
from fundapp.services.journal import Breach


def tranche_balances(session: Session, tranche_id: int, pot: str = WHOLE_POT) -> Balances:
    """Return what stands in each account of a tranche (cents)."""
    rows = session.execute(
        select(TrancheBalance.account, TrancheBalance.cents).where(
            TrancheBalance.tranche_id == tranche_id, TrancheBalance.pot == pot
        )
    )
    return {Account(account): cents for account, cents in rows}


def case_balances(session: Session, application_id: int) -> Balances:
    """Return what stands in each account for one application (cents)."""
    rows = session.execute(
        select(CaseBalance.account, CaseBalance.cents).where(CaseBalance.application_id == application_id)
    )
    return {Account(account): cents for account, cents in rows}


def free_in(session: Session, tranche_id: int, pots: Iterable[str]) -> int:
    """Return what can still be awarded (cents): the least of what is free in the tranche and in the pots."""
    rows = session.execute(
        select(TrancheBalance.cents).where(
            TrancheBalance.tranche_id == tranche_id,
            TrancheBalance.account == Account.AVAILABLE,
            TrancheBalance.pot.in_({WHOLE_POT, *pots}),
        )
    ).scalars()
    return min(rows, default=0)


_CHECKS = (
    (
        "a posting does not sum to zero",
        """SELECT min(id) AS id FROM ledger_entry GROUP BY journal_id, posting
           HAVING sum(cents) <> 0 ORDER BY min(id) LIMIT 1""",
        "ledger entry {id}",
    ),
    (
        "an entry differs from the journal, or the journal's is missing",
        """SELECT CASE WHEN e.id IS NULL THEN format('journal row %s, posting %s: no entries', j.id, j.posting)
                  ELSE format('ledger entry %s (journal row %s, posting %s)', e.id, e.journal_id, e.posting)
                  END AS place
           FROM (
             SELECT j.id, j.at, n::int AS posting, p FROM journal j, jsonb_array_elements(j.data->'ledger')
             WITH ORDINALITY AS l(p, n)) j
           FULL JOIN (
             SELECT min(id) AS id, journal_id, posting, min(at) AS at, jsonb_build_array(
               min(tranche_id), min(application_id), min(pot), min(movement),
               min(account) FILTER (WHERE cents < 0), min(account) FILTER (WHERE cents > 0),
               max(cents)) AS p, count(*) AS halves,
               count(DISTINCT (tranche_id, application_id, pot, movement, at)) AS places
             FROM ledger_entry GROUP BY journal_id, posting) e ON e.journal_id = j.id AND e.posting = j.posting
           WHERE e.p IS DISTINCT FROM j.p OR e.at <> j.at OR e.halves <> 2 OR e.places <> 1
           ORDER BY coalesce(e.journal_id, j.id), coalesce(e.posting, j.posting) LIMIT 1""",
        "{place}",
    ),
    (
        "a tranche's balance differs from its entries",
        """WITH kept AS (SELECT tranche_id, pot, account, cents FROM tranche_balance),
           summed AS (
             SELECT tranche_id, p.pot, account, sum(cents) AS cents FROM ledger_entry e CROSS JOIN LATERAL (
               SELECT '' AS pot WHERE e.movement <> 'sub_ceiling_set' UNION SELECT e.pot WHERE e.pot <> '') p
             GROUP BY tranche_id, p.pot, account)
           SELECT coalesce(k.tranche_id, s.tranche_id) AS tranche_id, coalesce(k.pot, s.pot) AS pot,
                  coalesce(k.account, s.account) AS account
           FROM kept k FULL JOIN summed s USING (tranche_id, pot, account)
           WHERE coalesce(k.cents, 0) <> coalesce(s.cents, 0) ORDER BY 1, 2, 3 LIMIT 1""",
        "tranche {tranche_id}, pot '{pot}', account {account}",
    ),
    (
        "an application's balance differs from its entries",
        """WITH summed AS (
             SELECT application_id, account, sum(cents) AS cents FROM ledger_entry
             WHERE application_id IS NOT NULL AND account NOT IN ('ceiling', 'available', 'carried') GROUP BY 1, 2)
           SELECT coalesce(k.application_id, s.application_id) AS application_id,
                  coalesce(k.account, s.account) AS account
           FROM case_balance k FULL JOIN summed s USING (application_id, account)
           WHERE coalesce(k.cents, 0) <> coalesce(s.cents, 0) ORDER BY 1, 2 LIMIT 1""",
        "application {application_id}, account {account}",
    ),
)


def verify(session: Session) -> Breach | None:
    """Re-prove every posting and every balance; return the first that is wrong, or None.

    Each posting sums to zero; each is what the journal's row says that it did; each balance is the sum of its entries.
    """
    for what, query, where in _CHECKS:
        wrong = session.execute(text(query)).mappings().one_or_none()
        if wrong is not None:
            return Breach(what, where.format(**wrong))
    return None
