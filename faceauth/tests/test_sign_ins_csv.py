"""The sign-in log as CSV, and its pruning."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faceauth.models import SignIn
from faceauth.operators import sign_ins_csv
from faceauth.operators.sign_ins_csv import COLUMNS, escaped

URL = "admin:faceauth_signin_export"


def exported(admin: Client, **query: str) -> list[dict[str, str]]:
    answer = admin.get(reverse(URL), query)
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_what_is_filtered_is_what_is_exported(admin: Client, owner: User) -> None:
    SignIn.objects.create(outcome="recognised", user=owner, similarity=98.5, address="10.0.0.1", session_key="s3cr3t")
    SignIn.objects.create(outcome="refused", reason="too_dark", address="10.0.0.2")
    SignIn.objects.create(outcome="refused", reason="blurred", address="10.0.0.1")
    assert len(exported(admin)) == 3
    assert [row["reason"] for row in exported(admin, reason__exact="too_dark")] == ["too_dark"]
    assert [row["outcome"] for row in exported(admin, outcome__exact="recognised", q="10.0.0.1")] == ["recognised"]
    assert exported(admin, q="10.0.0.3") == []
    [row] = exported(admin, q=owner.username)
    assert list(row) == list(COLUMNS)
    assert (row["user"], row["similarity"]) == (owner.username, "98.5")
    assert "s3cr3t" not in str(exported(admin))
    assert LogEntry.objects.filter(change_message="Exported as CSV.").exists()


def test_a_stranger_s_text_is_no_formula(admin: Client) -> None:
    SignIn.objects.create(outcome="refused", reason="too_dark", device='=HYPERLINK("http://x","a")')
    [row] = exported(admin)
    assert row["device"] == '\'=HYPERLINK("http://x","a")'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1", "|x", "%0A"])
def test_formulas_are_neutralised(text: str) -> None:
    assert escaped(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Mozilla/5.0 (X11)", "a=1", "2026-11-23", "10.0.0.1"])
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text
    assert escaped(None) == ""


def test_a_wrong_filter(admin: Client) -> None:
    assert admin.get(reverse(URL), {"at__gte": "yesterday"}).status_code == 302


def test_the_days_that_have_sign_ins(db: None) -> None:
    from datetime import UTC, datetime

    for month, day in ((1, 31), (2, 1), (2, 1), (12, 31)):
        SignIn.objects.create(outcome="recognised", at=datetime(2025, month, day, 23, 59, tzinfo=UTC))
    SignIn.objects.create(outcome="recognised", at=datetime(2026, 1, 1, tzinfo=UTC))
    found = {
        kind: [it.date().isoformat() for it in SignIn.objects.datetimes("at", kind)]
        for kind in ("year", "month", "day")
    }
    assert found == {
        "year": ["2025-01-01", "2026-01-01"],
        "month": ["2025-01-01", "2025-02-01", "2025-12-01", "2026-01-01"],
        "day": ["2025-01-31", "2025-02-01", "2025-12-31", "2026-01-01"],
    }


def test_sign_ins_older_than_the_days_are_deleted_and_nobody_else(
    owner: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sign_ins_csv, "BATCH", 2)
    for days in (0, 89, 91, 92, 365, 400, 4000):
        SignIn.objects.create(outcome="recognised", user=owner, at=timezone.now() - timedelta(days=days))
    call_command("prune_sign_ins", "--keep-days", "90")
    assert capsys.readouterr().out == "5 sign-ins were deleted.\n"
    assert sorted((timezone.now() - at).days for at in SignIn.objects.values_list("at", flat=True)) == [0, 89]
    assert User.objects.filter(pk=owner.pk).exists()
    call_command("prune_sign_ins", "--keep-days", "90")
    assert capsys.readouterr().out == "0 sign-ins were deleted.\n"


@pytest.mark.parametrize("days", ["30", "0", "-1", "many", "", "1000000"])
def test_the_days_on_the_dashboard_stay(days: str) -> None:
    with pytest.raises(CommandError, match="31 to 36500"):
        call_command("prune_sign_ins", f"--keep-days={days}")
