"""The first page of the admin."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from faceauth.models import Deletion, HealthCheck, SignIn
from faceauth.operators import charts, dashboard, figures
from faceauth.operators.charts import Chart, Series
from faceauth.operators.figures import Range
from faceauth.outcomes import Outcome
from faceauth.rekognition import metering
from faceauth.rekognition.collection import Collection
from faceauth.tests.conftest import Fault


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def page(operator: User) -> Callable[[], str]:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return lambda: client.get("/admin/").content.decode()


def sign_in(days_ago: int, outcome: str, reason: str = "", **more: object) -> None:
    SignIn.objects.create(at=timezone.now() - timedelta(days=days_ago), outcome=outcome, reason=reason, **more)


def test_everything_is_working(page: Callable[[], str], collection: Collection) -> None:
    HealthCheck.objects.create(collection_id=collection.id)
    sign_in(0, "recognised", similarity=99.0)
    assert "Everything is working." in page()
    assert 'role="img"' in page()


def test_warnings(page: Callable[[], str], collection: Collection) -> None:
    assert "The health check has never run." in page()
    HealthCheck.objects.create(collection_id=collection.id, found={"face_missing": 2, "face_without_user": 1})
    Deletion.objects.create(face_id="3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77", collection_id=collection.id)
    sign_in(0, "unavailable")
    content = page()
    for warning in ("3 problems that are not", "1 face is still to be", "1 sign-in failed", "3 things need attention"):
        assert warning in content
    assert "face_missing" in content


@pytest.mark.parametrize(
    ("days", "error", "said"),
    [(9, "", "more than a week ago"), (0, "throttled", "did not finish: throttled")],
)
def test_an_old_or_broken_health_check(
    days: int, error: str, said: str, page: Callable[[], str], collection: Collection
) -> None:
    at = timezone.now() - timedelta(days=days)
    HealthCheck.objects.create(collection_id=collection.id, at=at, error=error)
    assert said in page()


def test_the_page_comes_while_rekognition_is_away(
    page: Callable[[], str], collection: Collection, fault: Fault
) -> None:
    tries = fault("DescribeCollection", "InternalServerError", status=500)
    content = page()
    assert "does not answer: unavailable" in content
    assert "Sign-ins by outcome" in content
    assert len(tries) == 1
    page()
    assert len(tries) == 1  # kept for half a minute


def test_what_is_counted(page: Callable[[], str], collection: Collection) -> None:
    for days_ago in (0, 3, 29, 31):
        sign_in(days_ago, "recognised", similarity=97.6, rekognition_ms=40)
    sign_in(0, "refused", "ambiguous", similarity=91.2, rekognition_ms=400)
    sign_in(0, "refused", "too_dark")
    seen = dashboard.dashboard()
    assert seen.today.of(Outcome.RECOGNISED) == 1
    assert seen.total.of(Outcome.RECOGNISED) == 3
    assert seen.total.reasons() == [("ambiguous", 1), ("too_dark", 1)]
    assert seen.total.similarities == {(True, 97): 3, (False, 91): 1}
    assert (seen.total.percentile(50), seen.total.percentile(95)) == (40, 400)
    assert seen.today.percentile(50) == 40
    assert figures.Figures().percentile(50) is None
    assert "ambiguous" in page()


@pytest.mark.parametrize(("key", "parts", "count"), [("24h", 24, 1), ("7d", 7, 2), ("30d", 30, 3), ("90d", 90, 4)])
def test_the_range_is_chosen(key: str, parts: int, count: int, db: None, collection: Collection) -> None:
    for days_ago in (0, 3, 20, 80, 120):
        sign_in(days_ago, "recognised")
    seen = dashboard.dashboard(Range.of(key))
    assert (len(seen.parts), seen.total.of(Outcome.RECOGNISED)) == (parts, count)


def test_an_unknown_range_is_a_month(db: None) -> None:
    assert Range.of("5y") is Range.MONTH


def test_an_hour_begins_at_its_first_minute() -> None:
    now = timezone.localtime().replace(hour=13, minute=59)
    starts = Range.DAY.starts(now)
    assert (starts[-1], starts[0]) == (
        now.replace(minute=0, second=0, microsecond=0),
        now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23),
    )


def test_today_is_counted_anew_and_the_days_before_are_kept(db: None, collection: Collection) -> None:
    sign_in(1, "recognised")
    assert dashboard.dashboard().total.of(Outcome.RECOGNISED) == 1
    sign_in(0, "recognised")
    sign_in(1, "recognised")
    assert dashboard.dashboard().total.of(Outcome.RECOGNISED) == 2


def test_the_days_before_are_counted_anew_where_sign_ins_were_added(db: None, collection: Collection) -> None:
    """As by `manage.py demo`, while the site runs."""
    sign_in(1, "recognised")
    assert dashboard.dashboard().total.of(Outcome.RECOGNISED) == 1
    sign_in(20, "recognised")
    assert dashboard.dashboard().total.of(Outcome.RECOGNISED) == 2
    SignIn.objects.all().delete()
    assert dashboard.dashboard().total.of(Outcome.RECOGNISED) == 0


def test_few_queries(
    page: Callable[[], str],
    collection: Collection,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    for days_ago in range(30):
        sign_in(days_ago, "recognised", similarity=99.0, rekognition_ms=30)
    with django_assert_max_num_queries(3 * 30 + 19):
        page()
    with django_assert_max_num_queries(16):
        page()


def test_who_may_not_see_the_sign_in_log_sees_no_dashboard(db: None) -> None:
    client = Client()
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    content = client.get("/admin/").content.decode()
    assert 'id="dashboard"' not in content


def test_nothing_inline(page: Callable[[], str], collection: Collection) -> None:
    sign_in(0, "recognised", similarity=99.0, rekognition_ms=30)
    content = page()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", content)


# Charts ---------------------------------------------------------------------------------------------------------------


def chart(*series: Series, categories: int = 3) -> Chart:
    return Chart("key", "Title", "Summary", "day", [str(name) for name in range(categories)], series)


def test_bars_stand_upon_each_other() -> None:
    drawn = charts.stacked(chart(Series("a", "A", [1, 0, 2]), Series("b", "B", [1, 4, 0])))
    by_text = {bar.text: bar for bar in drawn.bars}
    assert set(by_text) == {"0: A 1", "0: B 1", "1: B 4", "2: A 2"}  # nothing is drawn of nothing
    lower, upper = by_text["0: A 1"], by_text["0: B 1"]
    assert float(upper.y) + float(upper.height) == pytest.approx(float(lower.y), abs=0.11)
    assert float(by_text["1: B 4"].y) == charts.TOP
    assert drawn.rows == [("0", [1, 1]), ("1", [0, 4]), ("2", [2, 0])]


def test_lines_leave_out_what_there_is_not() -> None:
    drawn = charts.lines(chart(Series("a", "A", [10, None, 20])))
    [(kind, points)] = drawn.lines
    assert kind == "a"
    assert len(points.split()) == 2


@pytest.mark.parametrize(("most", "top"), [(0, 2), (1, 2), (3, 4), (5, 6), (7, 10), (11, 20), (99, 100), (1234, 2000)])
def test_the_scale_is_round(most: float, top: float) -> None:
    assert charts.rounded_up(most) == top


def test_an_empty_chart() -> None:
    assert charts.stacked(chart(Series("a", "A", [0, 0, 0]))).empty
    assert charts.stacked(chart(categories=0)).empty


# Latency --------------------------------------------------------------------------------------------------------------


def test_calls_are_measured_and_summed(collection: Collection, fault: Fault) -> None:
    metering.reset()
    assert metering.milliseconds() is None
    collection.describe()
    first = metering.spent.get()
    assert first is not None
    assert first > 0
    fault("ListFaces", "ThrottlingException")
    with pytest.raises(Exception, match="throttled"):
        list(collection.faces())
    assert (metering.spent.get() or 0) > first
    metering.reset()
    assert metering.milliseconds() is None


# Health checks ------------------------------------------------------------------------------------------------


def test_a_health_check_is_recorded(hopper: User, collection: Collection) -> None:
    call_command("rekognition_collection", "doctor")
    last = HealthCheck.objects.get()
    assert (last.faces, last.found, last.error) == (1, {}, "")
    User.objects.create_user("without a face")
    with pytest.raises(CommandError):
        call_command("rekognition_collection", "doctor")
    assert HealthCheck.objects.all()[0].found == {"user_without_face": 1}


def test_a_health_check_that_fails_is_recorded(collection: Collection, fault: Fault) -> None:
    fault("ListFaces", "AccessDeniedException")
    with pytest.raises(CommandError):
        call_command("rekognition_collection", "doctor")
    assert HealthCheck.objects.get().error == "credentials_refused"


def test_a_health_check_that_is_interrupted_is_recorded(hopper: User, collection: Collection, fault: Fault) -> None:
    """Ctrl-C while Rekognition is asked: what was not checked is not in order."""
    fault("ListUsers", KeyboardInterrupt())
    with pytest.raises(CommandError, match="Stopped"):
        call_command("rekognition_collection", "doctor")
    assert HealthCheck.objects.get().error == "interrupted"
