"""A browser that sends files piece by piece, as the script does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.web import token

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


def json_of(answer: TestResponse) -> Any:
    """The JSON that was answered; fails where the answer is something else."""
    assert answer.is_json, answer.text
    return answer.get_json()


class Sender:
    """Sends files to one application."""

    def __init__(self, client: FlaskClient, ref: str) -> None:
        self.client = client
        self.ref = ref
        self.headers = {"Accept": "application/json", "X-CSRFToken": token(client)}

    def begin(self, name: str, size: int, slot: str = "partner_letter", stamp: str = "1") -> Any:
        """Begin, or go on; return the answer, whose `json` is not None."""
        data = {"slot": slot, "name": name, "size": str(size), "stamp": stamp}
        return self.client.post(f"/aanvragen/{self.ref}/uploads", data=data, headers=self.headers)

    def get(self, url: str) -> Any:
        """Ask how far it is; return the answer, whose `json` is not None."""
        return self.client.get(url, headers=self.headers)

    def put(self, url: str, start: int | str, piece: bytes) -> Any:
        """Send a piece; return the answer, whose `json` is not None."""
        kind = "application/octet-stream"
        return self.client.put(f"{url}?from={start}", data=piece, headers=self.headers, content_type=kind)

    def stop(self, url: str) -> TestResponse:
        """Stop sending."""
        return self.client.delete(url, headers=self.headers)

    def send(self, content: bytes, name: str = "brief.pdf", slot: str = "partner_letter", *, piece: int = 7) -> Any:
        """Send a whole file in pieces of so many bytes; return the last answer as data."""
        begun = self.begin(name, len(content), slot)
        assert begun.status_code == 201, begun.text
        told = json_of(begun)
        while not told["done"]:
            start = told["arrived"]
            answer = self.put(told["url"], start, content[start : start + piece])
            assert answer.status_code == 200, answer.text
            told = json_of(answer)
        return told
