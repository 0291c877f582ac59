"""Meetings of the panel: the agenda with its ranking, who is there, the advice on each item, the minutes.

Somebody with an interest leaves the vote and counts for no quorum; without a quorum there is no advice. Sources:
domain.md section 1 (rule 18), ux.md screen R4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, contains_eager

from fundapp.domain.application import FLOW, State
from fundapp.domain.fund import FundSpec
from fundapp.domain.panel import Ranked, Room, Seat, may_advise, ranking, room, standing
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.fund import Tranche
from fundapp.persistence.panel import Meeting, MeetingItem, MeetingSeat
from fundapp.services import funds
from fundapp.services.journal import note
from fundapp.services.panel import region_of, reviewers
from fundapp.services.subject import missing
from fundapp.services.transitions import perform

READERS = (Role.HANDLER, Role.ADVISER, Role.DECISION_MAKER, Role.COORDINATOR)
"""Who sees the meetings of a fund."""

KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Item:
    """One application on the agenda. hidden: the person who looks has an interest in it. amounts in cents.

    scores_hidden: this person must give their own first.
    room: who takes part; free_after: what is left once this one and all above it got what they ask.
    """

    application_id: int
    ref: str
    title: str
    school: str
    state: str
    version: int
    asked_cents: int
    ranked: Ranked
    room: Room
    outcome: str | None
    amount_cents: int
    voted: tuple[str, ...]
    left: tuple[str, ...]
    explanation: str
    hidden: bool
    scores_hidden: bool

    @property
    def done(self) -> bool:
        """Whether this item has been dealt with."""
        return self.outcome is not None

    @property
    def open(self) -> bool:
        """Whether an advice can still be recorded."""
        return self.outcome != "award" and self.outcome != "reject" and self.state == State.UNDER_REVIEW


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A meeting as its page shows it: items in the order of the ranking."""

    meeting: Meeting
    tranche: Tranche
    spec: FundSpec
    region: str | None
    seats: tuple[Seat, ...]
    items: tuple[Item, ...]
    free_cents: int

    @property
    def present(self) -> int:
        """How many members are there."""
        return sum(seat.present for seat in self.seats)

    @property
    def quorate(self) -> bool:
        """Whether enough members are there for an item in which nobody has an interest."""
        return self.present >= self.meeting.quorum

    @property
    def closed(self) -> bool:
        """Whether the minutes are final."""
        return self.meeting.closed_at is not None

    @property
    def undone(self) -> int:
        """How many items wait."""
        return sum(not item.done for item in self.items)

    def item(self, ref: str) -> Item:
        """Return an item by its reference. Raises Refused(NOT_FOUND)."""
        found = next((item for item in self.items if item.ref == ref), None)
        if found is None:
            raise Refused(missing())
        return found

    @property
    def current(self) -> Item | None:
        """The item on the projector."""
        return next((item for item in self.items if item.application_id == self.meeting.current_id), None)


_LIST = text("""
  SELECT m.id, t.ref, t.name, coalesce(r.name, '') AS region, m.held_at, m.place, m.closed_at,
    (SELECT count(*) FROM meeting_item i WHERE i.meeting_id = m.id) AS items
  FROM meeting m JOIN tranche t ON t.id = m.tranche_id LEFT JOIN sub_region r ON r.key = m.sub_region
  WHERE t.fund_key = ANY (CAST(:funds AS text[])) AND (CAST(:region AS text) IS NULL OR m.sub_region IS NULL
    OR m.sub_region = :region)
  ORDER BY m.closed_at IS NOT NULL, m.held_at DESC, m.id DESC LIMIT :most
""")


def meetings(session: Session, actor: Actor, most: int = 100) -> list[Any]:
    """Return the meetings that this person may see: what is to come first. Rows with ref, name, region, held_at…"""
    funds_of = session.scalars(text("SELECT key FROM fund ORDER BY key")).all()
    mine = [key for key in funds_of if actor.has(*READERS, fund=key)]
    regions = {grant.sub_region for grant in actor.grants if grant.role in READERS}
    region = None if None in regions or len(regions) != 1 else regions.pop()
    return list(session.execute(_LIST, {"funds": mine, "region": region, "most": most}))


_TO_DISCUSS = text("""
  SELECT a.id FROM application a
  WHERE a.tranche_id = :tranche AND a.state = 'under_review'
    AND (CAST(:region AS text) IS NULL OR a.sub_region = :region)
    AND NOT EXISTS (SELECT FROM meeting_item i JOIN meeting m ON m.id = i.meeting_id
                    WHERE i.application_id = a.id AND m.closed_at IS NULL)
  ORDER BY a.ref LIMIT 500
""")


