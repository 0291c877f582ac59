"""Health and metrics, with real parts that are there and real parts that are away."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.support.web import NOON, Cast, Clock, lose_database, post, writing


def use(app: Flask, **other: Any) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], **other)


def test_it_lives(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "ok"}


def test_ready(client: FlaskClient, app: Flask, redis_url: str) -> None:
    use(app, redis_url=redis_url)
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "checks": {"database": "ok", "broker": "ok", "storage": "ok"},
        "failed": [],
        "oldest_unsent_mail_seconds": None,
        "mail_late": False,
    }


def test_what_fails_is_named(client: FlaskClient, app: Flask) -> None:
    use(app, redis_url="redis://127.0.0.1:1/0", storage_url="file:///proc/nowhere")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "broker" in answer.json["failed"]
    assert "database" not in answer.json["failed"]


def test_a_folder_of_messages_counts_as_a_broker(client: FlaskClient, app: Flask) -> None:
    use(app, redis_url=None)
    assert client.get("/health/ready").status_code == 200


def test_a_database_that_is_away(client: FlaskClient, app: Flask, redis_url: str) -> None:
    use(app, redis_url=redis_url)
    with app.app_context():
        lose_database()
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["failed"] == ["database"]
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert "fundapp_database_up 0.0" in metrics.text
    assert "fundapp_requests_total" in metrics.text


def test_the_age_of_the_oldest_mail(client: FlaskClient, app: Flask, cast: Cast, clock: Clock, redis_url: str) -> None:
    use(app, redis_url=redis_url)
    post(client, "/inloggen", {"email": cast.anna.email})
    with writing(app) as session:
        session.execute(text("UPDATE outbox_message SET created_at = :at"), {"at": NOON - timedelta(minutes=16)})
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["oldest_unsent_mail_seconds"] == pytest.approx(960)
    assert answer.json["mail_late"] is True


def test_metrics(client: FlaskClient, app: Flask, cast: Cast) -> None:
    client.get("/hulp")
    client.get("/nergens")
    post(client, "/inloggen", {"email": cast.anna.email})
    answer = client.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    assert 'fundapp_requests_total{endpoint="information.help_",status="200"} ' in answer.text
    assert 'fundapp_requests_total{endpoint="none",status="404"} 1.0' in answer.text
    assert 'fundapp_request_seconds_count{endpoint="information.help_"} ' in answer.text
    assert 'fundapp_outbox_messages{state="queued"} 1.0' in answer.text
    assert cast.anna.email not in answer.text
