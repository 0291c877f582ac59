"""The worklist: what waits for whom follows from the flow; paged by key; never what somebody may not judge."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW
from fundapp.domain.people import STAFF_ROLES, Actor, Capacity, Grant, Membership, Role
from fundapp.domain.refusal import Refused
from fundapp.services import interest, review_views, saved_filters
from fundapp.services.interest import Interest
from fundapp.services.review_views import FIRST, MOST_COUNTED, Filters, Tab, beside, counts, search, worklist
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
    assert beside(session, actor, app.ref, Tab.MINE, [FUND], ALL) is None
    assert set(counts(session, actor, [FUND]).values()) == {0}
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

    def after(ref: str, tab: Tab = Tab.MINE, *, back: bool = False) -> str | None:
        return beside(session, actor, ref, tab, [FUND], ALL, back=back)

    assert after("") is None
    one, two = (cases.application(tranche, school, state="submitted", submitted_at=NOW) for _ in range(2))
    assert after(one.ref) == two.ref
    assert after(two.ref) == one.ref
    assert after(two.ref, back=True) == one.ref
    assert after(one.ref, back=True) is None, "the first has none before it"
    two.state = "under_review"
    session.flush()
    assert after(two.ref) == one.ref
    assert after(one.ref) is None
    assert after(one.ref, Tab.RUNNING) == two.ref


def test_back_is_the_same_order_the_other_way(session: Session, cases: Cases) -> None:
    tranche, school = cases.tranche(), cases.school()
    days = [None, *(date(2025, 4, 1) + timedelta(days=n % 5) for n in range(10))]
    for n in range(23):
        cases.application(
            tranche,
            school,
            state=("submitted", "under_review")[n % 2],
            submitted_at=NOW,
            decision_due_on=days[n % 11],
        )
    actor = cases.person("Hanna Herder", Role.HANDLER, Role.COORDINATOR)
    for filters in (ALL, Filters(tranche=tranche.id), Filters(sub_region="oosterschelde"), Filters(state="submitted")):
        order = listed(session, actor, Tab.RUNNING, filters)
        forward = [beside(session, actor, ref, Tab.RUNNING, [FUND], filters) for ref in order]
        backward = [beside(session, actor, ref, Tab.RUNNING, [FUND], filters, back=True) for ref in order]
        assert forward == [*order[1:], order[0]]
        assert backward == [None, *order[:-1]]


def test_counts_are_those_of_the_lists_and_go_no_further_than_they_show(session: Session, cases: Cases) -> None:
    tranche, school = cases.tranche(), cases.school()
    for n in range(9):
        cases.application(tranche, school, state=("submitted", "under_review", "settled")[n % 3], submitted_at=NOW)
    hanna = cases.person("Hanna Herder", Role.HANDLER)
    for filters in (ALL, Filters(tranche=tranche.id), Filters(state="submitted"), Filters(sub_region="walcheren")):
        shown = {tab: len(listed(session, hanna, tab, filters)) for tab in Tab}
        assert counts(session, hanna, [FUND], filters) == shown
    both = Actor(
        hanna.id,
        "Hanna",
        "h@example.org",
        grants=frozenset({Grant(Role.HANDLER), Grant(Role.COORDINATOR, FUND, "oosterschelde")}),
    )
    assert counts(session, both, [FUND]) == {tab: len(listed(session, both, tab)) for tab in Tab}, "each one once"
    for _ in range(MOST_COUNTED):
        cases.application(tranche, school, state="submitted", submitted_at=NOW)
    for person in (hanna, both):
        assert counts(session, person, [FUND])[Tab.MINE] == MOST_COUNTED


@pytest.mark.parametrize("wanted", ["wil", "WILMA de", "4.321,00", "€ 4321"])
def test_search_by_who_wrote_it_and_by_amount(session: Session, cases: Cases, wanted: str) -> None:
    tranche, school = cases.tranche(), cases.school()
    cases.application(tranche, school, state="submitted", submitted_at=NOW, requested_cents=1)
    app = cases.application(tranche, school, state="submitted", submitted_at=NOW, requested_cents=432100)
    writer = cases.person("Wilma de Wit").id
    assert writer is not None
    app.created_by_id = writer
    session.flush()
    assert refs(search(session, cases.person("Corrie", Role.COORDINATOR), wanted, [FUND])) == [app.ref]


def test_filters_are_kept_by_name_and_are_ones_own(session: Session, cases: Cases) -> None:
    hanna, corrie = cases.person("Hanna Herder", Role.HANDLER), cases.person("Corrie", Role.COORDINATOR)

    def mine(actor: Actor) -> list[tuple[str, str]]:
        return [(one.name, one.query) for one in review_views.choices(session, actor).saved]

    for name, query in ((" Oud ", "tab=afgerond"), ("Nieuw", "q=x"), ("Oud", "stand=settled")):
        saved_filters.save(session, name, query, actor=hanna, now=NOW)
    assert mine(hanna) == [("Nieuw", "q=x"), ("Oud", "stand=settled")]
    assert mine(corrie) == []
    number = review_views.choices(session, hanna).saved[0].id
    with pytest.raises(Refused, match="not_found"):
        saved_filters.forget(session, number, actor=corrie)
    saved_filters.forget(session, number, actor=hanna)
    assert mine(hanna) == [("Oud", "stand=settled")]
    for name, query, code in ((" ", "q=x", "name_missing"), ("Leeg", "", "filter_missing")):
        with pytest.raises(Refused, match=code):
            saved_filters.save(session, name, query, actor=hanna, now=NOW)
    for n in range(saved_filters.MOST - 1):
        saved_filters.save(session, f"Nr {n}", "q=x", actor=hanna, now=NOW)
    with pytest.raises(Refused, match="too_many_filters"):
        saved_filters.save(session, "Nog een", "q=x", actor=hanna, now=NOW)
