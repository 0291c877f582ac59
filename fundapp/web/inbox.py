"""The local mailbox at /postvak: what the embedded mode would have mailed, for whoever sits at this machine.

Nobody signs in for it, because the code to sign in with is in it. So it exists only where mails go to the local
mailbox, and then the server listens on this machine only.
"""

from __future__ import annotations

from flask import Blueprint, Flask, abort, current_app, render_template, request

from config import Settings
from fundapp.adapters.mailbox import Mailbox
from fundapp.web.access import PUBLIC, access

bp = Blueprint("inbox", __name__)

MOST_SHOWN = 50


def register(app: Flask) -> None:
    """Add the pages, where mails go to the local mailbox and nowhere else."""
    settings: Settings = app.extensions["settings"]
    if settings.embedded_mail and not settings.production:
        app.register_blueprint(bp)


def _mailbox() -> Mailbox:
    settings: Settings = current_app.extensions["settings"]
    return Mailbox(settings.local)


@bp.get("/postvak")
@access(PUBLIC)
def show_all() -> str:
    """The newest mails; of one address with ?aan=."""
    to = request.args.get("aan", "").strip() or None
    return render_template("pages/inbox/list.html", mails=_mailbox().newest(MOST_SHOWN, to), to=to)


@bp.get("/postvak/<name>")
@access(PUBLIC)
def show(name: str) -> str:
    """One mail, as text."""
    mail = _mailbox().get(name)
    if mail is None:
        abort(404)
    return render_template("pages/inbox/mail.html", mail=mail)