def plan(
    session: Session,
    tranche: Tranche,
    *,
    region: str | None,
    held_at: datetime,
    place: str,
    actor: Actor,
    now: datetime,
) -> Meeting:
    """Plan a meeting on everything that is with the panel and on no other agenda, and invite its members.

    Raises Refused: FORBIDDEN outside one's own sub-region, CONFLICT when there is nothing to discuss.
    """
    mine = region_of(actor, tranche.fund_key)
    if mine is not None and region != mine:
        raise Refused(missing())
    spec = funds.spec_of(session, tranche.fund_version_id)
    wanted = session.scalars(_TO_DISCUSS, {"tranche": tranche.id, "region": region}).all()
    if not wanted:
        raise Refused(_NOTHING_TO_DISCUSS)
    meeting = Meeting(
        tranche_id=tranche.id,
        sub_region=region,
        held_at=held_at,
        place=place,
        quorum=spec.advice.members,
        planned_by_id=actor.id,
        created_at=now,
    )
    session.add(meeting)
    session.flush()
    session.add_all(
        MeetingItem(meeting_id=meeting.id, application_id=one, position=n, voted=[], left=[])
        for n, one in enumerate(wanted, 1)
    )
    session.add_all(
        MeetingSeat(meeting_id=meeting.id, person_id=reviewer.person_id)
        for reviewer, _ in reviewers(session, tranche, region)
    )
    _note(session, meeting, actor, now, "plan", items=len(wanted), held_at=held_at.isoformat())
    session.flush()
    return meeting


def find(session: Session, meeting_id: int, actor: Actor, *, lock: bool = False) -> Meeting:
    """Return a meeting of a fund and sub-region in which this person has a part. Raises Refused(NOT_FOUND)."""
    query = select(Meeting).join(Meeting.tranche).options(contains_eager(Meeting.tranche))
    query = query.where(Meeting.id == meeting_id).execution_options(populate_existing=True)
    meeting = session.scalar(query.with_for_update(of=Meeting) if lock else query)
    if meeting is None:
        raise Refused(missing())
    for grant in actor.grants:
        fits = grant.sub_region is None or meeting.sub_region in (None, grant.sub_region)
        if grant.role in READERS and grant.fund in (None, meeting.tranche.fund_key) and fits:
            return meeting
    raise Refused(missing())


_SEATS = text("""
  SELECT coalesce((SELECT json_agg(json_build_array(p.id, p.name, s.present, (
      SELECT coalesce(json_agg(a.id), '[]') FROM meeting_item i JOIN application a ON a.id = i.application_id
      WHERE i.meeting_id = s.meeting_id AND ((a.boards || a.board_number) && ARRAY(
          SELECT m.board_number FROM membership m WHERE m.person_id = p.id AND m.ended_at IS NULL)
        OR (SELECT d.interested FROM interest_declaration d WHERE d.application_id = a.id AND d.person_id = p.id
            ORDER BY d.id DESC LIMIT 1)))) ORDER BY p.name, p.id)
    FROM meeting_seat s JOIN person p ON p.id = s.person_id WHERE s.meeting_id = :meeting), '[]') AS seats,
    coalesce((SELECT min(b.cents) FROM tranche_balance b JOIN tranche t ON t.id = b.tranche_id
      WHERE b.tranche_id = :tranche AND b.account = 'available'
        AND (b.pot = '' OR b.pot = :region AND jsonb_exists(t.spec->'sub_ceilings_cents', :region))), 0) AS free
""")

_ITEMS = text("""
  SELECT a.id, a.ref, a.title, c.name AS school, a.state, a.version, a.requested_cents, i.outcome, i.amount_cents,
    i.voted, i.left, coalesce((SELECT explanation FROM advice v WHERE v.application_id = a.id
      ORDER BY v.id DESC LIMIT 1), '') AS explanation,
    (SELECT array_agg(x.score) FROM (SELECT DISTINCT ON (v.person_id) v.person_id, v.score, v.sent_at, v.set_aside_at
       FROM review v WHERE v.application_id = a.id ORDER BY v.person_id, v.submission_number DESC) x
     WHERE x.score IS NOT NULL AND x.sent_at IS NOT NULL AND x.set_aside_at IS NULL) AS scores,
    EXISTS (SELECT FROM assignment g WHERE g.application_id = a.id AND g.person_id = :person AND g.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM review v WHERE v.application_id = a.id AND v.person_id = :person
                      AND v.sent_at IS NOT NULL)) AS unscored,
    (a.boards || a.board_number) && CAST(:boards AS text[]) OR EXISTS (SELECT FROM interest_declaration d
      WHERE d.application_id = a.id AND d.person_id = :person AND d.interested) AS mine
  FROM meeting_item i JOIN application a ON a.id = i.application_id JOIN school c ON c.code = a.school_code
  WHERE i.meeting_id = :meeting ORDER BY i.position
""")


