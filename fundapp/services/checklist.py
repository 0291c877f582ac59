"""What keeps a tranche from closing: every point by name, so that each leads to the screen where it is solved.

Domain.md section 7: a tranche closes only when every case is determined, paid or recovered, the bank agrees, and the
sum of determinations equals the net payments. One statement looks at all of it; the ledger's own proof is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain import application
from fundapp.domain.application import State
from fundapp.domain.ledger import OUTSTANDING, Account
from fundapp.domain.money import euro
from fundapp.domain.objection import RUNNING
from fundapp.domain.objection_words import WORDS
from fundapp.domain.term import Profile
from fundapp.domain.text import Text, same
from fundapp.domain.tranche import Blocker
from fundapp.persistence.fund import Tranche
from fundapp.services.bank_gaps import gaps
from fundapp.services.ledger import verify

MOST = 50
"""How many points of one kind are named; a list that long is worked off from its own screen."""

_FINISHED = [str(State.DRAFT), *(str(s) for s, look in application.FLOW.looks.items() if look.final)]
"""States that do not keep a tranche open; a draft that was never sent is no case."""

_WITH_MONEY = frozenset({State.AWARDED, State.REPORTED, State.DETERMINATION_INTENDED, State.DETERMINED})
"""States whose next step stands on the screen of the final amount; the others are with the reviewers."""

_OPEN = text("""
  WITH crossed AS (
    SELECT j.data->>'bank_line' AS line, CASE e.movement WHEN 'payment' THEN -e.cents ELSE e.cents END AS cents
    FROM ledger_entry e JOIN journal j ON j.id = e.journal_id
    WHERE e.tranche_id = :tranche AND e.cents > 0 AND e.movement IN ('payment', 'bounce', 'recovery_received')
  )
  SELECT json_build_object(
    'cases', (SELECT json_agg(c) FROM (
      SELECT ref, state FROM application WHERE tranche_id = :tranche AND state <> ALL (:finished)
      ORDER BY id LIMIT :most) c),
    'money', (SELECT json_agg(m) FROM (
      SELECT a.ref, b.account, b.cents,
             (SELECT r.ref FROM recovery r WHERE r.application_id = a.id ORDER BY r.id DESC LIMIT 1) AS recovery,
             (SELECT p.ref FROM payment_batch p JOIN payment_order o ON o.batch_id = p.id
              WHERE o.application_id = a.id AND o.state = 'pending' ORDER BY p.id DESC LIMIT 1) AS batch
      FROM case_balance b JOIN application a ON a.id = b.application_id
      WHERE a.tranche_id = :tranche AND b.account = ANY (:outstanding) AND b.cents > 0
      ORDER BY a.id, b.account LIMIT :most) m),
    'lines', (SELECT json_agg(l) FROM (
      SELECT id, cents, counterparty FROM bank_line WHERE matched_as IS NULL ORDER BY id LIMIT :most) l),
    'bank', (SELECT json_agg(d) FROM (
      SELECT l.id, l.cents AS bank, sum(c.cents) AS ledger FROM crossed c JOIN bank_line l ON l.key = c.line
      GROUP BY l.id HAVING CASE WHEN l.application_id IS NULL THEN l.cents * sum(c.cents) <= 0
                                  OR abs(l.cents) < abs(sum(c.cents)) ELSE l.cents <> sum(c.cents) END
      ORDER BY l.id LIMIT :most) d),
    'unseen', (SELECT coalesce(sum(abs(c.cents)), 0) FROM crossed c
               WHERE NOT EXISTS (SELECT FROM bank_line l WHERE l.key = c.line)),
    'objections', (SELECT json_agg(b) FROM (
      SELECT ref, profile, reserved_cents FROM objection WHERE tranche_id = :tranche AND state = ANY (:running)
      ORDER BY id LIMIT :most) b),
    'carrying', (SELECT json_agg(o) FROM (
      SELECT ref, cents FROM carry_over
      WHERE :tranche IN (source_id, target_id) AND state = 'proposed' ORDER BY id LIMIT :most) o)
  ) AS found
