"""The panel: who reads what, what their scores come to, and whether a meeting may advise.

Sources: domain.md section 1 (rule 18), ux.md screens R1 to R4. Nobody is given, shown or counted for a case in which
the register or they themselves see an interest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text, same

LOWEST, HIGHEST = 1, 5
WIDE_SPREAD = Decimal(2)
"""From this difference between the highest and the lowest score on, the panel has something to talk about."""

_CENT = Decimal("0.01")


# --- assigning --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who can read applications. boards: where they work; barred: applications they declared an interest in.

    load: how many they still have to read.
    """

    person_id: int
    name: str
    boards: frozenset[str] = frozenset()
    barred: frozenset[int] = frozenset()
    load: int = 0

    def may_read(self, case: ToAssign) -> bool:
        """Whether neither the register nor the person shows an interest."""
        return not (self.boards & case.boards) and case.application_id not in self.barred


@dataclass(frozen=True, slots=True)
class ToAssign:
    """An application that needs readers. boards: of the applicant and the partners; readers: who has it already."""

    application_id: int
    ref: str
    board: str
    boards: frozenset[str]
    readers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who could read what, and why this person."""

    application_id: int
    person_id: int
    because: Text


def propose(
    reviewers: Sequence[Reviewer],
    cases: Sequence[ToAssign],
    each: int,
    already: Mapping[tuple[int, str], int] | None = None,
) -> list[Proposal]:
    """Propose readers until each case has `each`, or nobody is left who may read it. The same input, the same answer.

    Cases with the fewest possible readers come first. For each the person with the least work is chosen; at equal work
    the one with the fewest cases of that board, then one from another board than its other readers.
    already: (person, board) → how many cases of that board the person reads.
    """
    by_id = {reviewer.person_id: reviewer for reviewer in reviewers}
    load = {reviewer.person_id: reviewer.load for reviewer in reviewers}
    of_board = dict(already or {})
    possible = {case.application_id: [r for r in reviewers if r.may_read(case)] for case in cases}
    found: list[Proposal] = []
    for case in sorted(cases, key=lambda case: (len(possible[case.application_id]), case.ref)):
        readers = set(case.readers)
        while len(readers) < each:
            left = [r for r in possible[case.application_id] if r.person_id not in readers]
            if not left:
                break
            there = frozenset[str]().union(*(by_id[one].boards for one in readers if one in by_id))

            def order(
                one: Reviewer, there: frozenset[str] = there, board: str = case.board
            ) -> tuple[int, int, bool, int]:
                seen = of_board.get((one.person_id, board), 0)
                return load[one.person_id], seen, bool(one.boards & there), one.person_id

            chosen = min(left, key=order)
            found.append(Proposal(case.application_id, chosen.person_id, _because(load[chosen.person_id])))
            readers.add(chosen.person_id)
            load[chosen.person_id] += 1
            of_board[chosen.person_id, case.board] = of_board.get((chosen.person_id, case.board), 0) + 1
    return found


def _because(load: int) -> Text:
    if load == 0:
        return Text("Heeft nog niets te lezen en geen belang.", "Has nothing to read yet, and no interest.")
    return Text(
        "Heeft het minste te lezen ({n}) en geen belang.", "Has the least to read ({n}), and no interest."
    ).fill(n=load)


def may_be_assigned(reviewer: Reviewer, case: ToAssign) -> Refusal | None:
    """Why this person cannot be given this case, or None."""
    if reviewer.boards & case.boards:
        return Refusal(
            "conflict_of_interest",
            Text(
                "{name} werkt bij het schoolbestuur van deze aanvraag of bij een partner. Kies iemand anders.",
                "{name} works for the school board of this application, or for a partner. Choose somebody else.",
            ).fill(name=same(reviewer.name)),
            kind=Kind.FORBIDDEN,
        )
    if case.application_id in reviewer.barred:
        return Refusal(
            "conflict_of_interest",
            Text(
                "{name} meldde een belang bij deze aanvraag. Kies iemand anders.",
                "{name} declared an interest in this application. Choose somebody else.",
            ).fill(name=same(reviewer.name)),
            kind=Kind.FORBIDDEN,
        )
    return None


# --- scoring ----------------------------------------------------------------------------------------------------------


def weighted(scores: Mapping[str, int], weights: Mapping[str, int]) -> Decimal | None:
    """Return the weighted mean of scores (1 to 5) in hundredths, or None while a criterion has none."""
    if not weights or set(scores) < set(weights):
        return None
    return _mean(((Decimal(scores[code]), weight) for code, weight in weights.items()))


def so_far(scores: Mapping[str, int], weights: Mapping[str, int]) -> Decimal | None:
    """Return the weighted mean of the criteria that have a score already, or None when none has."""
    given = {code: weight for code, weight in weights.items() if code in scores}
    return weighted({code: scores[code] for code in given}, given) if given else None


def _mean(parts: Iterable[tuple[Decimal, int]]) -> Decimal:
    pairs = list(parts)
    total = sum((value * weight for value, weight in pairs), Decimal(0))
    return (total / sum(weight for _, weight in pairs)).quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the scores of a case come to. mean and spread in points (hundredths); None while nobody scored."""

    scored: int
    mean: Decimal | None
    lowest: Decimal | None
    highest: Decimal | None

    @property
    def wide(self) -> bool:
        """Whether the readers differ much."""
        return self.lowest is not None and self.highest is not None and self.highest - self.lowest >= WIDE_SPREAD


