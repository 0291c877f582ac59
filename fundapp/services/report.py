"""Writing the final accounts: what was spent per line, who really paid with, and what it achieved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.people import Actor, Role, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.settlement import AccountLine, line_refusals
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.settlement import FinalReport
from fundapp.services import application
from fundapp.services.journal import note
from fundapp.services.settlement import report_lines
from fundapp.services.subject import missing


def save_report(
    session: Session,
    ref: str,
    *,
    claimed: Mapping[int, int | None],
    explanations: Mapping[int, str],
    co_financing_cents: int | None,
    results: str,
    may_publish: bool,
    actor: Actor,
    now: datetime,
    seen: datetime | None = None,
) -> Application:
    """Save a school's final accounts as they stand; sending them is a transition.

    claimed: cents by line position, None for "not filled in yet". seen: when what the page showed had been saved.
    Raises Refused: NOT_FOUND for somebody else's, CONFLICT when the accounts are not asked, STALE where somebody else
    saved first.
    """
    app = application.find(session, ref, lock=True)
    if Role.APPLICANT not in roles_on(actor, application.scope(session, app)):
        raise Refused(missing())
    if app.state != State.AWARDED:
        raise Refused(
            Refusal(
                "accounts_not_asked",
                Text(
                    "U kunt de verantwoording nu niet veranderen. Bekijk de tijdlijn van uw aanvraag.",
                    "You cannot change the accounts now. See the timeline of your application.",
                ),
            )
        )
    if seen is not None and seen != app.changed_at:
        raise Refused(
            Refusal(
                "edited_elsewhere",
                Text(
                    "Intussen is de verantwoording in een ander scherm bewaard. Vergelijk en bewaar opnieuw.",
                    "The final accounts were saved in another window meanwhile. Compare, and save again.",
                ),
                kind=Kind.STALE,
            )
        )
    report = session.get_one(FinalReport, app.id)
    report.results = results.strip()
    report.may_publish = may_publish
    report.co_financing_cents = co_financing_cents
    for line in report_lines(session, app.id):
        line.claimed_cents = claimed.get(line.position)
        line.explanation = explanations.get(line.position, "").strip()
        line.accepted_cents, line.reason = None, ""
    app.changed_at = now
    session.flush()
    return app


def judge_lines(
    session: Session,
    ref: str,
    *,
    accepted: Mapping[int, int],
    reasons: Mapping[int, str],
    actor: Actor,
    now: datetime,
) -> tuple[Application, list[Refusal]]:
    """Save what finance accepts per line (cents by position), with a reason for each cut.

    Returns the mistakes, each on its field; where there are any, nothing was saved. Raises Refused: FORBIDDEN for
    somebody who is not of finance, CONFLICT when there are no accounts to judge.
    """
    app = application.find(session, ref, lock=True)
    application.require_role(roles_on(actor, application.scope(session, app)), Role.FINANCE)
    if app.state not in (State.REPORTED, State.DETERMINATION_INTENDED):
        raise Refused(
            Refusal(
                "no_accounts",
                Text(
                    "Er is nu geen verantwoording om te beoordelen. Bekijk de aanvraag opnieuw.",
                    "There are no accounts to judge now. Look at the application again.",
                ),
            )
        )
    rows = report_lines(session, app.id)
    judged = [
        AccountLine(
            row.position,
            row.description,
            row.budgeted_cents,
            row.claimed_cents or 0,
            accepted.get(row.position, row.claimed_cents or 0),
            reasons.get(row.position, ""),
        )
        for row in rows
    ]
    mistakes = line_refusals(judged)
    if mistakes:
        return app, mistakes
    for row, line in zip(rows, judged, strict=True):
        row.accepted_cents = line.counts
        row.reason = line.reason.strip()
    note(
        session,
        actor,
        now,
        kind="application",
        subject_id=app.id,
        action="judge_lines",
        data={"ref": app.ref, "lines": [[line.position, line.counts, line.reason] for line in judged]},
    )
    session.flush()
    return app, []
