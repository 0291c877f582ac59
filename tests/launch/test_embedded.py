"""The embedded servers: shared, adopted, cleaned up after, and refused in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import ROOT, socket_folder
from fundapp.adapters import embedded
from fundapp.adapters.embedded import CannotStart, Postgres, alive, make_private, wait_until

LAUNCHER = """
import sys, time
from pathlib import Path
from fundapp.adapters.embedded import Postgres
server = Postgres(Path(sys.argv[1]), careless=True, leash=sys.argv[2] == "leash")
server.start()
print(server.pid(), flush=True)
time.sleep(60)
"""


def launcher_killed(local: Path, how: str) -> int:
    """Start a server in a process of its own, kill that process outright; return the server's process id."""
    words = [sys.executable, "-c", LAUNCHER, str(local), how]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        pid = int(launcher.stdout.readline())
        launcher.kill()
    return pid


@pytest.fixture
def server(local: Path) -> Iterator[Postgres]:
    server = Postgres(local, careless=True)
    yield server
    server.stop(always=True)


def works(server: Postgres) -> bool:
    with psycopg.connect(server.dsn("fundapp")) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_a_leashed_server_ends_with_its_killed_launcher(local: Path, server: Postgres) -> None:
    pid = launcher_killed(local, "leash")
    assert wait_until(lambda: not alive(pid), 10)
    assert server.start()
    assert works(server)


def test_a_left_over_server_is_adopted_and_stopped_by_the_last_to_leave(local: Path, server: Postgres) -> None:
    pid = launcher_killed(local, "loose")
    assert alive(pid)
    other = Postgres(local)
    assert not server.start()
    assert not other.start()
    assert server.pid() == pid
    other.stop()
    assert works(server)
    server.stop()
    assert wait_until(lambda: not alive(pid), 10)


@pytest.mark.parametrize("somebody", ["dead", "alive and another program"])
def test_a_note_of_a_server_that_is_gone_is_ignored(server: Postgres, somebody: str) -> None:
    server.start()
    pid = server.pid()
    assert pid is not None
    note = server.data / "postmaster.pid"
    words = note.read_text().splitlines()
    os.kill(pid, signal.SIGQUIT)
    assert wait_until(lambda: not alive(pid), 10)
    words[0] = str(os.getpid()) if somebody.startswith("alive") else str(pid)
    note.write_text("\n".join(words) + "\n")
    server.stop()
    assert server.start()
    assert works(server)


def test_an_unfinished_data_folder_is_made_anew(server: Postgres) -> None:
    draft = server.home / "data.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("half")
    assert server.start()
    assert works(server)
    assert not draft.exists()


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    assert len(os.fsencode(socket_folder(home))) < 100
    assert socket_folder(home) == socket_folder(home)
    assert socket_folder(home) != socket_folder(tmp_path / ("Long" * 30))


def test_a_folder_that_is_a_link_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "socket").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotStart, match="belongs to somebody else"):
        make_private(tmp_path / "socket")


def test_where_it_cannot_start_it_asks_for_a_database(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(CannotStart, match="set DATABASE_URL"):
        server.start()
