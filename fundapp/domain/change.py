"""A change during the project: what can change, what it does to the agreement, and who says yes.

The duty to tell: Awb 4:37 and domain.md section 1, rule 24. Small shifts within the fund's margin are recorded and need
no answer; everything else is asked. What the kinds have in common stands in the flow, what differs in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum, auto
from typing import Any

from fundapp.domain.days import day_text
from fundapp.domain.flow import Flow, Given, Look, Mail, Tone, Transition, needs
from fundapp.domain.money import WHOLE, euro
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind as RefusalKind
from fundapp.domain.refusal import Refusal
from fundapp.domain.text import Text, same


class State(StrEnum):
    """Where a change request stands."""

    REQUESTED = "requested"
    RECORDED = "recorded"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Effect(Enum):
    """What a transition does besides the state."""

    APPLY_CHANGE = auto()
    WRITE_LETTER = auto()


class Kind(StrEnum):
    """What changes; the word stands in addresses and in the database."""

    SHIFT = "verschuiving"
    DATES = "data"
    PARTNER = "partner"
    AMOUNT = "bedrag"
    STOP = "stoppen"


# --- the project as it stands, and what is asked ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A budget line. agreed: as awarded, or approved since; budgeted: as it stands, small shifts counted in. Cents."""

    position: int
    description: str
    agreed: int
    budgeted: int


@dataclass(frozen=True, slots=True)
class PartnerOf:
    """A partner of the project."""

    position: int
    kind: str
    name: str


PARTNER_KINDS = {
    "po": Text("basisschool", "primary school"),
    "vo": Text("school voor voortgezet onderwijs", "secondary school"),
    "mbo": Text("mbo-school", "vocational college"),
    "company": Text("bedrijf", "company"),
    "other": Text("andere organisatie", "other organisation"),
}
"""What a partner can be."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project that runs. Amounts in cents.

    award: the most that it can cost the fund, as it stands; paid: what the school has, or is on its way. free_shift_bp:
    how far a line may move from what was agreed without being asked. report_due: by when the school accounts if the
    project ends on a day.
    """

    lines: Sequence[Line]
    partners: Sequence[PartnerOf]
    starts_on: date | None
    ends_on: date | None
    award: int
    paid: int
    free_shift_bp: int
    today: date
    report_due: Callable[[date], date]

    def line(self, position: object) -> Line | None:
        """The line at a position, or None."""
        return next((line for line in self.lines if line.position == position), None)


Details = Mapping[str, Any]
"""What is asked, as plain data; each kind has keys of its own. Amounts in cents, days as ISO dates."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that would be different: as it is, and as it would be. Either is None where there is nothing."""

    what: Text
    before: Text | None
    after: Text | None


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """A kind of change, as data.

    problems: why it cannot be asked. consequences: what would be different. free: whether it needs no answer.
    """

    kind: Kind
    label: Text
    hint: Text
    problems: Callable[[Project, Details], list[Refusal]]
    consequences: Callable[[Project, Details], list[Consequence]]
    free: Callable[[Project, Details], bool] = lambda _project, _asked: False


def _invalid(code: str, field: str, nl: str, en: str, **values: Text) -> Refusal:
    return Refusal(code, Text(nl, en).fill(**values), field=field, kind=RefusalKind.INVALID)


def _money(cents: int) -> Text:
    return same(euro(cents))


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def _day_text(day: date | None) -> Text | None:
    return None if day is None else day_text(day)


# --- a shift between lines --------------------------------------------------------------------------------------------


def _shift_problems(project: Project, asked: Details) -> list[Refusal]:
    source, target = project.line(asked.get("from")), project.line(asked.get("to"))
    if source is None or target is None or source == target:
        return [
            _invalid(
                "lines_unknown",
                "source",
                "Kies twee verschillende regels van de begroting.",
                "Choose two different budget lines.",
            )
        ]
    if not 0 < int(asked.get("cents") or 0) <= source.budgeted:
        return [
            _invalid(
                "shift_too_large",
                "amount",
                "Op “{line}” staat {most}. Vul een bedrag in dat daarin past.",
                "“{line}” holds {most}. Enter an amount that fits.",
                line=same(source.description),
                most=_money(source.budgeted),
            )
        ]
    return []


