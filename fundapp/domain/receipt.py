"""The receipt of a submission: what it attests, how that is signed, and what differs from it later.

What is attested is plain JSON: facts of the submission, its whole content, and the SHA-256 of each file. It is signed
with HMAC-SHA256 under a key that comes from SECRET_KEY. A hash kept in the database would not do: whoever can write
the answers there can write their hash too; the key is not there. The price is that a receipt can be proved only with
the SECRET_KEY of its day, so `key` names which one that was. It also proves a receipt after the retention term, when
the answers themselves are gone from the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fundapp.domain.canonical import canonical
from fundapp.domain.form_spec import FormSpec

FORMAT = "fondsloket-receipt-1"
ATTACHED = "receipt.json"
"""The name of the attested facts inside the PDF."""

_PURPOSE = b"fondsloket: receipts of submissions"
_BEFORE, _MOST_SHOWN = 15, 60
"""Of two texts that differ is shown where they begin to: so many signs before it, so many in all."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs receipts under a key of its own; from one SECRET_KEY always the same one."""

    key: bytes

    @classmethod
    def of(cls, secret: str) -> Signer:
        """Derive the key from SECRET_KEY, so that no other use of that secret gives a valid signature."""
        return cls(hmac.digest(secret.encode(), _PURPOSE, "sha256"))

    @property
    def name(self) -> str:
        """Which key this is, without telling the key: eight hexadecimal digits."""
        return hashlib.sha256(self.key).hexdigest()[:8]

    def attest(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts with the name of the key and the signature over all of it."""
        named = {**facts, "format": FORMAT, "key": self.name}
        return {**named, "signature": self._signature(named)}

    def signed(self, attested: Mapping[str, Any]) -> bool:
        """Whether these facts were signed with this key and not changed since."""
        named = {name: value for name, value in attested.items() if name != "signature"}
        return _equal(self._signature(named), attested.get("signature"))

    def seal(self, pdf_sha256: str) -> str:
        """Return a signature over the whole PDF, by its hash: kept beside it, as a file cannot hold its own hash."""
        return hmac.new(self.key, b"pdf:" + pdf_sha256.encode(), "sha256").hexdigest()

    def sealed(self, pdf_sha256: str, seal: str) -> bool:
        """Whether this key sealed a PDF with this hash."""
        return _equal(self.seal(pdf_sha256), seal)

    def _signature(self, facts: Mapping[str, Any]) -> str:
        return hmac.new(self.key, canonical(facts), "sha256").hexdigest()


def _equal(right: str, given: object) -> bool:
    return hmac.compare_digest(right.encode(), str(given).encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was. where: the answer, file or part; what: in what way. English, for operators."""

    where: str
    what: str


_ROWS = {
    "budget": ("budget line", ("kind", "description", "quantity", "price in cents")),
    "contributions": ("contribution", ("party", "kind of party", "in kind", "hours", "amount in cents")),
    "partners": ("partner", ("kind", "name", "school")),
    "documents": ("document", ("kind", "file name", "SHA-256")),
}
_SINGLE = {"ref": "reference", "requested_cents": "amount asked in cents", "fund_version": "version of the rules"}


def differences(sent: Mapping[str, Any], found: Mapping[str, Any], form: FormSpec) -> Iterator[Difference]:
    """Yield what differs between the content that was sent and the content as it was found, answer by answer.

    Both as `DraftPicture.content` makes them. A part that was not there when it was sent is not compared.
    """
    for name, value in sent.items():
        now = found.get(name)
        if canonical(value) == canonical(now):
            continue
        if name == "answers":
            yield from _answers(value, now if isinstance(now, Mapping) else {}, form)
        elif name in _ROWS:
            yield from _rows(name, value, now if isinstance(now, list) else [])
        else:
            yield _changed(_SINGLE.get(name, name), value, now)


def _answers(sent: Mapping[str, Any], found: Mapping[str, Any], form: FormSpec) -> Iterator[Difference]:
    for key in dict.fromkeys((*sent, *found)):
        if canonical(sent.get(key)) != canonical(found.get(key)):
            question = form.question(key)
            label = f"answer “{question.label.en}” ({key})" if question else f"answer {key}"
            yield _changed(label, sent.get(key), found.get(key))


def _rows(name: str, sent: Sequence[Any], found: Sequence[Any]) -> Iterator[Difference]:
    label, columns = _ROWS[name]
    for number in range(max(len(sent), len(found))):
        row, now = (rows[number] if number < len(rows) else None for rows in (sent, found))
        if not isinstance(row, list) or not isinstance(now, list) or len(row) != len(now):
            if canonical(row) != canonical(now):
                yield _changed(f"{label} {number + 1}", row, now)
            continue
        for place, (old, new) in enumerate(zip(row, now, strict=True)):
            if canonical(old) != canonical(new):
                column = columns[place] if place < len(columns) else f"field {place + 1}"
                yield _changed(f"{label} {number + 1}, {column}", old, new)


def _changed(where: str, before: Any, after: Any) -> Difference:
    old, new = _plain(before), _plain(after)
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    if after is None:
        return Difference(where, f"was {_excerpt(old, 0)}, is gone")
    if before is None:
        return Difference(where, f"was not there, is {_excerpt(new, 0)}")
    return Difference(where, f"was {_excerpt(old, start)}, is {_excerpt(new, start)}")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _excerpt(text: str, start: int) -> str:
    begin = max(0, start - _BEFORE) if len(text) > _MOST_SHOWN else 0
    piece = text[begin : begin + _MOST_SHOWN]
    return f"“{'…' if begin else ''}{' '.join(piece.split())}{'…' if begin + _MOST_SHOWN < len(text) else ''}”"