def view(session: Session, meeting: Meeting, actor: Actor | None) -> MeetingView:
    """Return a meeting as its page shows it, in two statements however long the agenda is. actor: who looks."""
    tranche = meeting.tranche
    values: dict[str, Any] = {"meeting": meeting.id, "tranche": tranche.id, "region": meeting.sub_region or ""}
    seated, free = session.execute(_SEATS, values).one()
    seats = tuple(Seat(one, name, present, frozenset(mine)) for one, name, present, mine in seated)
    values |= {"person": actor.id if actor else None, "boards": sorted(actor.boards) if actor else []}
    rows = {row.id: row for row in session.execute(_ITEMS, values)}
    ranked = ranking(
        ((row.id, row.ref, row.requested_cents, standing(row.scores or ())) for row in rows.values()), free
    )
    seat = next((seat for seat in seats if actor is not None and seat.person_id == actor.id), None)
    sees_all = actor is None or (seat is not None and seat.present)  # in the meeting itself everybody sees all
    return MeetingView(
        meeting=meeting,
        tranche=tranche,
        spec=funds.spec_of(session, tranche.fund_version_id),
        region=meeting.sub_region,
        seats=seats,
        items=tuple(_item(rows[one.application_id], one, seats, meeting.quorum, sees_all) for one in ranked),
        free_cents=free,
    )


def _item(row: Any, ranked: Ranked, seats: tuple[Seat, ...], quorum: int, sees_all: bool) -> Item:
    return Item(
        application_id=row.id,
        ref=row.ref,
        title=row.title,
        school=row.school,
        state=row.state,
        version=row.version,
        asked_cents=row.requested_cents,
        ranked=ranked,
        room=room(seats, row.id, quorum),
        outcome=row.outcome,
        amount_cents=row.amount_cents,
        voted=tuple(row.voted),
        left=tuple(row.left),
        explanation=row.explanation,
        hidden=row.mine,
        scores_hidden=row.unscored and not sees_all,
    )


def _editable(session: Session, meeting_id: int, actor: Actor, seen: int, *roles: Role) -> Meeting:
    meeting = find(session, meeting_id, actor, lock=True)
    if not actor.has(*roles, fund=meeting.tranche.fund_key):
        raise Refused(_NOT_FOR_YOU)
    if meeting.closed_at is not None:
        raise Refused(_MINUTES_ARE_FINAL)
    if meeting.version != seen:
        raise Refused(_CHANGED)
    meeting.version += 1
    return meeting


def set_present(
    session: Session, meeting_id: int, present: Iterable[int], *, seen: int, actor: Actor, now: datetime
) -> Meeting:
    """Say who is there. Raises Refused: NOT_FOUND, FORBIDDEN, STALE, or CONFLICT once the minutes are final."""
    meeting = _editable(session, meeting_id, actor, seen, Role.HANDLER, Role.ADVISER)
    there = set(present)
    for seat in session.scalars(select(MeetingSeat).where(MeetingSeat.meeting_id == meeting.id)):
        seat.present = seat.person_id in there
    _note(session, meeting, actor, now, "presence", present=sorted(there))
    return meeting


def show(session: Session, meeting_id: int, ref: str | None, *, actor: Actor) -> Meeting:
    """Put an item on the projector; None: the ranking. Raises Refused(NOT_FOUND)."""
    meeting = find(session, meeting_id, actor, lock=True)
    if ref is None:
        meeting.current_id = None
    else:
        found = view(session, meeting, actor).item(ref)
        if found.hidden:
            raise Refused(missing())
        meeting.current_id = found.application_id
    return meeting