def shifted(lines: Sequence[Line], asked: Details) -> list[tuple[Line, int]]:
    """Return every line with its budget after the shift, in cents; together they stay what they were."""
    cents = int(asked["cents"])
    return [
        (
            line,
            line.budgeted - cents * (line.position == asked["from"]) + cents * (line.position == asked["to"]),
        )
        for line in lines
    ]


def _shift_consequences(project: Project, asked: Details) -> list[Consequence]:
    return [
        Consequence(same(line.description), _money(line.budgeted), _money(after))
        for line, after in shifted(project.lines, asked)
        if after != line.budgeted
    ]


def within_margin(project: Project, asked: Details) -> bool:
    """Whether no line ends up further from what was agreed than the fund lets it, all small shifts counted together."""
    return all(
        abs(after - line.agreed) * WHOLE <= project.free_shift_bp * line.agreed
        for line, after in shifted(project.lines, asked)
        if after != line.budgeted
    )


# --- dates ------------------------------------------------------------------------------------------------------------


def _date_problems(project: Project, asked: Details) -> list[Refusal]:
    starts, ends = _day(asked.get("starts_on")), _day(asked.get("ends_on"))
    if starts is None or ends is None or ends < starts:
        return [
            _invalid(
                "dates_order",
                "ends_on",
                "Vul een begin en een einde in. Het einde is later dan het begin.",
                "Enter a start and an end. The end is later than the start.",
            )
        ]
    found = []
    if starts != project.starts_on and (project.starts_on is None or project.starts_on <= project.today):
        found.append(
            _invalid(
                "already_started",
                "starts_on",
                "Het project is al begonnen. Het begin kan niet meer veranderen.",
                "The project has started. Its start cannot change any more.",
            )
        )
    if ends < project.today:
        found.append(
            _invalid(
                "end_is_past",
                "ends_on",
                "Deze dag is voorbij. Kies vandaag of later.",
                "This day has passed. Choose today or later.",
            )
        )
    if not found and (starts, ends) == (project.starts_on, project.ends_on):
        found.append(
            _invalid("nothing_changes", "ends_on", "Er verandert niets. Vul andere data in.", "Nothing would change.")
        )
    return found


def _date_consequences(project: Project, asked: Details) -> list[Consequence]:
    starts, ends = _day(asked["starts_on"]), _day(asked["ends_on"])
    found = []
    if starts != project.starts_on:
        found.append(
            Consequence(Text("Begin van het project", "Start"), _day_text(project.starts_on), _day_text(starts))
        )
    return found + _new_end(project, ends)


def _new_end(project: Project, ends: date | None) -> list[Consequence]:
    if ends is None or ends == project.ends_on:
        return []
    before = None if project.ends_on is None else day_text(project.report_due(project.ends_on))
    return [
        Consequence(Text("Einde van het project", "End of the project"), _day_text(project.ends_on), day_text(ends)),
        Consequence(
            Text("Verantwoording uiterlijk", "Final accounts at the latest"), before, day_text(project.report_due(ends))
        ),
    ]


# --- partners ---------------------------------------------------------------------------------------------------------


def _partner_problems(project: Project, asked: Details) -> list[Refusal]:
    leaves, joins = asked.get("leaves"), asked.get("joins") or {}
    if leaves is None and not joins:
        return [
            _invalid(
                "partner_missing",
                "leaves",
                "Kies wie er stopt, of vul in wie er bij komt.",
                "Choose who leaves, or enter who joins.",
            )
        ]
    found = []
    if leaves is not None and all(partner.position != leaves for partner in project.partners):
        found.append(
            _invalid("partner_unknown", "leaves", "Kies een partner uit de lijst.", "Choose a partner from the list.")
        )
    if joins and (not str(joins.get("name") or "").strip() or joins.get("kind") not in PARTNER_KINDS):
        found.append(
            _invalid(
                "partner_incomplete",
                "name",
                "Vul de naam van de nieuwe partner in en kies wat het is.",
                "Enter the name of the new partner and choose what it is.",
            )
        )
    return found


