"""What finance and the coordinator fill in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import g, request
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from fundapp.domain.money import parse_euro, plain_euro
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.settlement import ReportLine
from fundapp.web.forms import BaseForm


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
