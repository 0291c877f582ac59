"""The supervisor, on real small processes: it restarts what dies, gives up in a sentence, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fundapp.adapters.embedded import alive, command_line, wait_until
from fundapp.cli import supervisor as module
from fundapp.cli.supervisor import Child, GaveUp, Supervisor

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
DEAF = [sys.executable, "-I", "-S", "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"]
PARENT = [  # starts a process of its own, and leaves it alone when it is killed
    sys.executable,
    "-I",
    "-S",
    "-c",
    (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    ),
]


@pytest.fixture
def supervisor(local: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(local)
    yield supervisor
    supervisor.stop()


def started(supervisor: Supervisor, name: str, command: list[str]) -> tuple[Child, int]:
    child = Child(name, command)
    supervisor.start(child)
    assert child.process is not None
    return child, child.process.pid


def grandchild(local: Path, name: str) -> int:
    log = local / "log" / f"{name}.log"
    assert wait_until(lambda: log.read_text().strip().isdigit(), 10)
    return int(log.read_text())


def watch_until(supervisor: Supervisor, seconds: float, done: object) -> None:
    end = time.monotonic() + seconds
    assert callable(done)
    while not done():
        assert time.monotonic() < end
        supervisor.watch()
        time.sleep(0.02)


def test_it_stops_every_process_and_what_those_started(
    supervisor: Supervisor, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_S", 1.0)
    pids = [
        started(supervisor, name, command)[1] for name, command in (("one", SLEEPER), ("deaf", DEAF), ("two", PARENT))
    ]
    pids.append(grandchild(local, "two"))
    assert all(alive(pid) for pid in pids)
    supervisor.stop()
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 5)
    assert not list((local / "run").glob("*.pid"))


def test_each_process_has_a_group_of_its_own(supervisor: Supervisor) -> None:
    _, one = started(supervisor, "one", SLEEPER)
    assert os.getpgid(one) == one


def test_what_dies_is_started_again_and_its_children_end(supervisor: Supervisor, local: Path) -> None:
    child, pid = started(supervisor, "one", PARENT)
    below = grandchild(local, "one")
    os.kill(pid, signal.SIGKILL)
    watch_until(supervisor, 10, lambda: child.runs and child.process is not None and child.process.pid != pid)
    assert wait_until(lambda: not alive(below), 5)


def test_after_five_quick_deaths_it_gives_up_and_names_the_log(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    started(supervisor, "web", [sys.executable, "-I", "-S", "-c", "raise SystemExit('no')"])
    with pytest.raises(GaveUp, match=r"The web stopped 5 times in a row; see .*web\.log"):
        watch_until(supervisor, 20, lambda: False)


def test_the_next_start_ends_what_a_killed_launcher_left(supervisor: Supervisor, local: Path) -> None:
    with subprocess.Popen([*SLEEPER, "-m", "fundapp", "web"], start_new_session=True) as left_over:
        assert wait_until(lambda: "fundapp" in command_line(left_over.pid), 5)
        (local / "run" / "web.pid").write_text(str(left_over.pid))
        supervisor.end_left_overs()
        assert left_over.wait(5) == -signal.SIGTERM


def test_a_note_with_the_number_of_another_program_harms_nobody(supervisor: Supervisor, local: Path) -> None:
    with subprocess.Popen(SLEEPER, start_new_session=True) as bystander:
        assert wait_until(lambda: "sleep" in command_line(bystander.pid), 5)
        (local / "run" / "web.pid").write_text(str(bystander.pid))
        supervisor.end_left_overs()
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_a_killed_supervisor_leaves_nothing(local: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from fundapp.cli.supervisor import Child, Supervisor\n"
        "supervisor = Supervisor(Path(sys.argv[1]))\n"
        "child = Child('one', [sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "supervisor.start(child)\n"
        "print(child.process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(local)], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        pid = int(killed.stdout.readline())
        wait_until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes(), 5)
        killed.kill()
    assert wait_until(lambda: not alive(pid), 10)