def _partner_consequences(project: Project, asked: Details) -> list[Consequence]:
    found = []
    gone = next((p for p in project.partners if p.position == asked.get("leaves")), None)
    if gone is not None:
        found.append(Consequence(Text("Partner stopt", "Partner leaves"), same(gone.name), None))
    if joins := asked.get("joins"):
        kind = PARTNER_KINDS[joins["kind"]]
        name = Text("{name} ({kind})", "{name} ({kind})").fill(name=joins["name"], kind=kind)
        found.append(Consequence(Text("Nieuwe partner", "New partner"), None, name))
    return found


# --- a lower amount, and stopping -------------------------------------------------------------------------------------


def _amount_problems(project: Project, asked: Details) -> list[Refusal]:
    if 0 < int(asked.get("cents") or 0) < project.award:
        return []
    return [
        _invalid(
            "not_lower",
            "amount",
            "Vul een bedrag in dat lager is dan {award}. Hebt u niets nodig? Kies dan “stoppen”.",
            "Enter an amount below {award}. If you need nothing, choose to stop.",
            award=_money(project.award),
        )
    ]


def _amount_consequences(project: Project, asked: Details) -> list[Consequence]:
    cents = int(asked["cents"])
    if cents == project.award:
        return []
    found = [
        Consequence(Text("Toekenning, hoogstens", "Award, at most"), _money(project.award), _money(cents)),
        Consequence(
            Text("Nog niet betaald", "Not paid yet"),
            _money(max(0, project.award - project.paid)),
            _money(max(0, cents - project.paid)),
        ),
    ]
    if project.paid > cents:
        found.append(
            Consequence(
                Text("Te veel ontvangen; terug bij het eindbedrag", "Received too much; back at the final amount"),
                None,
                _money(project.paid - cents),
            )
        )
    return found


def freed(project: Project, cents: int) -> int:
    """What comes free at once when the award becomes this amount (cents): never what was paid already."""
    return project.award - max(cents, min(project.paid, project.award))


def _stop_problems(project: Project, asked: Details) -> list[Refusal]:
    on = _day(asked.get("on"))
    found = []
    too_late = on is not None and project.ends_on is not None and on > project.ends_on
    too_early = on is not None and project.starts_on is not None and on < project.starts_on
    if on is None or too_late or too_early:
        found.append(
            _invalid(
                "stop_day",
                "on",
                "Vul de dag in waarop het project stopt: tussen het begin en het einde.",
                "Enter the day on which the project stops: between its start and its end.",
            )
        )
    if not 0 <= int(asked.get("cents") or 0) <= project.award:
        found.append(
            _invalid(
                "more_than_awarded",
                "amount",
                "U kreeg hoogstens {award}. Vul in hoeveel u daarvan nodig hebt.",
                "You were awarded {award} at most. Enter how much of it you need.",
                award=_money(project.award),
            )
        )
    return found


def _stop_consequences(project: Project, asked: Details) -> list[Consequence]:
    return _new_end(project, _day(asked["on"])) + _amount_consequences(project, asked)


KINDS: dict[Kind, ChangeKind] = {
    one.kind: one
    for one in (
        ChangeKind(
            Kind.SHIFT,
            Text("Geld verschuiven tussen kostenregels", "Move money between cost lines"),
            Text("Het totaal blijft gelijk.", "The total stays the same."),
            _shift_problems,
            _shift_consequences,
            within_margin,
        ),
        ChangeKind(
            Kind.DATES,
            Text("Andere data", "Other dates"),
            Text(
                "Het project begint of eindigt op een andere dag. De verantwoording schuift mee.",
                "The project starts or ends on another day. The final accounts move along.",
            ),
            _date_problems,
            _date_consequences,
        ),
        ChangeKind(
            Kind.PARTNER,
            Text("Een andere partner", "Another partner"),
            Text("Een partner stopt, of er komt er een bij.", "A partner leaves, or one joins."),
            _partner_problems,
            _partner_consequences,
        ),
        ChangeKind(
            Kind.AMOUNT,
            Text("Minder geld nodig", "Less money needed"),
            Text(
                "De toekenning wordt lager. Andere scholen kunnen het geld dan gebruiken.",
                "The award becomes lower. Other schools can then use the money.",
            ),
            _amount_problems,
            _amount_consequences,
        ),
        ChangeKind(
            Kind.STOP,
            Text("Stoppen met het project", "Stop the project"),
            Text(
                "Het project gaat niet verder. U verantwoordt wat u tot dan toe deed.",
                "The project does not go on. You account for what you did until then.",
            ),
            _stop_problems,
            _stop_consequences,
        ),
    )
}
"""Every kind of change, in the order in which a school chooses."""


