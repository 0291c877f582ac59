"""Whether the bank statements that were read follow on one another: one in between that was never read is a gap."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain.money import euro
from fundapp.domain.text import Text, same
from fundapp.persistence.payment import BankLine, BankStatement


@dataclass(frozen=True, slots=True)
class Gap:
    """A statement whose opening balance (cents) no other statement ends with: one in between was never read."""

    account: str
    statement_id: str
    opening: int

    @property
    def sentence(self) -> Text:
        """What is wrong and what to do."""
        return Text(
            "Afschrift {id} begint met {opening}; geen afschrift eindigt daarmee. Lees het ontbrekende afschrift in.",
            "Statement {id} begins with {opening}; no statement ends with that. Import the missing statement.",
        ).fill(id=same(self.statement_id), opening=same(euro(self.opening)))


def gaps(session: Session) -> tuple[Gap, ...]:
    """Return the statements that do not follow on another one, whatever the order in which they were read.

    Of statements that overlap, only the lines that were new count, each run of them with the balances around it.
    """
    first_booked = func.min(BankLine.booked_on)
    rows = session.execute(
        select(BankStatement.account, BankStatement.statement_id, BankStatement.segments)
        .outerjoin(BankLine, BankLine.statement_id == BankStatement.id)
        .group_by(BankStatement.id)
        .order_by(BankStatement.account, first_booked.asc().nulls_last(), BankStatement.id)
    ).all()
    runs = [(account, name, begin, end) for account, name, segments in rows for begin, end in segments]
    moved = [(account, begin, end) for account, _, begin, end in runs if begin != end]
    ends = Counter((account, end) for account, _, end in moved)
    known = {(account, cents) for account, begin, end in moved for cents in (begin, end)}
    begun: set[str] = set()
    found: list[Gap] = []
    for account, statement_id, begin, end in runs:
        if begin == end:  # nothing moved: it follows on any statement that stood there
            follows = (account, begin) in known or not any(other == account for other, _ in known)
        elif follows := ends[account, begin] > 0:
            ends[account, begin] -= 1
        elif follows := account not in begun:  # the earliest that follows on none is where we began to read
            begun.add(account)
        if not follows:
            found.append(Gap(account, statement_id, begin))
    return tuple(found)
