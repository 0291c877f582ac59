"""What finance and the coordinator fill in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import g, request
from wtforms import BooleanField, FileField, HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from fundapp.domain.money import parse_euro, plain_euro
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.settlement import ReportLine
from fundapp.web.forms import ActionForm, BaseForm, asked

_LONG = Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most."))
_A_LINE = Length(max=200, message=Text("Schrijf hoogstens 200 tekens.", "Write 200 characters at most."))


@asked("payment_batch.approve")
class ApproveForm(ActionForm):
    """The list that the second person saw goes along with the approval."""

    list_hash = HiddenField()

    def given(self) -> Mapping[str, Any]:
        """The hash as `list_hash`."""
        return {"list_hash": self.list_hash.data}


class PrepareForm(BaseForm):
    """Which payments go into a batch, and when the bank pays them."""

    instalments = SelectMultipleField(Text("Betalingen", "Payments"), coerce=int, validate_choice=False)
    execution_on = StringField(
        Text("Wanneer moet de bank betalen?", "When must the bank pay?"),
        [DataRequired(Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025."))],
    )
    earliest: date = date.min

    def validate_execution_on(self, _field: Any) -> None:
        """A day that has not passed."""
        day = self.day
        if day is None:
            raise ValidationError(Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025."))
        if day < self.earliest:
            raise ValidationError(
                Text("Deze dag is voorbij. Kies vandaag of later.", "This day has passed. Choose today or later.")
            )

    @property
    def day(self) -> date | None:
        """The date as typed (14-03-2025), or None where it is not one."""
        parts = (self.execution_on.data or "").strip().replace("/", "-").split("-")
        try:
            first, month, year = (int(part) for part in parts)
            return date(year, month, first)
        except ValueError:
            return None


class StatementForm(BaseForm):
    """A bank statement."""

    statement = FileField(
        Text("Afschrift van de bank", "Bank statement"),
        description=Text(
            "Een bestand camt.053 (xml), zoals u het bij de bank ophaalt.",
            "A camt.053 file (xml), as the bank gives it.",
        ),
    )


class NotOursForm(BaseForm):
    """Why a bank line has nothing to do with the funds."""

    reason = TextAreaField(
        Text("Waarom hoort deze regel er niet bij?", "Why is this line not ours?"),
        [DataRequired(Text("Schrijf op waarom.", "Write why.")), _LONG],
    )


class MatchForm(BaseForm):
    """What a bank line belongs to."""

    to = StringField(
        Text("Kenmerk", "Reference"),
        [
            DataRequired(Text("Vul een kenmerk in, zoals TV-PO-T1-03.", "Enter a reference, such as TV-PO-T1-03.")),
            _A_LINE,
        ],
        description=Text(
            "Van een terugvordering (TV-…), een betaalrun (BR-…) of één betaling daarin.",
            "Of a recovery (TV-…), a payment batch (BR-…) or one payment in it.",
        ),
    )


class AccountForm(BaseForm):
    """The account of a board."""

    board = StringField(
        Text("Bestuursnummer", "Board number"),
        [
            DataRequired(Text("Vul het bestuursnummer in, zoals 99990.", "Enter the board number, such as 99990.")),
            _A_LINE,
        ],
        description=Text("Vijf cijfers, zoals in het register.", "Five digits, as in the register."),
    )
    iban = StringField(
        Text("IBAN", "IBAN"),
        [DataRequired(Text("Vul het rekeningnummer in.", "Enter the account number.")), _A_LINE],
    )
    holder = StringField(
        Text("Op naam van", "Account holder"),
        [DataRequired(Text("Vul in op welke naam de rekening staat.", "Enter the account holder.")), _A_LINE],
    )


class ConfirmForm(BaseForm):
    """That somebody called the board back."""

    called_back = BooleanField(
        Text(
            "Ik heb het bestuur zelf gebeld, op een nummer dat ik al had",
            "I called the board myself, on a number that I had",
        ),
        [
            DataRequired(
                Text(
                    "Bel het bestuur op een nummer dat u al had. Zet dan het vinkje.",
                    "Call the board on a number that you had already. Then tick the box.",
                )
            )
        ],
    )


class EvaluationForm(BaseForm):
    """What a tranche achieved."""

    evaluation = TextAreaField(
        Text("Wat leverde deze ronde op?", "What did this round achieve?"),
        [
            DataRequired(Text("Schrijf op wat de tranche opleverde.", "Write what the tranche achieved.")),
            Length(max=20_000, message=Text("Schrijf hoogstens 20.000 tekens.", "Write 20,000 characters at most.")),
        ],
        description=Text(
            "Iedereen kan dit lezen. Noem geen namen, adressen of telefoonnummers van mensen.",
            "Everybody can read this. Give no names, addresses or telephone numbers of people.",
        ),
    )


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """One budget line as finance judges it: what was typed stands, also when it is wrong."""

    line: ReportLine
    accepted: str
    reason: str
    accepted_error: Text | None
    reason_error: Text | None


class LinesForm:
    """What counts per line, and why less counts than was claimed: one amount and one reason for each line."""

    def __init__(self, lines: Iterable[ReportLine]) -> None:
        self._lines = list(lines)
        self._sent = request.form if request.method == "POST" else g.get("returned")
        self.mistakes: list[Refusal] = []
        self.accepted: dict[int, int] = {}
        self.reasons: dict[int, str] = {}

    def read(self) -> bool:
        """Read every amount; False where one cannot be read. Then `mistakes` says which."""
        for line in self._lines:
            name = f"accepted-{line.position}"
            self.reasons[line.position] = self._typed(f"reason-{line.position}")[:4000]
            try:
                self.accepted[line.position] = parse_euro(self._typed(name), field=name)
            except Refused as error:
                self.mistakes += error.refusals
        return not self.mistakes

    def _typed(self, name: str, otherwise: str = "") -> str:
        return otherwise if self._sent is None else str(self._sent.get(name, otherwise))

    @property
    def rows(self) -> list[JudgedLine]:
        """The lines with what was typed, else with what was judged before, else with all that was claimed."""
        wrong = {refusal.field: refusal.sentence for refusal in reversed(self.mistakes)}
        rows = []
        for line in self._lines:
            counts = line.claimed_cents or 0 if line.accepted_cents is None else line.accepted_cents
            accepted, reason = f"accepted-{line.position}", f"reason-{line.position}"
            rows.append(
                JudgedLine(
                    line,
                    self._typed(accepted, plain_euro(counts)),
                    self._typed(reason, line.reason),
                    wrong.get(accepted),
                    wrong.get(reason),
                )
            )
        return rows
