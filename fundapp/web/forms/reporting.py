"""What a school types in its final accounts: read at once, and what will not do is kept as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundapp.domain.accounts import ProofKind, bounds, differs_much
from fundapp.domain.money import euro, plain_euro
from fundapp.domain.refusal import Refused
from fundapp.domain.report import Contribution, Line, ReportPicture
from fundapp.domain.text import Text, same
from fundapp.services.report import NewContribution, Written
from fundapp.web.forms.application import Reader, Typed, by_field, invalid

MOST_RESULTS = 6000
_MOST_WORDS = 1000
_MOST_HOURS = 10_000

PARTY_KINDS = [
    ("company", Text("Een bedrijf", "A company")),
    ("mbo", Text("Een mbo-school", "A vocational college")),
    ("school", Text("Een andere school", "Another school")),
    ("own", Text("Uw eigen school", "Your own school")),
    ("other", Text("Iemand anders", "Somebody else")),
]
FORMS = [
    ("money", Text("Geld", "Money")),
    ("goods", Text("Spullen", "Goods")),
    ("hours", Text("Uren", "Hours")),
]


def read_accounts(typed: Typed, picture: ReportPicture, reader: Reader) -> Written:
    """Return what was typed; a field that cannot be read keeps what is stored, and the reader says what is wrong."""
    claimed: dict[int, int | None] = {}
    explanations, no_evidence = {}, {}
    for line in picture.lines:
        n = line.position
        claimed[n] = reader.amount(typed.get(f"claimed-{n}", ""), f"claimed-{n}")
        explanations[n] = reader.text(typed.get(f"explanation-{n}", ""), f"explanation-{n}", most=_MOST_WORDS)
        no_evidence[n] = reader.text(typed.get(f"no_evidence-{n}", ""), f"no_evidence-{n}", most=_MOST_WORDS)
    received = {one.position: _read_received(typed, one, reader) for one in picture.contributions}
    results = reader.text(typed.get("results", ""), "results", most=MOST_RESULTS)
    joined = _read_joined(typed, reader)
    wrong = by_field(reader.refusals)
    for line in picture.lines:
        n = line.position
        if f"claimed-{n}" in wrong:
            claimed[n] = line.claimed
        if f"explanation-{n}" in wrong:
            explanations[n] = line.explanation
        if f"no_evidence-{n}" in wrong:
            no_evidence[n] = line.no_evidence
    for one in picture.contributions:
        if f"received-{one.position}" in wrong:
            received[one.position] = one.received_hours if one.by_hours else one.received
    return Written(
        claimed=claimed,
        results=picture.results if "results" in wrong else results,
        may_publish=typed.get("may_publish") == "yes",
        explanations=explanations,
        no_evidence=no_evidence,
        received=received,
        joined=() if joined is None else (joined,),
    )


def _read_received(typed: Typed, one: Contribution, reader: Reader) -> int | None:
    name = f"received-{one.position}"
    raw = typed.get(name, "")
    return _hours(raw, name, reader) if one.by_hours else reader.amount(raw, name)


def _hours(raw: str, at: str, reader: Reader) -> int | None:
    """Whole hours, none of them too."""
    return 0 if raw.strip() == "0" else reader.whole(raw, at, most=_MOST_HOURS)


def _read_joined(typed: Typed, reader: Reader) -> NewContribution | None:
    """Somebody who was not in the plan; None where nothing was typed."""
    party = reader.text(typed.get("joined-party", ""), "joined-party")
    amount = typed.get("joined-amount", "")
    if not party and not amount.strip():
        return None
    form = typed.get("joined-form", "")
    kind = typed.get("joined-kind", "")
    cents = _hours(amount, "joined-amount", reader) if form == "hours" else reader.amount(amount, "joined-amount")
    if not party or cents is None or form not in dict(FORMS) or kind not in dict(PARTY_KINDS):
        if not reader.refusals:
            reader.refusals.append(
                invalid(
                    "joined_incomplete",
                    "joined-party",
                    "Vul in wie er meebetaalde, waarmee en hoeveel. Of maak de velden leeg.",
                    "Enter who paid with, how and how much. Or empty the fields.",
                )
            )
        return None
    return NewContribution(party, kind, form == "goods", cents if form == "hours" else None, cents)


def try_to(reader: Reader, act: Any, *given: Any, **more: Any) -> None:
    """Do something that may be refused at a field, and keep what is wrong with the rest."""
    try:
        act(*given, **more)
    except Refused as error:
        if any(refusal.field is None for refusal in error.refusals):
            raise
        reader.refusals += error.refusals


# --- shown ------------------------------------------------------------------------------------------------------------


def shown(typed: Typed | None, name: str, cents: int | None) -> str:
    """An amount as its field shows it: as it was typed, else as it is stored."""
    if typed is not None:
        return typed.get(name, "")
    return "" if cents is None else plain_euro(cents)


def line_views(
    picture: ReportPicture, typed: Typed | None, errors: Mapping[str, list[Text]], *, compare: bool
) -> list[dict[str, Any]]:
    """Each line of the accounts as the page draws it. compare: say what is stored where something else is typed."""
    return [_line_view(picture, line, typed, errors, compare=compare) for line in picture.lines]


def _line_view(
    picture: ReportPicture, line: Line, typed: Typed | None, errors: Mapping[str, list[Text]], *, compare: bool
) -> dict[str, Any]:
    n, over = line.position, picture.asked.explanation_over_bp
    least, most = bounds(line.budgeted, over)
    stored = shown(None, "", line.claimed)
    claimed = shown(typed, f"claimed-{n}", line.claimed)
    explanation = line.explanation if typed is None else typed.get(f"explanation-{n}", "")
    no_evidence = line.no_evidence if typed is None else typed.get(f"no_evidence-{n}", "")
    differs = compare and (claimed, explanation, no_evidence) != (stored, line.explanation, line.no_evidence)
    kept = " · ".join(part for part in (stored, line.explanation, line.no_evidence) if part) or "–"
    needs = line.claimed is not None and differs_much(line.budgeted, line.claimed, over)
    return {
        "row": line,
        "n": n,
        "files": picture.files_of(n),
        "proofs": bool(picture.proofs_of(n)),
        "claimed": claimed,
        "explanation": explanation,
        "no_evidence": no_evidence,
        "explain_open": bool(needs or explanation or errors.get(f"explanation-{n}")),
        "evidence_open": bool(no_evidence or errors.get(f"no_evidence-{n}")),
        "bounds": Text(
            "Nodig als u minder dan {least} of meer dan {most} uitgaf.",
            "Needed if you spent less than {least} or more than {most}.",
        ).fill(least=same(euro(least)), most=same(euro(most))),
        "stored": kept if differs else None,
    }


def contribution_views(picture: ReportPicture, typed: Typed | None) -> list[dict[str, Any]]:
    """Each contribution as the page draws it."""
    found = []
    for one in picture.contributions:
        name = f"received-{one.position}"
        stored = one.received_hours if one.by_hours else one.received
        value = str(stored) if one.by_hours and stored is not None else shown(None, "", stored)
        found.append({"row": one, "name": name, "value": value if typed is None else typed.get(name, "")})
    return found


def file_kinds(picture: ReportPicture) -> list[tuple[ProofKind, Any]]:
    """The files about the whole project that can be sent, each with those that are there."""
    wanted = list(picture.asked.of_the_whole)
    if ProofKind.ACTIVITY_REPORT in picture.asked.proofs and ProofKind.ACTIVITY_REPORT not in wanted:
        wanted.append(ProofKind.ACTIVITY_REPORT)
    return [(kind, picture.files_about(kind)) for kind in wanted]
