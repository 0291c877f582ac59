"""The worklist: what waits for whom follows from the flow; paged by key; never what somebody may not judge."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW
from fundapp.domain.people import STAFF_ROLES, Actor, Capacity, Grant, Membership, Role
from fundapp.domain.refusal import Refused
from fundapp.services import interest, review_views
from fundapp.services.interest import Interest
from fundapp.services.review_views import FIRST, Filters, Tab, next_after, search, worklist
from fundapp.services.transitions import look
from tests.support.cases import NOW, Cases
from tests.support.review import sent

FUND = "stimuleringsregeling-po"
ALL = Filters()


@pytest.fixture
def cases(session: Session) -> Cases:
    return Cases(session)


def refs(rows: list[review_views.Row]) -> list[str]:
    return [row.ref for row in rows]


def listed(session: Session, actor: Actor, tab: Tab, filters: Filters = ALL) -> list[str]:
    return refs(worklist(session, actor, tab, [FUND], filters))


def test_what_waits_for_each_role_is_known() -> None:
    """Golden: a change of the flow that moves work to somebody else shows here."""
    assert {role: sorted(states) for role, states in review_views.ACTS.items()} == {
        Role.HANDLER: ["incomplete", "submitted"],
        Role.ADVISER: ["under_review"],
        Role.DECISION_MAKER: ["advised", "offer_accepted", "rejection_intended", "waitlisted"],
        Role.FINANCE: ["awarded", "determination_intended", "determined", "reported"],
        Role.COORDINATOR: ["waitlisted"],
    }


def test_an_application_waits_for_whom_the_flow_offers_something(session: Session, cases: Cases) -> None:
    tranche, school = cases.tranche(), cases.school()
    apps = [cases.application(tranche, school, state=str(s), submitted_at=NOW) for s in FLOW.states]
    for role in STAFF_ROLES:
        actor = cases.person(f"Iemand {role}", role)
        offered = [
            app.ref
            for app in apps
            if {o.transition.name for o in look(session, "application", app.ref, actor=actor, now=NOW)[2]}
            - {"revoke", "extend_term"}
        ]
        assert listed(session, actor, Tab.MINE) == offered
        on_all = set(listed(session, actor, Tab.RUNNING)) | set(listed(session, actor, Tab.DONE))
        assert on_all == {app.ref for app in apps if app.state != "draft"}


def test_pages_follow_the_decision_term_and_miss_nothing(session: Session, cases: Cases) -> None:
    tranche, school = cases.tranche(), cases.school()
    days = [None, *(date(2025, 4, 1) + timedelta(days=n % 7) for n in range(10))]
    states = ["submitted", "under_review", "advised"]
    apps = [
        cases.application(tranche, school, state=states[n % 3], submitted_at=NOW, decision_due_on=days[n % 11])
        for n in range(37)
    ]
    wanted = [a.ref for a in sorted(apps, key=lambda a: (a.decision_due_on or date.max, a.id))]
    actor = cases.person("Hanna Herder", Role.HANDLER, Role.COORDINATOR)
    for filters in (Filters(), Filters(tranche=tranche.id), Filters(sub_region="oosterschelde")):
        seen: list[review_views.Row] = []
        after = FIRST
        while page := worklist(session, actor, Tab.RUNNING, [FUND], filters, after=after, most=5)[:5]:
            seen += page
            after = (page[-1].key, page[-1].id)
        assert refs(seen) == wanted


def test_a_panel_member_sees_the_own_sub_region_only(session: Session, cases: Cases) -> None:
    tranche = cases.tranche()
    ours = cases.application(tranche, cases.school(), state="under_review", submitted_at=NOW)
    theirs = cases.school("99AB00", "De Zeebries", board="99991", region="walcheren")
    cases.application(tranche, theirs, state="under_review", submitted_at=NOW)
    actor = Actor(
        cases.person("Tess").id, "Tess", "t@example.org", grants=frozenset({Grant(Role.ADVISER, FUND, "oosterschelde")})
    )
    assert listed(session, actor, Tab.MINE) == [ours.ref]
    assert listed(session, actor, Tab.MINE, Filters(sub_region="walcheren")) == []
    assert refs(search(session, actor, "po-t1", [FUND])) == [ours.ref]
    other_fund = Actor(actor.id, "Tess", "t@example.org", grants=frozenset({Grant(Role.ADVISER, "innovatiefonds")}))
    assert listed(session, other_fund, Tab.MINE) == []


def test_who_works_for_a_board_that_takes_part_never_sees_it(session: Session, cases: Cases) -> None:
    tranche, school = cases.tranche(), cases.school()
    app = sent(cases, tranche, school, state="under_review", boards=["99990", "99995"])
    person = cases.person("Bo Belang").id
    works = frozenset({Membership("99995", None, Capacity.EMPLOYEE)})
    actor = Actor(person, "Bo", "bo@example.org", grants=frozenset({Grant(Role.ADVISER)}), memberships=works)
    assert listed(session, actor, Tab.MINE) == listed(session, actor, Tab.RUNNING) == []
    assert search(session, actor, app.ref, [FUND]) == []
    assert next_after(session, actor, app.ref) is None
    with pytest.raises(Refused, match="not_found"):
        look(session, "application", app.ref, actor=actor, now=NOW)
    also = Actor(person, "Bo", "bo@example.org", grants=actor.grants | {Grant(Role.FINANCE)}, memberships=works)
    assert listed(session, also, Tab.RUNNING) == [app.ref]  # what finance does is no judgement
    assert listed(session, also, Tab.MINE) == []


def test_a_declared_interest_takes_it_off_the_list_and_stands(session: Session, cases: Cases) -> None:
    app = sent(cases, cases.tranche(), cases.school(), state="under_review")
    actor = cases.person("Aart Adviseur", Role.ADVISER)
    roles = frozenset({Role.ADVISER})
    assert interest.standing(session, app, actor, roles) is Interest.UNANSWERED
    with pytest.raises(Refused, match="interest_unanswered"):
        interest.require_open(session, app, actor, roles)
    interest.declare(session, app, interested=False, actor=actor, roles=roles, now=NOW)
    interest.require_open(session, app, actor, roles)
    assert listed(session, actor, Tab.MINE) == [app.ref]
    interest.declare(session, app, interested=True, actor=actor, roles=roles, now=NOW)
    assert listed(session, actor, Tab.MINE) == []
    with pytest.raises(Refused, match="interest_declared"):
        interest.require_open(session, app, actor, roles)
    with pytest.raises(Refused, match="interest_stands"):
        interest.declare(session, app, interested=False, actor=actor, roles=roles, now=NOW)
    assert interest.standing(session, app, actor, frozenset({Role.FINANCE})) is Interest.NOT_ASKED
    with pytest.raises(Refused, match="not_found"):
        interest.standing(session, app, actor, frozenset({Role.APPLICANT}))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("PO-T1-01", ["PO-T1-01"]),
        ("po-t1", ["PO-T1-02", "PO-T1-01"]),
        ("TECHN", ["PO-T1-01"]),
        ("zeeb", ["PO-T1-02"]),
        ("de ", ["PO-T1-02", "PO-T1-01"]),
        ("99ab", ["PO-T1-02"]),
        ("100% ra_k", ["PO-T1-02"]),
        ("100", ["PO-T1-02"]),
        ("1_0", []),
        ("%", []),
        ("'; --", []),
    ],
)
def test_search_by_the_start_of_reference_title_or_school(
    session: Session, cases: Cases, wanted: str, found: list[str]
) -> None:
    tranche = cases.tranche()
    cases.application(tranche, cases.school("99AA00", "De Ozobot"), state="submitted", submitted_at=NOW)
    zeebries = cases.school("99AB00", "Zeebries, De", board="99991", region="walcheren")
    zeebries.name_key = "de zeebries" if wanted == "de " else "zeebries"
    cases.application(tranche, zeebries, state="settled", submitted_at=NOW, title="100% ra_k")
    session.flush()
    assert refs(search(session, cases.person("Corrie", Role.COORDINATOR), wanted, [FUND])) == found


def test_the_next_one_comes_after_this_one_and_then_from_the_top(session: Session, cases: Cases) -> None:
    tranche, school = cases.tranche(), cases.school()
    actor = cases.person("Hanna Herder", Role.HANDLER)
    assert next_after(session, actor, "") is None
    one, two = (cases.application(tranche, school, state="submitted", submitted_at=NOW) for _ in range(2))
    assert next_after(session, actor, one.ref) == two.ref
    assert next_after(session, actor, two.ref) == one.ref
    two.state = "under_review"
    session.flush()
    assert next_after(session, actor, two.ref) == one.ref
    assert next_after(session, actor, one.ref) is None
