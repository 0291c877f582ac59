"""Data as bytes that are the same for the same data, and the hash of them: what hashes and signatures are taken of."""

from __future__ import annotations

import hashlib
import json


def canonical(data: object) -> bytes:
    """Return plain data as canonical JSON: sorted keys, no spaces, UTF-8 (a lone surrogate, as JSON may have, too)."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def digest(data: object) -> str:
    """SHA-256 (hexadecimal) of plain data as canonical JSON."""
    return hashlib.sha256(canonical(data)).hexdigest()
