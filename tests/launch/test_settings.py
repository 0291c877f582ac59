"""Settings: what is unset runs embedded; what is wrong is named, all at once, and never shows a secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from config import NEEDED_IN_PRODUCTION, Settings, SettingsError, SmtpServer

PRODUCTION = {
    "FUNDAPP_ENV": "production",
    "DATABASE_URL": "postgresql://fonds:geheim@db.example/fonds",
    "REDIS_URL": "redis://redis.example:6379/0",
    "SMTP_URL": "smtp://post%40example.org:w%2Fw@mail.example:587?starttls=1",
    "STORAGE_URL": "s3://fonds/bestanden",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "BASE_URL": "https://fonds.example.org/",
    "SCANNER_URL": "clamd://scanner.example:3310",
}


def test_production_names_everything_that_is_missing_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"FUNDAPP_ENV": "production"})
    assert all(name in str(refused.value) for name in NEEDED_IN_PRODUCTION)
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("name", NEEDED_IN_PRODUCTION)
def test_production_needs_each_of_them(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({key: value for key, value in PRODUCTION.items() if key != name})


def test_production_takes_what_is_given(local: Path) -> None:
    settings = Settings.from_env({**PRODUCTION, "FUNDAPP_LOCAL": str(local)})
    assert settings.production
    assert settings.database_url == "postgresql+psycopg://fonds:geheim@db.example/fonds"
    assert settings.smtp_url == SmtpServer("mail.example", 587, "post@example.org", "w/w", starttls=True)
    assert settings.base_url == "https://fonds.example.org"
    assert not any((settings.embedded_database, settings.embedded_broker, settings.embedded_mail))
    assert "geheim" not in repr(settings)
    assert "w/w" not in repr(settings)
    assert not local.exists()


def test_unset_is_embedded_and_the_secret_stays(local: Path) -> None:
    first = Settings.from_env({"FUNDAPP_LOCAL": str(local), "PORT": "8080", "BASE_URL": "  "})
    again = Settings.from_env({"FUNDAPP_LOCAL": str(local)})
    assert first.secret_key == again.secret_key
    assert len(first.secret_key) == 64
    assert first.database_url == again.database_url
    assert first.base_url == "http://localhost:8080"
    assert first.storage_url == (local / "files").as_uri()
    assert first.embedded_database
    assert first.embedded_mail
    for name in ("secret-key", "database-password"):
        assert stat.S_IMODE((local / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/fonds"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "http://redis"),
        ("SMTP_URL", "mail.example:25"),
        ("SMTP_URL", "smtp://mail.example:99999"),
        ("SMTP_URL", "smtp://mail.example?tls=yes"),
        ("STORAGE_URL", "file://relative/folder"),
        ("STORAGE_URL", "/a/folder"),
        ("SECRET_KEY", "short"),
        ("BASE_URL", "fonds.example.org"),
        ("PORT", "80 80"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("SCANNER_URL", "tcp://scanner"),
        ("FUNDAPP_ENV", "prod"),
    ],
)
def test_a_bad_value_gets_one_sentence_that_names_it(name: str, value: str, local: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({name: value, "FUNDAPP_LOCAL": str(local)})
    (sentence,) = refused.value.problems
    assert sentence.startswith(f"{name} ")
    assert sentence.endswith(".")
    assert not local.exists()


def test_a_secret_never_stands_in_the_sentence() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"SECRET_KEY": "tiny-secret", "DATABASE_URL": "mysql://a:hush@db/x", "PORT": "x"})
    assert len(refused.value.problems) == 3
    assert "tiny-secret" not in str(refused.value)
    assert "hush" not in str(refused.value)
