"""The wake-up of the worker: many at once are one message, and none comes too early."""

from __future__ import annotations

import time
from threading import Event

from fundapp.adapters.embedded import wait_until
from fundapp.adapters.queue import gathered


def test_many_calls_are_few_messages_and_the_last_call_is_followed_by_one() -> None:
    first, go_on = Event(), Event()
    sent: list[int] = []
    calls = 0

    def wake() -> None:
        sent.append(calls)
        first.set()
        assert go_on.wait(10)

    soon = gathered(wake, pause_s=0)
    for number in range(1, 51):
        calls = number
        soon()
        assert first.wait(10)  # the first is on its way, and stays there until all have called
    go_on.set()
    assert wait_until(lambda: len(sent) == 2, 10)
    assert sent == [1, 50]
    calls = 51
    soon()
    assert wait_until(lambda: len(sent) == 3, 10)
    time.sleep(0.05)
    assert sent == [1, 50, 51]