def record(
    session: Session,
    meeting_id: int,
    ref: str,
    given: Mapping[str, Any],
    *,
    seen: int,
    request_key: str | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Record what the panel advises on one item, or that it is kept for a later meeting (`outcome`: "kept").

    given: as the transition "advise" reads it. seen: the version of the application on the page.
    Raises Refused: NOT_FOUND, no quorum, not in the room, and all that the transition refuses.
    """
    meeting = find(session, meeting_id, actor, lock=True)  # an advice and the end of the meeting come one by one
    if meeting.closed_at is not None:
        raise Refused(_MINUTES_ARE_FINAL)
    found = view(session, meeting, actor)
    item = found.item(ref)
    if item.hidden:
        raise Refused(missing())
    row = session.get(MeetingItem, (meeting.id, item.application_id), with_for_update=True, populate_existing=True)
    assert row is not None
    if given.get("outcome") == KEPT:
        if not item.open:
            raise Refused(_ALREADY_ADVISED)
        row.outcome, row.amount_cents = KEPT, 0
        data = {"ref": ref, "meeting": meeting.id, "reason": str(given.get("explanation") or "")}
        note(session, actor, now, kind=FLOW.kind, subject_id=item.application_id, action="keep", data=data)
    else:
        refusal = may_advise(item.room, actor.id)
        if refusal is not None:
            raise Refused(refusal)
        perform(
            session,
            FLOW.kind,
            ref,
            "advise",
            actor=actor,
            now=now,
            given={**given, "meeting_id": meeting.id},
            seen=seen,
            request_key=request_key,
        )
        row.outcome = str(given["outcome"])
        row.amount_cents = int(given.get("amount_cents") or 0)
    row.voted = [seat.name for seat in item.room.votes]
    row.left = [seat.name for seat in item.room.leaves]
    row.at = now
    session.flush()


def close(session: Session, meeting_id: int, *, remarks: str, seen: int, actor: Actor, now: datetime) -> Meeting:
    """Close a meeting: what was not discussed is kept, and the minutes are what they are; the worker makes the PDF.

    Raises Refused as `set_present` does, and CONFLICT when nobody was there.
    """
    meeting = _editable(session, meeting_id, actor, seen, Role.HANDLER, Role.ADVISER)
    found = view(session, meeting, None)
    if not found.present:
        raise Refused(_NOBODY_THERE)
    meeting.remarks = remarks
    meeting.closed_at, meeting.closed_by_id, meeting.current_id = now, actor.id, None
    for item in found.items:
        if item.outcome is None:
            row = session.get(MeetingItem, (meeting.id, item.application_id))
            assert row is not None
            row.outcome, row.at = KEPT, now
    session.flush()
    meeting.minutes = minutes(view(session, meeting, None), now)
    _note(session, meeting, actor, now, "close", kept=found.undone)
    return meeting


def minutes(found: MeetingView, now: datetime) -> dict[str, Any]:
    """Return the minutes as plain data: who was there, who left for what, each advice with its reason."""
    return {
        "fund": found.spec.name.nl,
        "panel": found.spec.advice.name.nl,
        "tranche": found.tranche.name,
        "ref": found.tranche.ref,
        "region": found.region,
        "held_at": found.meeting.held_at.isoformat(),
        "place": found.meeting.place,
        "present": [seat.name for seat in found.seats if seat.present],
        "absent": [seat.name for seat in found.seats if not seat.present],
        "quorum": found.meeting.quorum,
        "remarks": found.meeting.remarks,
        "closed_at": now.isoformat(),
        "items": [
            {
                "ref": item.ref,
                "title": item.title,
                "school": item.school,
                "asked_cents": item.asked_cents,
                "score": str(item.ranked.standing.mean) if item.ranked.standing.mean is not None else None,
                "readers": item.ranked.standing.scored,
                "outcome": item.outcome,
                "amount_cents": item.amount_cents,
                "explanation": item.explanation if item.outcome in ("award", "reject") else "",
                "voted": list(item.voted),
                "left": list(item.left),
            }
            for item in found.items
        ],
    }


def _note(session: Session, meeting: Meeting, actor: Actor, now: datetime, action: str, **data: Any) -> None:
    note(session, actor, now, kind="meeting", subject_id=meeting.id, action=action, data=data)


_NOTHING_TO_DISCUSS = Refusal(
    "nothing_to_discuss",
    Text(
        "Er is geen aanvraag die op advies wacht en nog op geen agenda staat. Neem eerst aanvragen in behandeling.",
        "No application waits for advice that is on no agenda yet. Take up applications first.",
    ),
)
_MINUTES_ARE_FINAL = Refusal(
    "minutes_final",
    Text(
        "Deze vergadering is gesloten. Plan een nieuwe vergadering voor wat is aangehouden.",
        "This meeting is closed. Plan a new one for what was kept.",
    ),
)
_CHANGED = Refusal(
    "meeting_changed",
    Text(
        "Iemand anders veranderde intussen iets aan deze vergadering. Kijk opnieuw en probeer het nog eens.",
        "Somebody else changed something in this meeting meanwhile. Look again and retry.",
    ),
    kind=Kind.STALE,
)
_NOT_FOR_YOU = Refusal(
    "not_for_you",
    Text(
        "Dit doen de behandelaar en de leden van de commissie. Vraag het aan een van hen.",
        "The case handler and the members of the panel do this. Ask one of them.",
    ),
    kind=Kind.FORBIDDEN,
)
_ALREADY_ADVISED = Refusal(
    "already_advised",
    Text(
        "Over deze aanvraag is al advies gegeven. Aanhouden kan niet meer.",
        "There is an advice on this application already. It cannot be kept any more.",
    ),
)
_NOBODY_THERE = Refusal(
    "nobody_there",
    Text(
        "Vink eerst aan wie er aanwezig zijn. Zonder leden is er geen vergadering.",
        "Tick first who is there. Without members there is no meeting.",
    ),
)
