"""What finance fills in to judge final accounts and to recover money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from fundapp.domain.accounts import differs_much
from fundapp.domain.days import read_day
from fundapp.domain.money import euro, parse_euro, plain_euro
from fundapp.domain.recovery import MOST_PARTS, Part, equal_parts
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.report import ReportPicture
from fundapp.domain.settlement import AccountLine, Calculation
from fundapp.domain.text import Text, same
from fundapp.web.forms import ActionForm, asked


def _given(name: str) -> str:
    return request.form.get(name, "")


# --- judging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """One budget line as finance judges it: what was typed stands, also when it is wrong."""

    line: AccountLine
    accepted: str
    reason: str
    accepted_error: Text | None
    reason_error: Text | None


class LinesForm:
    """What counts per line, and why less counts than was claimed: one amount and one reason for each line."""

    def __init__(self, lines: Sequence[AccountLine], *, sent: bool = True) -> None:
        self._lines = lines
        posted = sent and request.method == "POST"
        self._sent = request.form if posted else g.get("returned")
        self.mistakes: list[Refusal] = []
        self.accepted: dict[int, int] = {}
        self.reasons: dict[int, str] = {}

    def read(self) -> bool:
        """Read every amount; False where one cannot be read. Then `mistakes` says which."""
        for line in self._lines:
            name = f"accepted-{line.position}"
            self.reasons[line.position] = self._typed(f"reason-{line.position}")[:4000].replace("\x00", "")
            try:
                self.accepted[line.position] = parse_euro(self._typed(name), field=name)
            except Refused as error:
                self.mistakes += error.refusals
        return not self.mistakes

    def _typed(self, name: str, otherwise: str = "") -> str:
        return otherwise if self._sent is None else str(self._sent.get(name, otherwise))

    @property
    def rows(self) -> list[JudgedLine]:
        """The lines with what was typed, else with what was judged before, else with all that the rules let count."""
        wrong = {refusal.field: refusal.sentence for refusal in reversed(self.mistakes)}
        rows = []
        for line in self._lines:
            accepted, reason = f"accepted-{line.position}", f"reason-{line.position}"
            proposed = line.reason or line.judged(line.counts, "").reason
            rows.append(
                JudgedLine(
                    line,
                    self._typed(accepted, plain_euro(line.counts)),
                    self._typed(reason, proposed),
                    wrong.get(accepted),
                    wrong.get(reason),
                )
            )
        return rows


class MoveForm:
    """Cost that stands on the wrong line: from where to where, how much and why."""

    def __init__(self, *, sent: bool = False) -> None:
        self.mistakes: list[Refusal] = []
        names = ("source", "target", "amount", "why")
        self.given = {name: _given(name) if sent else "" for name in names}
        self.source = self.target = self.cents = 0
        self.reason = self.given["why"].replace("\x00", "").strip()[:2000]

    def read(self) -> bool:
        """Read what was typed; False where the amount cannot be read."""
        self.source, self.target = (self._position(self.given[name]) for name in ("source", "target"))
        try:
            self.cents = parse_euro(self.given["amount"], field="amount")
        except Refused as error:
            self.mistakes += error.refusals
        return not self.mistakes

    @staticmethod
    def _position(given: str) -> int:
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 5 else 0

    @property
    def errors(self) -> dict[str, Text]:
        """What is wrong, by field."""
        return {refusal.field or "": refusal.sentence for refusal in reversed(self.mistakes)}


def checks_of(picture: ReportPicture, reckoned: Calculation | None) -> list[dict[str, Any]]:
    """What finance looks at first: whether the proof is there, how far the lines differ, whether others paid enough."""
    found: list[dict[str, Any]] = []
    if not picture.asked.costs or picture.ex_officio:
        return found
    bare = [li for li in picture.lines if li.claimed and not picture.proofs_of(li.position)]
    words = _counted(
        len(bare),
        Text("1 regel zonder bewijs", "1 line without proof"),
        Text("{n} regels zonder bewijs", "{n} lines without proof"),
    )
    found.append(
        {"label": words if bare else Text("Bij elke regel is bewijs", "Each line has proof"), "done": not bare}
    )
    over = [
        li
        for li in picture.lines
        if li.claimed is not None and differs_much(li.budgeted, li.claimed, picture.asked.explanation_over_bp)
    ]
    words = _counted(
        len(over),
        Text("1 regel met groot verschil, uitgelegd", "1 line that differs much, explained"),
        Text("{n} regels met groot verschil, uitgelegd", "{n} lines that differ much, explained"),
    )
    found.append({"label": words if over else Text("Geen grote verschillen", "No large differences"), "done": not over})
    if reckoned is not None and picture.asked.co_financing:
        short = reckoned.co_financing_short
        words = Text("Cofinanciering: {short} te weinig", "Co-financing: {short} short").fill(short=same(euro(short)))
        found.append(
            {"label": words if short else Text("Genoeg cofinanciering", "Enough co-financing"), "done": not short}
        )
    return found


def _counted(n: int, one: Text, many: Text) -> Text:
    return one if n == 1 else many.fill(n=n)


# --- recovering -------------------------------------------------------------------------------------------------------

_LONG = Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most."))


@asked("schedule")
class ScheduleForm(ActionForm):
    """Instalments of equal size from a first day on; or, where the school asked for it, amounts and days by hand."""

    template = "pages/recovery/schedule.html"
    number = StringField(
        Text("In hoeveel maandelijkse termijnen?", "In how many monthly instalments?"),
        description=Text("2 tot en met 36.", "2 to 36."),
    )
    first = StringField(Text("Wanneer is de eerste termijn?", "When is the first instalment due?"))
    by_hand = TextAreaField(
        Text("Of: zelf bedragen en data", "Or: amounts and days of your own"),
        [_LONG],
        description=Text(
            "Een termijn per regel: het bedrag, een spatie en de dag. Bijvoorbeeld: 250,00 1-9-2025.",
            "One instalment on each line: the amount, a space and the day. For example: 250,00 1-9-2025.",
        ),
    )
    open_cents = 0

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """Divide what is open now."""
        self.open_cents = facts.open

    def given(self) -> Mapping[str, Any]:
        """The instalments as `parts`. Raises Refused at the field that cannot be read."""
        typed = (self.by_hand.data or "").strip()
        return {"parts": self._typed_parts(typed) if typed else self._equal_parts()}

    def _equal_parts(self) -> tuple[Part, ...]:
        text = (self.number.data or "").strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
        if not 2 <= number <= MOST_PARTS:
            raise Refused(
                Refusal(
                    "parts_number",
                    Text("Kies 2 tot en met {most} termijnen.", "Choose 2 to {most} instalments.").fill(
                        most=MOST_PARTS
                    ),
                    field="number",
                    kind=Kind.INVALID,
                )
            )
        return equal_parts(self.open_cents, number, read_day(self.first.data or "", field="first"))

    @staticmethod
    def _typed_parts(typed: str) -> tuple[Part, ...]:
        found = []
        for number, line in enumerate(typed.splitlines()[: MOST_PARTS + 1], 1):
            amount, _, day = line.strip().rpartition(" ")
            found.append(Part(number, parse_euro(amount, field="by_hand"), read_day(day, field="by_hand")))
        return tuple(found)


@asked("set_off")
class SetOffForm(ActionForm):
    """Against which other award, how much, and that it is for the same activities."""

    template = "pages/recovery/set_off.html"
    target = HiddenField()
    amount = StringField(
        Text("Hoeveel verrekent u?", "How much do you set off?"),
        [DataRequired(Text("Vul een bedrag in, bijvoorbeeld 250,00.", "Enter an amount, for example 250,00."))],
    )
    same_work = BooleanField(
        Text(
            "Ik heb nagekeken dat het om dezelfde activiteiten gaat, in een ander tijdvak",
            "I checked that it is for the same activities, in another period",
        )
    )
    explanation = TextAreaField(
        Text("Waarom?", "Why?"),
        [DataRequired(Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")), _LONG],
    )
    choices: Sequence[tuple[str, Text]] = ()

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """Offer the other awards of this board."""
        self.choices = [
            (
                one.ref,
                Text("{ref}: {payable} te betalen", "{ref}: {payable} to be paid").fill(
                    ref=one.ref, payable=same(euro(one.payable))
                ),
            )
            for one in facts.targets
        ]

    def given(self) -> Mapping[str, Any]:
        """As the guards and the effect read it."""
        return {
            "target": (self.target.data or "").strip(),
            "amount_cents": parse_euro(self.amount.data or "", field="amount"),
            "same_work": bool(self.same_work.data),
            "explanation": (self.explanation.data or "").strip(),
        }