""")

Found = dict[str, Any]


def blockers(session: Session, row: Tranche) -> tuple[Blocker, ...]:
    """Return everything that keeps a tranche from closing, each with what it is about. Three queries."""
    values = {
        "tranche": row.id,
        "finished": _FINISHED,
        "outstanding": [str(account) for account in OUTSTANDING],
        "running": [str(state) for state in RUNNING],
        "most": MOST,
    }
    found: Found = session.execute(_OPEN, values).scalar_one()
    points = [point for look in _LOOKS for point in look(found)]
    points += [Blocker("statement_missing", gap.sentence) for gap in gaps(session)]
    if row.evaluation_published_at is None:
        points.append(Blocker("evaluation", _EVALUATION))
    if (breach := verify(session, row.id)) is not None:
        points.append(Blocker("ledger", _LEDGER.fill(what=same(breach.what), where=same(breach.where))))
    return tuple(points)


def _cases(found: Found) -> Iterator[Blocker]:
    for case in found["cases"] or ():
        state = State(case["state"])
        code = "case_open" if state in _WITH_MONEY else "case_undecided"
        yield Blocker(
            code,
            Text("{ref} is nog niet afgerond: {state}.", "{ref} is not settled yet: {state}.").fill(
                ref=same(case["ref"]), state=application.FLOW.look(state).label
            ),
            case["ref"],
        )


def _money(found: Found) -> Iterator[Blocker]:
    for standing in found["money"] or ():
        account = Account(standing["account"])
        about = {
            Account.RECEIVABLE: standing["recovery"],
            Account.IN_TRANSIT: standing["batch"],
        }.get(account) or standing["ref"]
        yield Blocker(
            f"{account}_open",
            Text("{ref}: er staat nog {amount} open ({label}).", "{ref}: {amount} is still open ({label}).").fill(
                ref=same(standing["ref"]), amount=same(euro(standing["cents"])), label=OPEN_ACCOUNTS[account]
            ),
            about,
        )


OPEN_ACCOUNTS = {
    Account.OFFERED: Text("aangeboden, nog geen besluit", "offered, not decided yet"),
    Account.COMMITTED: Text("toegezegd en niet betaald", "promised and not paid"),
    Account.PAID: Text("betaald en niet vastgesteld", "paid and not determined"),
    Account.PAYABLE: Text("vastgesteld en niet betaald", "determined and not paid"),
    Account.IN_TRANSIT: Text("onderweg bij de bank", "on its way at the bank"),
    Account.RECEIVABLE: Text("nog terug te ontvangen", "still to be received back"),
}


def _lines(found: Found) -> Iterator[Blocker]:
    for line in found["lines"] or ():
        sentence = Text(
            "Bankregel van {amount} hoort nog nergens bij: {who}.", "A bank line of {amount} belongs to nothing: {who}."
        )
        shown = same(line["counterparty"] or "–")
        yield Blocker("unmatched", sentence.fill(amount=same(euro(line["cents"])), who=shown), str(line["id"]))


def _bank(found: Found) -> Iterator[Blocker]:
    for line in found["bank"] or ():
        yield Blocker(
            "bank_differs",
            Text(
                "De bank zegt {bank}, het grootboek zegt {ledger}. Bel de beheerder.",
                "The bank says {bank}, the ledger says {ledger}. Call the administrator.",
            ).fill(bank=same(euro(line["bank"])), ledger=same(euro(line["ledger"]))),
            str(line["id"]),
        )
    if found["unseen"]:
        yield Blocker(
            "bank_unseen",
            Text(
                "In het grootboek staat {amount} waar geen bankregel bij hoort. Bel de beheerder.",
                "The ledger has {amount} to which no bank line belongs. Call the administrator.",
            ).fill(amount=same(euro(found["unseen"]))),
        )


def _carrying(found: Found) -> Iterator[Blocker]:
    for carry in found["carrying"] or ():
        yield Blocker(
            "carry_over_open",
            Text(
                "Overdracht {ref} van {amount} wacht op een tweede persoon.",
                "Carry-over {ref} of {amount} waits for a second person.",
            ).fill(ref=same(carry["ref"]), amount=same(euro(carry["cents"]))),
            carry["ref"],
        )


def _objections(found: Found) -> Iterator[Blocker]:
    for one in found["objections"] or ():
        words = WORDS[Profile(one["profile"])]
        yield Blocker(
            "remedy_open",
            Text(
                "{ref} ({what}) wacht op een beslissing. Apart gezet: {amount}.",
                "{ref} ({what}) waits for a decision. Set apart: {amount}.",
            ).fill(ref=same(one["ref"]), what=words.noun, amount=same(euro(one["reserved_cents"]))),
            f"{words.path}/{one['ref']}",
        )


_LOOKS: tuple[Callable[[Found], Iterator[Blocker]], ...] = (_cases, _money, _objections, _carrying, _lines, _bank)

_EVALUATION = Text(
    "De evaluatie is nog niet gepubliceerd. Schrijf haar en publiceer haar.",
    "The evaluation has not been published. Write it and publish it.",
)
_LEDGER = Text(
    "Het grootboek klopt niet ({where}: {what}). Boek niets meer en bel de beheerder.",
    "The ledger is wrong ({where}: {what}). Book nothing more and call the administrator.",
)
