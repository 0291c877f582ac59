"""What the acts on an objection do besides its state: terms, money set apart, hearing, advice, the new decision.

A founded outcome changes the application itself in an act that follows in the same transaction (`after_remedy.py`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fundapp.domain import ledger
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.fund_parts import StartEvent
from fundapp.domain.objection import Against, Dismissal, Outcome, State, Waiver, amount_problem
from fundapp.domain.objection_words import DISMISSALS, WAIVERS, WORDS
from fundapp.domain.refusal import Refused
from fundapp.domain.term import Length, Profile
from fundapp.domain.text import Text
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.objection import Objection
from fundapp.persistence.rows import next_id
from fundapp.services import funds, objection, terms
from fundapp.services.act import Act, Follow
from fundapp.services.letters import released

# --- filing -----------------------------------------------------------------------------------------------------------


def file(act: Act) -> None:
    """Keep what the school wrote, start the term to decide, and set the amount at stake apart as far as it is free."""
    row: Objection = act.row
    reserved = 0 if act.facts.shut else min(act.facts.at_stake, act.facts.free)
    _book(act, ledger.reserve(reserved))
    late = bool(act.facts.late)
    act.change(
        filed_at=act.now,
        filed_by_id=act.person_id,
        grounds=act.text("grounds"),
        wants_hearing=bool(act.given.get("wants_hearing", True)),
        late=late,
        late_reason=act.text("late_reason") if late else "",
        reserved_cents=reserved,
    )
    _start_deciding(act)
    act.data["objection"] = {"ref": row.ref, "late": late, "at_stake": act.facts.at_stake, "reserved": reserved}
    act.context |= {"filed_on": act.today.isoformat(), "due": _iso(row.decision_due_on)}


def _start_deciding(act: Act) -> None:
    """Awb 7:10, first paragraph: from the day after the term to object has passed; a late one counts from its receipt.

    A private fund says itself what it counts from.
    """
    row: Objection = act.row
    spec = funds.spec_of(act.session, objection.application_of(act.session, row).fund_version_id)
    rule = spec.terms.remedy_decision
    assert rule is not None, "a fund that knows a remedy answers it"
    from_the_end = rule.starts is StartEvent.REMEDY_TERM_ENDED
    started_on = max(row.due_on, act.today) if from_the_end else act.today
    term = terms.start(
        act.session,
        row.application_id,
        "remedy_decision",
        rule.rule(spec.legal_profile),
        started_on,
        objection_id=row.id,
    )
    act.change(decision_due_on=term.due_on)


def _book(act: Act, postings: list[ledger.Posting]) -> None:
    row: Objection = act.row
    app = objection.application_of(act.session, row)
    act.book(postings, tranche_id=row.tranche_id, pot=funds.pot_of(act.session, app), application_id=app.id)


def ask_completion(act: Act) -> None:
    """Awb 6:6 and 7:10, second paragraph: a chance to complete it, and the clock stands still meanwhile."""
    row: Objection = act.row
    spec = funds.spec_of(act.session, objection.application_of(act.session, row).fund_version_id)
    asked = act.text("explanation")
    act.change(completion_request=asked, completion_missed=False)
    if (deciding := terms.of_objection(act.session, row.id, "remedy_decision")) is not None:
        terms.pause(deciding, act.today)
        act.change(decision_due_on=None)
    term = terms.start(
        act.session,
        row.application_id,
        "remedy_completion",
        spec.terms.completion.rule(spec.legal_profile),
        act.today,
        objection_id=row.id,
    )
    act.context |= {"complete_by": term.due_on.isoformat(), "explanation": asked}


def receive_completion(act: Act) -> None:
    """Keep what the school added; the clock runs on."""
    act.change(completion=act.text("explanation"))
    _go_on(act)


def end_completion(act: Act) -> None:
    """Nothing came in time: that is kept, and the clock runs on."""
    act.change(completion_missed=True)
    _go_on(act)


def _go_on(act: Act) -> None:
    row: Objection = act.row
    if (asked := terms.of_objection(act.session, row.id, "remedy_completion")) is not None:
        terms.end(asked, act.today)
    deciding = terms.of_objection(act.session, row.id, "remedy_decision")
    if deciding is not None:
        terms.resume(deciding, act.today)
        act.change(decision_due_on=deciding.due_on)
        act.context["due"] = deciding.due_on.isoformat()


# --- the term to decide -----------------------------------------------------------------------------------------------


def extend_term(act: Act) -> None:
    """Awb 7:10, third paragraph: once, with the new date told."""
    _lengthen(act, act.given["length"])


def agree_longer(act: Act) -> None:
    """Awb 7:10, fourth paragraph: further, as the school agrees."""
    _lengthen(act, act.given["length"])
    act.data["agreed"] = act.text("agreed")


def _lengthen(act: Act, by: Length) -> None:
    row: Objection = act.row
    term = terms.of_objection(act.session, row.id, "remedy_decision")
    assert term is not None, "it runs until it is decided"
    old = term.due_on
    terms.lengthen(term, by, act.today)
    paused = any(last is None for _, last in term.pauses)
    act.change(decision_due_on=None if paused else term.due_on)
    _moved(act, old, term.due_on)
    act.context["explanation"] = act.text("explanation")


def _moved(act: Act, old: date, new: date) -> None:
    act.data["term"] = {"name": "remedy_decision", "old": old.isoformat(), "new": new.isoformat()}
    act.context |= {"old_due": old.isoformat(), "due": new.isoformat()}


def announce_delay(act: Act) -> None:
    """The term has passed: a new date is promised and kept to as a term."""
    row: Objection = act.row
    spec = funds.spec_of(act.session, objection.application_of(act.session, row).fund_version_id)
    before = terms.of_objection(act.session, row.id, "remedy_decision")
    assert before is not None, "a guard asked it"
    terms.end(before, act.today)
    rule = spec.terms.late.rule(spec.legal_profile)
    term = terms.start(act.session, row.application_id, "remedy_decision", rule, act.today, objection_id=row.id)
    act.change(decision_due_on=term.due_on)
    _moved(act, before.due_on, term.due_on)
    words = WORDS[Profile(row.profile)]
    what = Text("onze beslissing op {what}", "our decision on {what}").fill(what=words.yours)
    act.context |= {"what": {"nl": what.nl, "en": what.en}, "term": "remedy_decision"}


def end_terms(act: Act) -> None:
    """It was decided, or withdrawn: no term of it runs any more."""
    row: Objection = act.row
    for name in terms.OF_AN_OBJECTION:
        if (term := terms.of_objection(act.session, row.id, name)) is not None:
            terms.end(term, act.today)
    act.change(decision_due_on=None)


# --- hearing and advice -----------------------------------------------------------------------------------------------


def plan_hearing(act: Act) -> None:
    """When and where the school is heard; planned again, the newest counts."""
    at: datetime = act.given["hearing_at"]
    act.change(hearing_at=at, hearing_place=act.text("place"))
    act.context |= {
        "hearing_on": at.astimezone(AMSTERDAM).date().isoformat(),
        "hearing_at": at.isoformat(),
        "hearing_time": f"{at.astimezone(AMSTERDAM):%H.%M} uur",
        "place": act.text("place"),
    }
    act.data["hearing"] = {"at": at.isoformat()}


def record_hearing(act: Act) -> None:
    """Awb 7:7: who were there, and what was said."""
    act.change(hearing_present=act.text("present"), hearing_report=act.text("report"), heard_by_id=act.person_id)


def waive_hearing(act: Act) -> None:
    """Awb 7:3: nobody is heard, and why."""
    waiver = Waiver(str(act.given["waiver"]))
    act.change(waiver=str(waiver), waiver_reason=act.text("explanation"), hearing_at=None, hearing_place="")
    said = WAIVERS[waiver]
    act.context["waiver"] = {"nl": said.nl, "en": said.en}


def record_advice(act: Act) -> None:
    """What somebody advises who had no part in the first decision. Raises Refused for an amount that does not fit."""
    outcome = Outcome(str(act.given["outcome"]))
    cents = int(act.given.get("amount_cents") or 0)
    if (problem := amount_problem(act.facts, outcome, cents)) is not None:
        raise Refused(problem)
    act.change(
        adviser_id=act.person_id,
        advised=str(outcome),
        advised_cents=cents,
        advice=act.text("explanation"),
        advised_at=act.now,
    )
    act.data["advice"] = {"outcome": str(outcome), "amount_cents": cents}


# --- the new decision -------------------------------------------------------------------------------------------------


def record_decision(act: Act) -> None:
    """Keep the new decision; it points to the one that it comes in the place of."""
    row: Objection = act.row
    outcome = Outcome(str(act.transition.target))
    amount = _amount(act, outcome)
    why = [act.text("explanation"), act.text("deviation")]
    reason = act.given.get("reason")
    number = next_id(act.session, Decision)
    act.rows.add(
        Decision,
        id=number,
        application_id=row.application_id,
        kind="remedy",
        decided_by_id=act.person_id,
        amount_cents=amount,
        reasons=[str(reason)] if reason else [],
        conditions=act.text("conditions"),
        explanation="\n".join(filter(None, why)),
        at=act.now,
        replaces_id=row.decision_id,
        replaces_determination_id=row.determination_id,
        outcome=str(outcome),
    )
    act.change(new_decision_id=number)
    act.data["decision"] = {
        "id": number,
        "outcome": str(outcome),
        "amount_cents": amount,
        "replaces": row.decision_id or row.determination_id,
    }
    act.context |= {
        "outcome": str(outcome),
        "amount": amount,
        "old_amount": row.old_cents,
        "conditions": act.text("conditions"),
        "explanation": why[0],
        "deviation": why[1],
        "advice": row.advice,
        "of": str(act.facts.against),
        "heard": bool(row.hearing_report),
        "dismissal": _said(DISMISSALS[Dismissal(str(reason))]) if reason else None,
        "result": _said(WORDS[Profile(row.profile)].looks[State(str(act.transition.target))]),
        "report_ends_on": _ends_on(act),
    }


def _amount(act: Act, outcome: Outcome) -> int:
    if outcome not in (Outcome.FOUNDED, Outcome.PARTLY_FOUNDED):
        return int(act.row.old_cents)
    return int(act.given.get("amount_cents") or 0) if act.facts.names_an_amount else 0


def _said(words: Text) -> dict[str, str]:
    return {"nl": words.nl, "en": words.en}


def _ends_on(act: Act) -> str | None:
    return _iso(objection.application_of(act.session, act.row).ends_on)


def free_reserve(act: Act) -> None:
    """What was set apart is free; what is awarded is taken from it in the same transaction."""
    row: Objection = act.row
    if row.reserved_cents:
        _book(act, ledger.end_reserve(row.reserved_cents))
        act.data["freed"] = row.reserved_cents
        act.change(reserved_cents=0)


FOLLOWS = {
    Against.AWARD: "raise_award",
    Against.REJECT: "award_after_all",
    Against.NOT_CONSIDER: "consider_after_all",
    Against.REVOKE: "restore_award",
    Against.DETERMINE: "determine_anew",
}
"""Kind of first decision → what happens to the application."""


def carry_out(act: Act) -> None:
    """The application changes: awarded, restored, considered or determined after all."""
    app = objection.application_of(act.session, act.row)
    given: dict[str, Any] = {
        "decision_id": act.row.new_decision_id,
        "determination_id": act.row.determination_id,
        "amount_cents": _amount(act, Outcome(str(act.transition.target))),
        "by_id": act.person_id,
    }
    act.follow.append(Follow("application", app.ref, FOLLOWS[act.facts.against], given))


LETTERS = {
    "file": "objection_received",
    "ask_completion": "objection_completion",
    "plan_hearing": "hearing",
    "extend_term": "objection_extension",
    "agree_longer": "objection_extension",
    "tell_delay": "delay",
    "declare_founded": "objection_decision",
    "declare_partly_founded": "objection_decision",
    "declare_unfounded": "objection_decision",
    "declare_inadmissible": "objection_decision",
}
"""Transition → letter."""


def write_letter(act: Act) -> None:
    """Put the letter in the portal, with its facts frozen; the worker makes the PDF."""
    row: Objection = act.row
    app = objection.application_of(act.session, row)
    said = objection.context(act.session, row) | funds.letter_words(act.session, app) | act.context
    template = LETTERS[act.transition.name]
    act.rows.add(Letter, **released(app.id, act.journal_id, template, said, act.now))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
