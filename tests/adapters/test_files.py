"""The file store on a real folder: stored once, checked when read, and no way out of the folder."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from fundapp.adapters.files import CHUNK, ObjectFileStore
from fundapp.domain.outside import FileDamaged, FileMissing, StoredFile
from fundapp.services.ports import FileStore

CONTENT = b"begroting 2025: 9.375,00"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return ObjectFileStore((tmp_path / "files").as_uri())


def path_of(tmp_path: Path, name: str) -> Path:
    return tmp_path / "files" / name[:2] / name[2:4] / name


def test_same_content_is_stored_once_under_its_hash(store: FileStore, tmp_path: Path) -> None:
    assert store.put(CONTENT) == StoredFile(NAME, len(CONTENT))
    before = path_of(tmp_path, NAME).stat().st_mtime_ns
    assert store.put(iter([CONTENT[:5], b"", CONTENT[5:]])) == StoredFile(NAME, len(CONTENT))
    assert path_of(tmp_path, NAME).stat().st_mtime_ns == before
    assert list(store.iterate()) == [StoredFile(NAME, len(CONTENT))]
    assert store.get(NAME) == CONTENT


def test_empty_file_is_a_file(store: FileStore) -> None:
    stored = store.put(b"")
    assert stored.size == 0
    assert store.get(stored.sha256) == b""
    assert store.put(iter(())) == stored


def test_delete_and_missing(store: FileStore) -> None:
    store.put(CONTENT)
    assert store.exists(NAME)
    store.delete(NAME)
    store.delete(NAME)
    assert not store.exists(NAME)
    with pytest.raises(FileMissing, match=NAME):
        store.get(NAME)
    with pytest.raises(FileMissing):
        store.open_chunks(NAME)


@pytest.mark.parametrize("size", [len(CONTENT), 3 * CHUNK + 7])
def test_one_changed_byte_is_noticed_and_the_file_named(size: int, store: FileStore, tmp_path: Path) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]
    name = store.put(content).sha256
    changed = bytearray(content)
    changed[size // 2] ^= 1
    path_of(tmp_path, name).write_bytes(changed)
    with pytest.raises(FileDamaged, match=name):
        store.get(name)
    got: list[bytes] = []
    with pytest.raises(FileDamaged):
        got.extend(store.open_chunks(name))
    assert sum(map(len, got)) < size


def test_shortened_to_nothing_is_noticed(store: FileStore, tmp_path: Path) -> None:
    store.put(CONTENT)
    path_of(tmp_path, NAME).write_bytes(b"")
    with pytest.raises(FileDamaged):
        store.get(NAME)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "ab", NAME.upper(), NAME + "\n", NAME[:62] + "/.", "z" * 64])
def test_only_a_hash_is_a_name(name: str, store: FileStore) -> None:
    for act in (store.get, store.open_chunks, store.exists, store.delete):
        with pytest.raises(ValueError, match="SHA-256"):
            act(name)


def test_strangers_in_the_folder_are_passed_over(store: FileStore, tmp_path: Path) -> None:
    store.put(CONTENT)
    (tmp_path / "files" / "README.txt").write_text("not ours")
    (tmp_path / "files" / NAME).write_text("in the wrong place")
    assert [file.sha256 for file in store.iterate()] == [NAME]


def test_a_large_file_takes_little_memory(store: FileStore) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(640):
            yield bytes([number % 256]) * (64 * 1024)

    tracemalloc.start()
    stored = store.put(pieces())
    assert stored.size == 40 * CHUNK
    assert sum(len(chunk) for chunk in store.open_chunks(stored.sha256)) == stored.size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * CHUNK


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(ValueError, match="STORAGE_URL"):
        ObjectFileStore("ftp://example.org/")
