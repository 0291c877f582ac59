"""Allocation: worked examples of every method and overflow, the draw redone, and laws that hold for any input."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.allocation import Allocation, Outcome, allocate, input_sha256, lot
from fundapp.domain.allocation_input import AllocationRequest, Application, Method, OnOverflow, read_request
from fundapp.domain.refusal import Kind, Refused

repeatable = settings(derandomize=True, deadline=None, max_examples=120)


def app(ref: str, cents: int, at: str = "2022-05-03T10:00:00+02:00", **more: Any) -> dict[str, Any]:
    return {"ref": ref, "amount_cents": cents, "complete_at": at, **more}


def scenario(*applications: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "ceiling_cents": 100,
        "method": "order_of_receipt",
        "on_overflow": "stop",
        "seed": "s",
        "applications": list(applications),
        **more,
    }


def run(*applications: dict[str, Any], **more: Any) -> Allocation:
    return allocate(read_request(json.dumps(scenario(*applications, **more)).encode(), source="test"))


def given_to(found: Allocation) -> list[tuple[str, int]]:
    return [(share.ref, share.amount_cents) for share in found.allocations]


def drawn(seed: str, *refs: str) -> list[str]:
    """The draw redone, as anybody could."""
    return sorted(refs, key=lambda ref: hashlib.sha256(bytes(seed + "|" + ref, "utf-8")).hexdigest())


def on(day: int, hour: int = 10) -> str:
    return f"2022-05-{day:02d}T{hour:02d}:00:00+02:00"


# --- every method, every overflow -------------------------------------------------------------------------------------

FOUR = (app("a", 60, on(1)), app("b", 70, on(2)), app("c", 30, on(3)), app("d", 10, on(4)))


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [
        ("stop", [("a", 60), ("b", 0), ("c", 0), ("d", 0)]),
        ("skip", [("a", 60), ("b", 0), ("c", 30), ("d", 10)]),
        ("partial", [("a", 60), ("b", 40), ("c", 0), ("d", 0)]),
    ],
)
def test_order_of_receipt(overflow: str, expected: list[tuple[str, int]]) -> None:
    found = run(*reversed(FOUR), on_overflow=overflow)
    assert given_to(found) == expected
    assert found.awarded_cents == sum(cents for _, cents in expected)
    assert found.left_cents == 100 - found.awarded_cents
    assert [share.position for share in found.allocations] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [
        ("stop", [("b", 70), ("d", 10), ("a", 0), ("c", 0)]),
        ("skip", [("b", 70), ("d", 10), ("a", 0), ("c", 0)]),
        ("partial", [("b", 70), ("d", 10), ("a", 20), ("c", 0)]),
    ],
)
def test_ranking_by_score(overflow: str, expected: list[tuple[str, int]]) -> None:
    scores = {"a": 7.5, "b": 9, "c": 1, "d": 8.25}
    found = run(*({**x, "score": scores[x["ref"]]} for x in FOUR), method="ranking", on_overflow=overflow)
    assert given_to(found) == expected


@pytest.mark.parametrize("overflow", ["stop", "skip", "partial"])
@pytest.mark.parametrize("method", ["lottery", "priority"])
def test_lots(method: str, overflow: str) -> None:
    classes = {"a": 1, "b": 2, "c": 2, "d": 1} if method == "priority" else {}
    found = run(*({**x, "priority": classes.get(x["ref"], 1)} for x in FOUR), method=method, on_overflow=overflow)
    order = drawn("s", "a", "d") + drawn("s", "b", "c") if classes else drawn("s", "a", "b", "c", "d")
    left, closed, expected = 100, False, []
    asked = {x["ref"]: x["amount_cents"] for x in FOUR}
    for ref in order:
        gets = asked[ref] if asked[ref] <= left else (left if overflow == "partial" else 0)
        gets = 0 if closed else gets
        closed = closed or (asked[ref] > left and overflow != "skip")
        left -= gets
        expected.append((ref, gets))
    assert given_to(found) == expected


def test_the_draw_itself() -> None:
    assert lot("tranche-2022-2", "PO-1") == hashlib.sha256(b"tranche-2022-2|PO-1").hexdigest()
    assert lot("é", "ü") == hashlib.sha256("é|ü".encode()).hexdigest()
    refs = [f"PO-{n}" for n in range(50)]
    found = run(*(app(ref, 1) for ref in refs), method="lottery")
    assert [share.ref for share in found.allocations] == drawn("s", *refs)
    other = run(*(app(ref, 1) for ref in refs), method="lottery", seed="t")
    assert [share.ref for share in other.allocations] == drawn("t", *refs) != drawn("s", *refs)


def test_pro_rata_gives_the_cents_left_over_by_largest_remainder() -> None:
    # 100 over 30 + 60 + 45 = 135: 22.22, 44.44, 33.33; one cent is left, the largest remainder is 44.44
    found = run(app("a", 30, on(1)), app("b", 60, on(2)), app("c", 45, on(3)), method="pro_rata", on_overflow="stop")
    assert given_to(found) == [("a", 22), ("b", 45), ("c", 33)]
    assert {share.outcome for share in found.allocations} == {Outcome.PARTIAL}


def test_pro_rata_ties_go_by_moment_then_lot() -> None:
    found = run(app("z", 50, on(1)), app("y", 50, on(2)), app("x", 50, on(3)), method="pro_rata")
    assert given_to(found) == [("z", 34), ("y", 33), ("x", 33)]
    same_moment = run(*(app(ref, 50) for ref in "xyz"), method="pro_rata")
    assert given_to(same_moment) == list(zip(drawn("s", "x", "y", "z"), [34, 33, 33], strict=True))


def test_pro_rata_first_within_a_sub_region_then_within_the_ceiling() -> None:
    # North asks 120 of its 60: 40 + 20. South asks 60 of its 90. Together 120 of 100: 33.33, 16.67, 50.
    found = run(
        app("n1", 80, on(1), sub_region="north"),
        app("n2", 40, on(2), sub_region="north"),
        app("s1", 60, on(3), sub_region="south"),
        method="pro_rata",
        sub_ceilings={"north": 60, "south": 90},
    )
    assert given_to(found) == [("n1", 33), ("n2", 17), ("s1", 50)]
    assert found.left_cents == 0


def test_pro_rata_leaves_alone_what_fits_and_needs_no_overflow() -> None:
    request = scenario(
        app("n1", 80, on(1), sub_region="north"),
        app("s1", 20, on(2), sub_region="south", minimum_cents=20),
        method="pro_rata",
        sub_ceilings={"north": 30, "south": 20},
    )
    del request["on_overflow"]
    found = allocate(read_request(json.dumps(request).encode(), source="test"))
    assert given_to(found) == [("n1", 30), ("s1", 20)]
    assert [share.outcome for share in found.allocations] == [Outcome.PARTIAL, Outcome.AWARDED]
    assert found.left_cents == 50


def test_pro_rata_of_nothing() -> None:
    assert given_to(run(app("a", 5), method="pro_rata", ceiling_cents=0)) == [("a", 0)]
    nothing = run(app("a", 5, sub_region="n"), method="pro_rata", ceiling_cents=0, sub_ceilings={"n": 0})
    assert [share.outcome for share in nothing.allocations] == [Outcome.NOT_AWARDED]
    assert run(method="pro_rata").allocations == ()


# --- order of receipt: the day ----------------------------------------------------------------------------------------

REFS = [f"PO-{n}" for n in range(8)]


def test_within_a_day_that_fits_the_moment_decides() -> None:
    found = run(*(app(ref, 10, on(3, 20 - n)) for n, ref in enumerate(REFS)))
    assert [share.ref for share in found.allocations] == REFS[::-1]
    tied = run(*(app(ref, 10) for ref in REFS[::-1]))
    assert [share.ref for share in tied.allocations] == REFS


def test_within_a_day_that_does_not_fit_lots_decide() -> None:
    found = run(*(app(ref, 13, on(3, 20 - n)) for n, ref in enumerate(REFS)))
    assert [share.ref for share in found.allocations] == drawn("s", *REFS)


def test_what_earlier_days_took_decides_whether_a_day_fits() -> None:
    late = [app(ref, 10, on(4, 20 - n)) for n, ref in enumerate(REFS)]
    assert [s.ref for s in run(app("x", 20, on(3)), *late).allocations][1:] == REFS[::-1]
    assert [s.ref for s in run(app("x", 21, on(3)), *late).allocations][1:] == drawn("s", *REFS)


def test_a_sub_ceiling_that_does_not_hold_a_day_makes_it_lots_for_the_whole_day() -> None:
    north = [app(ref, 5, on(3, 20 - n), sub_region="north") for n, ref in enumerate(REFS[:4])]
    south = [app(ref, 5, on(3, 10 - n), sub_region="south") for n, ref in enumerate(REFS[4:])]
    fits = run(*north, *south, sub_ceilings={"north": 20, "south": 20})
    assert [s.ref for s in fits.allocations] == REFS[::-1]
    tight = run(*north, *south, sub_ceilings={"north": 19, "south": 20})
    assert [s.ref for s in tight.allocations] == drawn("s", *REFS)


def test_what_is_left_counts_even_where_it_is_closed() -> None:
    # Day 1 closes everything with 40 left; day 2 asks 40 together, so the moment decides, though nobody gets a cent.
    late = [app(ref, 5, on(4, 20 - n)) for n, ref in enumerate(REFS)]
    found = run(app("x", 60, on(2)), app("y", 41, on(3)), *late)
    assert [s.ref for s in found.allocations] == ["x", "y", *REFS[::-1]]
    assert found.awarded_cents == 60


def test_the_day_is_the_day_in_amsterdam() -> None:
    # 23:59 and 00:00 in Amsterdam, both on 2 May in UTC; each day fits, so lots play no part.
    before, after = "2022-05-02T23:59:59.999999+02:00", "2022-05-03T00:00:00+02:00"
    pair = [app("a", 60, after), app("b", 60, before)]
    assert given_to(run(*pair)) == [("b", 60), ("a", 0)]
    in_utc = [app("a", 60, "2022-05-02T22:00:00Z"), app("b", 60, "2022-05-02T21:59:59.999999Z")]
    assert given_to(run(*in_utc)) == [("b", 60), ("a", 0)]
    same_day = [app("a", 60, "2022-05-02T23:30:00+00:00"), app("b", 60, "2022-05-03T23:30:00+02:00")]
    assert [s.ref for s in run(*same_day).allocations] == drawn("s", "a", "b")


# --- what closes what -------------------------------------------------------------------------------------------------

SUBS = {"north": 50, "south": 100}


def n(ref: str, cents: int, day: int, **more: Any) -> dict[str, Any]:
    return app(ref, cents, on(day), sub_region="north", **more)


def s(ref: str, cents: int, day: int, **more: Any) -> dict[str, Any]:
    return app(ref, cents, on(day), sub_region="south", **more)


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [
        ("stop", [("n1", 40), ("n2", 0), ("n3", 0), ("s1", 30)]),
        ("skip", [("n1", 40), ("n2", 0), ("n3", 5), ("s1", 30)]),
        ("partial", [("n1", 40), ("n2", 10), ("n3", 0), ("s1", 30)]),
    ],
)
def test_what_does_not_fit_a_sub_ceiling_closes_that_sub_region(overflow: str, expected: list[tuple[str, int]]) -> None:
    found = run(n("n1", 40, 1), n("n2", 20, 2), n("n3", 5, 3), s("s1", 30, 4), sub_ceilings=SUBS, on_overflow=overflow)
    assert given_to(found) == expected


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [
        ("stop", [("s1", 80), ("s2", 0), ("n1", 0)]),
        ("skip", [("s1", 80), ("s2", 0), ("n1", 5)]),
        ("partial", [("s1", 80), ("s2", 20), ("n1", 0)]),
    ],
)
def test_what_does_not_fit_the_ceiling_closes_everything(overflow: str, expected: list[tuple[str, int]]) -> None:
    found = run(s("s1", 80, 1), s("s2", 21, 2), n("n1", 5, 3), sub_ceilings=SUBS, on_overflow=overflow)
    assert given_to(found) == expected


@pytest.mark.parametrize(("overflow", "gets"), [("stop", 0), ("partial", 50)])
def test_what_fits_neither_did_not_fit_the_ceiling(overflow: str, gets: int) -> None:
    found = run(s("s1", 20, 1), n("n1", 90, 2), s("s2", 5, 3), sub_ceilings=SUBS, on_overflow=overflow)
    assert given_to(found) == [("s1", 20), ("n1", gets), ("s2", 0)]


@pytest.mark.parametrize(("minimum", "gets"), [(0, 40), (40, 40), (41, 0)])
def test_a_part_below_the_minimum_is_not_given_but_still_closes(minimum: int, gets: int) -> None:
    late = app("c", 10, on(3))
    found = run(app("a", 60, on(1)), app("b", 70, on(2), minimum_cents=minimum), late, on_overflow="partial")
    assert given_to(found) == [("a", 60), ("b", gets), ("c", 0)]


def test_a_part_of_nothing_is_nothing() -> None:
    found = run(app("a", 100, on(1)), app("b", 1, on(2)), on_overflow="partial")
    assert [share.outcome for share in found.allocations] == [Outcome.AWARDED, Outcome.NOT_AWARDED]


def test_the_reasons() -> None:
    found = run(
        n("n1", 40, 1), n("n2", 20, 2), n("n3", 5, 3), s("s1", 95, 4), s("s2", 5, 5),
        sub_ceilings=SUBS, on_overflow="stop",
    )  # fmt: skip
    first = "Volgorde: het moment waarop de aanvraag compleet was. "
    lots = "Volgorde: loting onder de aanvragen van {}. "
    assert [share.reason.nl for share in found.allocations] == [
        first + "Het hele bedrag past.",
        lots.format("maandag 2 mei 2022")
        + "Er was nog €\u00a00,10 van het deelplafond van north. Dat is te weinig voor het hele bedrag.",
        first + "Het deelplafond van north is bereikt door een eerdere aanvraag.",
        lots.format("woensdag 4 mei 2022")
        + "Er was nog €\u00a00,60 van het plafond. Dat is te weinig voor het hele bedrag.",
        first + "Het plafond is bereikt door een eerdere aanvraag.",
    ]
    assert all(share.reason.en != share.reason.nl for share in found.allocations)


# --- scores -----------------------------------------------------------------------------------------------------------


def test_scores_are_compared_exactly() -> None:
    winner, loser = drawn("s", "a", "b")  # as floats the two scores are equal, and the lots would decide
    raw = json.dumps(scenario(app(winner, 1, score=1), app(loser, 1, score=2), method="ranking"))
    close = raw.replace('"score": 1', '"score": 4.2').replace(
        '"score": 2', '"score": 4.2000000000000000000000000000000000001'
    )
    assert [share.ref for share in allocate(read_request(close.encode(), source="t")).allocations] == [loser, winner]


def test_equal_scores_go_by_moment_then_lot() -> None:
    raw = json.dumps(
        scenario(
            app("late", 1, on(2), score=8),
            app("x", 1, score=9),
            app("y", 1, score=9),
            app("early", 1, on(1), score=8),
            method="ranking",
        )
    )
    found = allocate(read_request(raw.replace('"score": 8', '"score": 8.0', 1).encode(), source="t"))
    assert [share.ref for share in found.allocations] == [*drawn("s", "x", "y"), "early", "late"]
    assert found.allocations[2].order.nl == "Volgorde: score 8."


def test_services_may_build_a_request_in_memory() -> None:
    at = datetime.fromisoformat("2022-05-03T10:15:00+02:00")
    request = AllocationRequest(
        ceiling_cents=100,
        method=Method.RANKING,
        on_overflow=OnOverflow.SKIP,
        seed="s",
        applications=(
            Application(ref="a", amount_cents=60, complete_at=at, score=Decimal("4.2")),
            Application(ref="b", amount_cents=60, complete_at=at + timedelta(days=1), score=Decimal("4.3")),
        ),
    )
    assert given_to(allocate(request)) == [("b", 60), ("a", 0)]
    same = run(
        app("a", 60, "2022-05-03T10:15:00+02:00", score=4.2),
        app("b", 60, "2022-05-04T08:15:00Z", score=4.30),
        method="ranking",
        on_overflow="skip",
    )
    assert same.input_sha256 == input_sha256(request)


# --- the output -------------------------------------------------------------------------------------------------------

CONTRACT = {
    "ceiling_cents": 2000000,
    "sub_ceilings": {"walcheren": 730000, "oosterschelde": 730000, "zeeuws_vlaanderen": 540000},
    "method": "order_of_receipt",
    "on_overflow": "partial",
    "seed": "tranche-2022-2",
    "applications": [
        app("PO-1", 750000, "2022-05-03T10:15:00+02:00", score=4.2, sub_region="walcheren", priority=1,
            minimum_cents=500000),
    ],
}  # fmt: skip


def test_the_example_of_the_contract() -> None:
    text = allocate(read_request(json.dumps(CONTRACT).encode(), source="t")).as_json()
    found = json.loads(text)
    assert list(found) == ["allocations", "awarded_cents", "left_cents", "input_sha256"]
    assert list(found["allocations"][0]) == ["position", "ref", "amount_cents", "outcome", "reason"]
    assert found["allocations"][0]["outcome"] == "partial"
    assert (found["awarded_cents"], found["left_cents"]) == (730000, 1270000)


def test_the_hash_redone_from_its_description() -> None:
    canonical = {
        **CONTRACT,
        "applications": [
            {
                "ref": "PO-1",
                "amount_cents": 750000,
                "complete_at": 1651565700_000000,  # 2022-05-03T08:15:00Z
                "score": "4.2",
                "sub_region": "walcheren",
                "priority": 1,
                "minimum_cents": 500000,
            }
        ],
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    request = read_request(json.dumps(CONTRACT).encode(), source="t")
    assert input_sha256(request) == hashlib.sha256(text.encode()).hexdigest()


def test_odd_names_survive_the_json() -> None:
    found = run(app('é"\\\n\u2028', 1))
    assert json.loads(found.as_json())["allocations"][0]["ref"] == 'é"\\\n\u2028'
    assert json.loads(run().as_json())["allocations"] == []


# --- laws -------------------------------------------------------------------------------------------------------------

REGIONS = ("north", "south", "west")


@st.composite
def scenarios(draw: st.DrawFn, methods: tuple[str, ...] = tuple(Method), subs: bool | None = None) -> dict[str, Any]:
    with_subs = draw(st.booleans()) if subs is None else subs
    number = draw(st.integers(0, 12))
    applications = [
        app(
            f"PO-{i}",
            draw(st.integers(1, 60)),
            f"2022-03-{draw(st.integers(26, 28))}T{draw(st.integers(0, 23)):02d}:00:00+00:00",
            score=draw(st.integers(0, 3)),
            priority=draw(st.integers(1, 2)),
            sub_region=draw(st.sampled_from(REGIONS)),
            minimum_cents=draw(st.integers(0, 30)),
        )
        for i in range(number)
    ]
    return scenario(
        *applications,
        ceiling_cents=draw(st.integers(0, 250)),
        method=draw(st.sampled_from(methods)),
        on_overflow=draw(st.sampled_from(OnOverflow)),
        seed=draw(st.sampled_from(["s", "t"])),
        **({"sub_ceilings": {r: draw(st.integers(0, 120)) for r in REGIONS}} if with_subs else {}),
    )


def load(data: dict[str, Any]) -> AllocationRequest:
    return read_request(json.dumps(data).encode(), source="t")


@repeatable
@given(scenarios())
def test_nothing_passes_a_ceiling_and_nobody_gets_more_than_asked(data: dict[str, Any]) -> None:
    found = allocate(load(data))
    asked = {x["ref"]: x for x in data["applications"]}
    assert sorted(share.ref for share in found.allocations) == sorted(asked)
    assert found.awarded_cents == sum(share.amount_cents for share in found.allocations)
    assert found.awarded_cents + found.left_cents == data["ceiling_cents"]
    assert found.left_cents >= 0
    for region, ceiling in data.get("sub_ceilings", {}).items():
        assert sum(x.amount_cents for x in found.allocations if asked[x.ref]["sub_region"] == region) <= ceiling
    for share in found.allocations:
        whole = asked[share.ref]["amount_cents"]
        expected = {0: Outcome.NOT_AWARDED, whole: Outcome.AWARDED}.get(share.amount_cents, Outcome.PARTIAL)
        assert (share.outcome, 0 <= share.amount_cents <= whole) == (expected, True)
        if share.outcome is Outcome.PARTIAL and data["method"] != "pro_rata":
            assert data["on_overflow"] == "partial"
            assert share.amount_cents >= asked[share.ref]["minimum_cents"]


@repeatable
@given(scenarios(), st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_bytes_in_whatever_order_it_is_written(data: dict[str, Any], random: Any) -> None:
    shuffled = dict(reversed(data.items())) | {
        "applications": random.sample(data["applications"], len(data["applications"]))
    }
    assert allocate(load(shuffled)).as_json() == allocate(load(data)).as_json()
    changed = {**data, "ceiling_cents": data["ceiling_cents"] + 1}
    assert input_sha256(load(changed)) != input_sha256(load(data))


@repeatable
@given(scenarios(("ranking", "lottery", "priority"), subs=False), st.integers(0, 100))
def test_more_ceiling_never_costs_anyone_under_stop(data: dict[str, Any], more: int) -> None:
    less = allocate(load({**data, "on_overflow": "stop"}))
    raised = {**data, "on_overflow": "stop", "ceiling_cents": data["ceiling_cents"] + more}
    assert all(
        a.amount_cents >= b.amount_cents
        for a, b in zip(allocate(load(raised)).allocations, less.allocations, strict=True)
    )


@repeatable
@given(scenarios(subs=False))
def test_under_stop_nobody_overtakes(data: dict[str, Any]) -> None:
    if data["method"] != "pro_rata":
        got = [share.amount_cents > 0 for share in allocate(load({**data, "on_overflow": "stop"})).allocations]
        assert got == sorted(got, reverse=True)


@repeatable
@given(scenarios(("order_of_receipt",)))
def test_order_of_receipt_keeps_the_days_apart_and_each_day_is_by_moment_or_by_lot(data: dict[str, Any]) -> None:
    found = allocate(load(data))
    at = {x["ref"]: datetime.fromisoformat(x["complete_at"]) for x in data["applications"]}

    def day(ref: str) -> int:  # summer time began on Sunday 27 March 2022 at 01:00 UTC
        offset = 2 if at[ref] >= datetime.fromisoformat("2022-03-27T01:00:00+00:00") else 1
        return (at[ref] + timedelta(hours=offset)).day

    order = [share.ref for share in found.allocations]
    assert [day(ref) for ref in order] == sorted(day(ref) for ref in order)
    asked = {x["ref"]: x for x in data["applications"]}
    gave = {share.ref: share.amount_cents for share in found.allocations}
    for today in set(map(day, order)):
        refs = [ref for ref in order if day(ref) == today]
        before = order[: order.index(refs[0])]

        def left(ceiling: int, region: str | None, before: list[str] = before) -> int:
            return ceiling - sum(gave[ref] for ref in before if region in (None, asked[ref]["sub_region"]))

        def sum_of(region: str | None, refs: list[str] = refs) -> int:
            return sum(asked[ref]["amount_cents"] for ref in refs if region in (None, asked[ref]["sub_region"]))

        limits: dict[str | None, int] = {None: data["ceiling_cents"], **data.get("sub_ceilings", {})}
        fits = all(sum_of(region) <= left(ceiling, region) for region, ceiling in limits.items())
        assert refs == (sorted(refs, key=lambda ref: (at[ref], ref)) if fits else drawn(data["seed"], *refs))


@repeatable
@given(scenarios(("pro_rata",)))
def test_pro_rata_sums_to_the_ceiling_and_is_fair_to_a_cent(data: dict[str, Any]) -> None:
    found = allocate(load(data))
    asked = {x["ref"]: Fraction(x["amount_cents"]) for x in data["applications"]}
    region = {x["ref"]: x["sub_region"] for x in data["applications"]}
    exact = dict(asked)
    for name, ceiling in data.get("sub_ceilings", {}).items():
        total = sum(cents for ref, cents in asked.items() if region[ref] == name)
        if total > ceiling:
            exact.update({ref: asked[ref] * ceiling / total for ref in asked if region[ref] == name})
    together = sum(exact.values())
    assert found.awarded_cents == min(together, data["ceiling_cents"])
    for share in found.allocations:
        fair = exact[share.ref] * min(1, data["ceiling_cents"] / together) if together else 0
        assert abs(share.amount_cents - fair) < 2  # one cent for each of the two scalings
        if "sub_ceilings" not in data:
            assert abs(share.amount_cents - fair) < 1


# --- what is refused --------------------------------------------------------------------------------------------------

BASE = scenario(
    app("PO-1", 10, score=1, priority=1, sub_region="n"), app("PO-2", 10, score=1, priority=1, sub_region="n")
)


def changed(**more: Any) -> dict[str, Any]:
    return {**BASE, **more}


def second(**more: Any) -> dict[str, Any]:
    """The second application changed; a value of ... takes the field away."""
    merged = {name: value for name, value in {**BASE["applications"][1], **more}.items() if value is not ...}
    return changed(applications=[BASE["applications"][0], merged])


@pytest.mark.parametrize(
    ("data", "ref", "field"),
    [
        (second(amount_cents=0), "PO-2", "amount_cents"),
        (second(amount_cents=-1), "PO-2", "amount_cents"),
        (second(amount_cents=1.5), "PO-2", "amount_cents"),
        (second(amount_cents=10.0), "PO-2", "amount_cents"),
        (second(amount_cents="10"), "PO-2", "amount_cents"),
        (second(amount_cents=True), "PO-2", "amount_cents"),
        (second(amount_cents=None), "PO-2", "amount_cents"),
        (second(amount_cents=2**63), "PO-2", "amount_cents"),
        (second(amount_cents=...), "PO-2", "amount_cents"),
        (second(complete_at="2022-05-03T10:15:00"), "PO-2", "complete_at"),
        (second(complete_at="2022-05-03"), "PO-2", "complete_at"),
        (second(complete_at="2022-02-30T10:15:00+02:00"), "PO-2", "complete_at"),
        (second(complete_at="0001-01-01T00:00:00+02:00"), "PO-2", "complete_at"),
        (second(complete_at="9999-12-31T23:59:59-02:00"), "PO-2", "complete_at"),
        (second(complete_at=1651565700), "PO-2", "complete_at"),
        (second(complete_at=...), "PO-2", "complete_at"),
        (second(score="4"), "PO-2", "score"),
        (second(score=True), "PO-2", "score"),
        (second(score=10**200), "PO-2", "score"),
        (second(priority=0), "PO-2", "priority"),
        (second(priority=True), "PO-2", "priority"),
        (second(priority=1.0), "PO-2", "priority"),
        (second(minimum_cents=-1), "PO-2", "minimum_cents"),
        (second(minimum_cents=0.5), "PO-2", "minimum_cents"),
        (second(sub_region=""), "PO-2", "sub_region"),
        (second(sub_region=4), "PO-2", "sub_region"),
        (second(colour="red"), "PO-2", "colour"),
        (second(ref="PO-1"), "PO-1", "ref"),
        (second(ref=""), "nr. 2", "ref"),
        (second(ref=2), "nr. 2", "ref"),
        (second(ref=...), "nr. 2", "ref"),
        ({**second(score=...), "method": "ranking"}, "PO-2", "score"),
        ({**second(score=None), "method": "ranking"}, "PO-2", "score"),
        ({**second(priority=...), "method": "priority"}, "PO-2", "priority"),
        ({**second(sub_region="m"), "sub_ceilings": {"n": 5}}, "PO-2", "sub_region"),
        ({**second(sub_region=...), "sub_ceilings": {"n": 5}}, "PO-2", "sub_region"),
        (changed(applications=[BASE["applications"][0], 7]), "nr. 2", "applications"),
        (changed(applications={}), "", "applications"),
        (changed(applications="PO-1"), "", "applications"),
        (changed(ceiling_cents=-1), "", "ceiling_cents"),
        (changed(ceiling_cents=False), "", "ceiling_cents"),
        (changed(ceiling_cents=1e3), "", "ceiling_cents"),
        (changed(sub_ceilings={"n": -1}), "", "sub_ceilings.n"),
        (changed(sub_ceilings={"n": "1"}), "", "sub_ceilings.n"),
        (changed(sub_ceilings=[1]), "", "sub_ceilings"),
        (changed(method="first_come"), "", "method"),
        (changed(method=1), "", "method"),
        (changed(on_overflow="drop"), "", "on_overflow"),
        (changed(on_overflow=None), "", "on_overflow"),
        (changed(seed=1), "", "seed"),
        (changed(colour="red"), "", "colour"),
        *[({k: v for k, v in BASE.items() if k != name}, "", name) for name in BASE],
    ],
)
def test_a_refusal_names_the_ref_and_the_field(data: dict[str, Any], ref: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        load(data)
    (refusal,) = refused.value.refusals
    assert (refusal.kind, refusal.field) == (Kind.INVALID, field)
    assert refusal.sentence.nl.startswith(f"Aanvraag {ref}: " if ref else "")
    assert "{" not in refusal.sentence.en
    assert "\n" not in refusal.sentence.nl + refusal.sentence.en


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"score": 1', '"score": NaN', "scenario.json"),
        ('"score": 1', '"score": -Infinity', "scenario.json"),
        ('"score": 1', '"score": 1e999999999999999999999', None),
        ('"score": 1', '"score": 1e400', "score"),
        ('"ref": "PO-2"', '"ref": "PO-2", "ref": "PO-3"', "ref"),
        ('"ref": "PO-2"', '"ref": "\\ud800"', "ref"),
        ('"seed": "s"', '"seed": "\\ud800"', "seed"),
        ('"seed"', "seed", "scenario.json"),
        ("{", "[" * 100_000, "scenario.json"),
        ('"score": 1', '"score": ' + "1" * 5000, "scenario.json"),
    ],
)
def test_json_that_is_no_json(old: str, new: str, field: str | None) -> None:
    with pytest.raises(Refused) as refused:
        read_request(json.dumps(BASE).replace(old, new).encode(), source="scenario.json")
    assert refused.value.kind is Kind.INVALID
    assert field is None or refused.value.refusals[0].field == field


@pytest.mark.parametrize("raw", [b"", b"7", b"[]", b"null", b"\xff\xfe{}", b'{"a": "\xe9"}'])
def test_bytes_that_are_no_scenario(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_request(raw, source="scenario.json")
    assert refused.value.refusals[0].field == "scenario.json"


def test_a_byte_order_mark_and_absent_options_are_fine() -> None:
    bare = {**BASE, "sub_ceilings": None, "applications": [app("PO-1", 10, score=None, sub_region=None, priority=None)]}
    assert given_to(allocate(read_request(b"\xef\xbb\xbf" + json.dumps(bare).encode(), source="t"))) == [("PO-1", 10)]


def test_a_naive_moment_in_memory_is_refused_too() -> None:
    with pytest.raises(ValueError, match="offset"):
        Application(ref="a", amount_cents=1, complete_at=datetime(2022, 5, 3))  # noqa: DTZ001  (naive on purpose)