# --- the flow ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine asks of a change request.

    free: it lies within the fund's margin. problems: why it is not possible any more, as the project stands now.
    project: how it stands, where that was looked at.
    """

    state: str
    version: int
    roles: frozenset[Role]
    free: bool = False
    problems: tuple[Refusal, ...] = ()
    project: Project | None = None


def still_possible(facts: Facts, _given: Given | None) -> Refusal | None:
    """The project may have changed since it was asked."""
    return facts.problems[0] if facts.problems else None


def small_enough(facts: Facts, _given: Given | None) -> Refusal | None:
    """Only what lies within the margin needs no answer."""
    if facts.free:
        return None
    return Refusal(
        "outside_margin",
        Text("Dit valt buiten de marge van het fonds.", "This lies outside the fund's margin."),
    )


T = Transition[Facts]
_REQUESTED: frozenset[StrEnum] = frozenset({State.REQUESTED})
_COORDINATOR = frozenset({Role.COORDINATOR})

FLOW: Flow[Facts] = Flow(
    kind="change_request",
    label=Text("wijzigingsverzoek", "change request"),
    initial=State.REQUESTED,
    looks={
        State.REQUESTED: Look(Text("Wijziging gevraagd", "Change requested"), Tone.WAITING, "question"),
        State.RECORDED: Look(Text("Wijziging vastgelegd", "Change recorded"), Tone.POSITIVE, "check", final=True),
        State.APPROVED: Look(Text("Wijziging goedgekeurd", "Change approved"), Tone.POSITIVE, "check", final=True),
        State.REFUSED: Look(Text("Wijziging niet goedgekeurd", "Change refused"), Tone.NEGATIVE, "cross", final=True),
        State.WITHDRAWN: Look(Text("Verzoek ingetrokken", "Request withdrawn"), Tone.NEUTRAL, "stop", final=True),
    },
    transitions=(
        T(
            name="record",
            label=Text("Vastleggen", "Record"),
            past=Text("vastgelegd", "recorded"),
            tone=Tone.POSITIVE,
            source=_REQUESTED,
            target=State.RECORDED,
            who=frozenset({Role.SYSTEM}),
            guards=(still_possible, small_enough),
            effects=(Effect.APPLY_CHANGE,),
            mail=(Mail("change_recorded", Role.APPLICANT),),
        ),
        T(
            name="approve",
            label=Text("Wijziging goedkeuren", "Approve the change"),
            past=Text("goedgekeurd", "approved"),
            tone=Tone.POSITIVE,
            source=_REQUESTED,
            target=State.APPROVED,
            who=_COORDINATOR,
            guards=(still_possible,),
            effects=(Effect.APPLY_CHANGE, Effect.WRITE_LETTER),
            mail=(Mail("change_approved", Role.APPLICANT),),
        ),
        T(
            name="refuse",
            label=Text("Wijziging weigeren", "Refuse the change"),
            past=Text("geweigerd", "refused"),
            tone=Tone.NEGATIVE,
            source=_REQUESTED,
            target=State.REFUSED,
            who=_COORDINATOR,
            asks="reason",
            guards=(
                needs(
                    "explanation", Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")
                ),
            ),
            effects=(Effect.WRITE_LETTER,),
            mail=(Mail("change_refused", Role.APPLICANT),),
        ),
        T(
            name="withdraw",
            label=Text("Verzoek intrekken", "Withdraw the request"),
            past=Text("ingetrokken", "withdrawn"),
            tone=Tone.NEGATIVE,
            source=_REQUESTED,
            target=State.WITHDRAWN,
            who=frozenset({Role.APPLICANT}),
        ),
    ),
)
