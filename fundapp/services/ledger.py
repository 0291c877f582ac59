"""The ledger: read balances, and prove that they follow from the entries, and the entries from the journal."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import TextClause, select, text
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


_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "a posting does not sum to zero",
        """SELECT format('ledger entry %s', min(id)) FROM ledger_entry WHERE {mine} GROUP BY journal_id, posting
           HAVING sum(cents) <> 0 ORDER BY min(id) LIMIT 1""",
    ),
    (
        "an entry differs from the journal, or the journal's is missing",
        """SELECT CASE WHEN e.id IS NULL THEN format('journal row %s, posting %s: no entries', j.id, j.posting)
                  ELSE format('ledger entry %s (journal row %s, posting %s)', e.id, e.journal_id, e.posting) END
           FROM (
             SELECT j.id, j.at, n::int AS posting, p FROM journal j, jsonb_array_elements(j.data->'ledger')
             WITH ORDINALITY AS l(p, n) WHERE {booked}) j
           FULL JOIN (
             SELECT min(id) AS id, journal_id, posting, min(at) AS at, jsonb_build_array(
               min(tranche_id), min(application_id), min(pot), min(movement),
               min(account) FILTER (WHERE cents < 0), min(account) FILTER (WHERE cents > 0),
               max(cents)) AS p, count(*) AS halves,
               count(DISTINCT (tranche_id, application_id, pot, movement, at)) AS places
             FROM ledger_entry WHERE {mine} GROUP BY journal_id, posting) e
           ON e.journal_id = j.id AND e.posting = j.posting
           WHERE e.p IS DISTINCT FROM j.p OR e.at <> j.at OR e.halves <> 2 OR e.places <> 1
           ORDER BY coalesce(e.journal_id, j.id), coalesce(e.posting, j.posting) LIMIT 1""",
    ),
    (
        "a tranche's balance differs from its entries",
        """WITH kept AS (SELECT tranche_id, pot, account, cents FROM tranche_balance WHERE {mine}),
           summed AS (
             SELECT tranche_id, p.pot, account, sum(cents) AS cents FROM ledger_entry e CROSS JOIN LATERAL (
               SELECT '' AS pot WHERE e.movement <> 'sub_ceiling_set' UNION SELECT e.pot WHERE e.pot <> '') p
             WHERE {mine} GROUP BY tranche_id, p.pot, account)
           SELECT format('tranche %s, pot %L, account %s', tranche_id, pot, account)
           FROM kept k FULL JOIN summed s USING (tranche_id, pot, account)
           WHERE coalesce(k.cents, 0) <> coalesce(s.cents, 0) ORDER BY tranche_id, pot, account LIMIT 1""",
    ),
    (
        "what moved in a tranche differs from its entries",
        """WITH kept AS (SELECT tranche_id, pot, year, movement, account, cents FROM tranche_movement WHERE {mine}),
           summed AS (
             SELECT tranche_id, p.pot, extract(year FROM at AT TIME ZONE 'Europe/Amsterdam')::int AS year, movement,
                    account, sum(cents) AS cents
             FROM ledger_entry e CROSS JOIN LATERAL (
               SELECT '' AS pot WHERE e.movement <> 'sub_ceiling_set' UNION SELECT e.pot WHERE e.pot <> '') p
             WHERE {mine} GROUP BY tranche_id, p.pot, 3, movement, account)
           SELECT format('tranche %s, pot %L, %s, %s in account %s', tranche_id, pot, year, movement, account)
           FROM kept k FULL JOIN summed s USING (tranche_id, pot, year, movement, account)
           WHERE coalesce(k.cents, 0) <> coalesce(s.cents, 0)
           ORDER BY tranche_id, pot, year, movement, account LIMIT 1""",
    ),
    (
        "an application's balance differs from its entries",
        """WITH summed AS (
             SELECT application_id, account, sum(cents) AS cents FROM ledger_entry
             WHERE {mine} AND application_id IS NOT NULL AND account NOT IN ('ceiling', 'available', 'carried')
             GROUP BY 1, 2),
           kept AS (SELECT b.application_id, b.account, b.cents FROM case_balance b
                    JOIN application a ON a.id = b.application_id WHERE {mine})
           SELECT format('application %s, account %s', application_id, account)
           FROM kept k FULL JOIN summed s USING (application_id, account)
           WHERE coalesce(k.cents, 0) <> coalesce(s.cents, 0) ORDER BY application_id, account LIMIT 1""",
    ),
    (
        "a ceiling differs from its history",
        """WITH kept AS (SELECT tranche_id, pot, -cents AS cents FROM tranche_balance
                         WHERE {mine} AND account = 'ceiling'),
           told AS (SELECT DISTINCT ON (tranche_id, pot) tranche_id, pot, new_cents FROM ceiling_change
                    WHERE {mine} ORDER BY tranche_id, pot, id DESC)
           SELECT format('tranche %s, ceiling %L', tranche_id, pot)
           FROM kept k FULL JOIN told t USING (tranche_id, pot)
           WHERE coalesce(k.cents, 0) <> coalesce(t.new_cents, 0) ORDER BY tranche_id, pot LIMIT 1""",
    ),
    (
        "money that was carried over did not arrive",
        """SELECT format('carry-over %s', o.ref) FROM carry_over o
           LEFT JOIN ledger_entry l ON l.tranche_id = o.source_id AND l.account = 'carried'
             AND l.journal_id = (SELECT max(id) FROM journal
                                 WHERE kind = 'carry_over' AND subject_id = o.id AND action = 'book')
           LEFT JOIN ledger_entry r ON r.journal_id = l.journal_id AND r.tranche_id = o.target_id
             AND r.account = 'ceiling'
           WHERE {carried} AND o.state = 'booked'
             AND (l.cents IS DISTINCT FROM o.cents OR r.cents IS DISTINCT FROM -o.cents) ORDER BY o.id LIMIT 1""",
    ),
)
"""What is wrong, and a query that finds the first place of it. Conditions: {mine}, {booked} and {carried}."""

_EVERYWHERE = {"mine": "true", "booked": "true", "carried": "true"}
_OF_ONE = {
    "mine": "tranche_id = :tranche",
    "booked": """(p->>0)::bigint = :tranche
                 AND j.id IN (SELECT journal_id FROM ledger_entry WHERE tranche_id = :tranche)""",
    "carried": ":tranche IN (o.source_id, o.target_id)",
}


def _statement(where: dict[str, str]) -> TextClause:
    """One statement for all checks: the first of them that finds something says where."""
    parts = (
        f"SELECT {number}, found.* FROM ({query.format(**where)}) found"  # noqa: S608  (all of it stands above)
        for number, (_, query) in enumerate(_CHECKS)
    )
    return text(
        f"SELECT number, place FROM ({' UNION ALL '.join(parts)}) wrong(number, place) ORDER BY number LIMIT 1"  # noqa: S608
    )


_ALL, _ONE = _statement(_EVERYWHERE), _statement(_OF_ONE)


def verify(session: Session, tranche_id: int | None = None) -> Breach | None:
    """Re-prove every posting and every balance, of one tranche or of all; return the first that is wrong, or None.

    Each posting sums to zero; each is what the journal's row says that it did; each balance, each kept movement and
    each ceiling is what the entries add up to; what was carried over arrived. One query.
    """
    query, values = (_ALL, {}) if tranche_id is None else (_ONE, {"tranche": tranche_id})
    wrong = session.execute(query, values).one_or_none()
    return None if wrong is None else Breach(_CHECKS[wrong.number][0], wrong.place)
