"""The scanner against a small server that speaks clamd's protocol over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fundapp.adapters.scanner import ClamdScanner, NoScanner, scanner_from_url
from fundapp.domain.outside import Scan, Verdict
from fundapp.services.ports import Scanner
from tests.support.clamd import BAD, MOST, clamd_server


@pytest.fixture
def clamd() -> Iterator[Scanner]:
    with clamd_server() as server:
        yield ClamdScanner("127.0.0.1", server.port, timeout=0.5)


def test_clean(clamd: Scanner) -> None:
    assert clamd.scan(b"a letter") == Scan(Verdict.CLEAN)
    assert clamd.scan(b"") == Scan(Verdict.CLEAN)
    assert clamd.scan(iter([b"x" * 100_000, b"", b"y" * 100_000])) == Scan(Verdict.CLEAN)


def test_infected_is_found_across_chunks(clamd: Scanner) -> None:
    assert clamd.scan(iter([b"x" * 70_000 + BAD[:5], BAD[5:] + b"rest"])) == Scan(Verdict.INFECTED, "Eicar-Test")


@pytest.mark.parametrize("content", [b"hang", b"hang up", b"x" * (MOST * 20)])
def test_no_answer_is_never_clean(content: bytes, clamd: Scanner) -> None:
    scan = clamd.scan(content)
    assert scan.verdict is Verdict.UNAVAILABLE
    assert scan.detail


def test_no_scanner_at_the_address() -> None:
    assert ClamdScanner("127.0.0.1", 1, timeout=1).scan(b"x").verdict is Verdict.UNAVAILABLE


def test_without_a_scanner_the_file_says_so() -> None:
    scanner: Scanner = scanner_from_url(None)
    assert isinstance(scanner, NoScanner)
    assert not scanner.present
    assert scanner.scan(b"x") == Scan(Verdict.NOT_SCANNED)


def test_url() -> None:
    assert isinstance(scanner_from_url("clamd://localhost:3310"), ClamdScanner)
    assert scanner_from_url("clamd://localhost").present
    with pytest.raises(ValueError, match="SCANNER_URL"):
        scanner_from_url("http://localhost")
