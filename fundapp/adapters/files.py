"""Files in a folder or an S3 bucket, by the SHA-256 of their content: ab/cd/abcd….

The same bytes are stored once and never overwritten; what is read is checked against its name, so a file that was
changed on disk is noticed and named. A path is made of hash digits only: nothing that a user types becomes one.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, cast

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, S3Store, from_url

from fundapp.domain.outside import FileDamaged, FileMissing, StoredFile

CHUNK = 1024 * 1024
"""Bytes read at a time; a file larger than this is spooled to disk while its hash is computed."""

PART = 5 * CHUNK
"""Above this a file is uploaded in parts (the smallest part that S3 takes)."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ObjectFileStore:
    """Satisfies `FileStore`. Stateless and safe to share between threads."""

    def __init__(self, url: str) -> None:
        """url: `file:///var/lib/fondsloket` (made if absent) or `s3://bucket/prefix` (AWS_* in the environment).

        Raises ValueError for another scheme.
        """
        if url.startswith("file:///"):
            self._store: LocalStore | MemoryStore | S3Store = LocalStore.from_url(url, mkdir=True)
        elif url.startswith("s3://"):
            self._store = cast("S3Store", from_url(url))
        else:
            raise ValueError("STORAGE_URL must look like file:///folder or s3://bucket/prefix")

    def put(self, content: bytes | Iterable[bytes]) -> StoredFile:
        """Store bytes, or chunks in bounded memory. Content that is there already is left alone."""
        if isinstance(content, bytes):
            stored = StoredFile(hashlib.sha256(content).hexdigest(), len(content))
            self._create(stored, content)
            return stored
        digest, size = hashlib.sha256(), 0
        with tempfile.SpooledTemporaryFile(max_size=CHUNK) as spool:
            for chunk in content:
                digest.update(chunk)
                size += len(chunk)
                spool.write(chunk)
            spool.seek(0)
            stored = StoredFile(digest.hexdigest(), size)
            self._create(stored, cast("IO[bytes]", spool))
        return stored

    def get(self, sha256: str) -> bytes:
        """Return the whole file. Raises FileMissing, FileDamaged; ValueError if it is no SHA-256."""
        return b"".join(self.open_chunks(sha256))

    def open_chunks(self, sha256: str) -> Iterator[bytes]:
        """Yield the file in chunks. The last one is held back until the hash is right, so nobody gets a whole file
        that is not the one asked for. Raises as `get`; a missing file at the call, not at the first chunk.
        """
        try:
            found = obstore.get(self._store, _path(sha256))
        except FileNotFoundError as error:
            raise FileMissing(sha256) from error
        return _checked(sha256, (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK)))

    def exists(self, sha256: str) -> bool:
        """Whether the file is there. Its content is not read. Raises ValueError if it is no SHA-256."""
        try:
            obstore.head(self._store, _path(sha256))
        except FileNotFoundError:
            return False
        return True

    def delete(self, sha256: str) -> None:
        """Remove the file; one that is not there is no error. Raises ValueError if it is no SHA-256."""
        try:
            obstore.delete(self._store, _path(sha256))
        except FileNotFoundError:
            return

    def iterate(self) -> Iterator[StoredFile]:
        """Every stored file, in no set order; what does not bear a hash as its name is not ours and passed over."""
        for page in obstore.list(self._store, chunk_size=1000):
            for item in page:
                name = item["path"].rpartition("/")[2]
                if _SHA256.fullmatch(name) and item["path"] == _path(name):
                    yield StoredFile(name, item["size"])

    def _create(self, stored: StoredFile, content: bytes | IO[bytes]) -> None:
        path = _path(stored.sha256)
        if stored.size <= PART:
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return
        # In parts there is no "create only". Two who put the same large file at once write the same bytes.
        elif not self.exists(stored.sha256):
            obstore.put(self._store, path, content, use_multipart=True, chunk_size=PART, max_concurrency=1)


def _path(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a stored file is named by its SHA-256: 64 lower-case hex digits")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _checked(sha256: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    held = b""
    for chunk in chunks:
        if held:
            yield held
        digest.update(chunk)
        held = chunk
    if digest.hexdigest() != sha256:
        raise FileDamaged(sha256, digest.hexdigest())
    if held:
        yield held