def standing(scores: Collection[Decimal]) -> Standing:
    """Return the mean, lowest and highest of the weighted scores of the readers."""
    if not scores:
        return Standing(0, None, None, None)
    return Standing(len(scores), _mean((score, 1) for score in scores), min(scores), max(scores))


# --- meeting ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seat:
    """A member at a meeting. conflicted: the applications on its agenda in which the member has an interest."""

    person_id: int
    name: str
    present: bool
    conflicted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Room:
    """Who takes part in one item. leaves: present, but with an interest, so outside the door for this item."""

    votes: tuple[Seat, ...]
    leaves: tuple[Seat, ...]
    quorum: int

    @property
    def short(self) -> int:
        """How many members are missing."""
        return max(0, self.quorum - len(self.votes))


def room(seats: Iterable[Seat], application_id: int, quorum: int) -> Room:
    """Return who takes part in one item of the agenda: an interest leaves the vote and counts for no quorum."""
    there = [seat for seat in seats if seat.present]
    return Room(
        votes=tuple(seat for seat in there if application_id not in seat.conflicted),
        leaves=tuple(seat for seat in there if application_id in seat.conflicted),
        quorum=quorum,
    )


def may_advise(found: Room, person_id: int | None) -> Refusal | None:
    """Why this meeting cannot advise on this item by the hand of this person, or None."""
    if found.short:
        away = "" if not found.leaves else ", ".join(seat.name for seat in found.leaves)
        left = (
            Text(" {names} doet niet mee, vanwege een belang.", " {names} takes no part, for an interest.").fill(
                names=away
            )
            if away
            else Text("", "")
        )
        return Refusal(
            "no_quorum",
            Text(
                "Er doen {n} leden mee. Er zijn er {quorum} nodig.{left} Houd de aanvraag aan tot er genoeg zijn.",
                "{n} members take part. {quorum} are needed.{left} Keep the application until there are enough.",
            ).fill(n=len(found.votes), quorum=found.quorum, left=left),
        )
    if person_id not in {seat.person_id for seat in found.votes}:
        return Refusal(
            "not_in_the_room",
            Text(
                "U doet niet mee aan dit punt. Laat een lid dat aanwezig is het advies vastleggen.",
                "You take no part in this item. Let a member who is present record the advice.",
            ),
        )
    return None


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of the ranking. left_cents: what is free once this one and all above it got what they ask."""

    application_id: int
    standing: Standing
    asked_cents: int
    left_cents: int

    @property
    def fits(self) -> bool:
        """Whether the money reaches this far."""
        return self.left_cents >= 0


def ranking(cases: Iterable[tuple[int, str, int, Standing]], free_cents: int) -> list[Ranked]:
    """Rank cases (id, ref, asked in cents, standing): the highest score first, what has none last, then by ref."""
    ordered = sorted(cases, key=lambda case: (case[3].mean is None, -(case[3].mean or Decimal(0)), case[1]))
    found, left = [], free_cents
    for application_id, _, asked, what in ordered:
        left -= asked
        found.append(Ranked(application_id, what, asked, left))
    return found
