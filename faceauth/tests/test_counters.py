"""Counts that hold for all processes: the same rules in the database and in Redis."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from faceauth.cache import Outage
from faceauth.models import RateCount
from faceauth.policy import population
from faceauth.ratelimit import counters
from faceauth.ratelimit.counters import InCache, InTable, Meter, Store, count_with
from faceauth.tests import pictures, redis
from faceauth.tests.sign_in import send_frame

SOON = time.time() + 3600


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis.serving(redis.free_port()) as url:
        yield url


def use(settings: Settings, url: str) -> None:
    options = {"socket_connect_timeout": 1, "socket_timeout": 1}
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}}


@pytest.fixture(params=["table", "redis"])
def store(request: pytest.FixtureRequest, settings: Settings, transactional_db: None) -> Store:
    if request.param == "table":
        return InTable()
    use(settings, request.getfixturevalue("redis_url"))
    cache.clear()
    return InCache()


def meter(amount: int = 1, most: int = 3, key: str = "a") -> Meter:
    return Meter(key, amount, most, SOON)


def test_as_many_as_the_most(store: Store) -> None:
    assert [store.take([meter()]) for _ in range(5)] == [True, True, True, False, False]
    assert store.counts(["a", "b"]) == {"a": 3}


def test_more_than_is_left_is_not_taken(store: Store) -> None:
    assert store.take([meter(2)])
    assert not store.take([meter(2)])
    assert store.take([meter(1)])
    assert not store.take([meter(5, key="never")])


def test_given_back_is_free_again(store: Store) -> None:
    for _ in range(3):
        store.take([meter()])
    store.give_back([meter(2)])
    assert [store.take([meter()]) for _ in range(3)] == [True, True, False]


def test_what_was_never_taken_is_not_given_back(store: Store) -> None:
    store.give_back([meter()])
    assert store.counts(["a"]) in ({}, {"a": 0})
    assert [store.take([meter()]) for _ in range(4)] == [True, True, True, False]


def test_all_or_none(store: Store) -> None:
    assert store.take([meter(), meter(2, key="b")])
    assert not store.take([meter(), meter(2, key="b"), meter(key="c")])
    assert store.counts(["a", "b"]) == {"a": 1, "b": 2}
    assert store.take([meter(2), meter(1, key="b")])


def test_keys_are_apart(store: Store) -> None:
    for _ in range(3):
        store.take([meter()])
    assert store.take([meter(key="b")])


def test_threads_count_together(store: Store) -> None:
    def try_often(_: int) -> int:
        try:
            return sum(store.take([meter(most=25)]) for _ in range(10))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_often, range(8))) == 25


def test_the_table_is_come_to_in_one_order(db: None) -> None:
    """Or two visitors who take and give back at the same moment would wait for each other for ever."""
    mixed = [meter(key=key) for key in "cab"]
    for work in (InTable().take, InTable().give_back):
        with CaptureQueriesContext(connection) as queries:
            work(mixed)
        touched = re.findall(r"UPDATE .*?\"key\" = '([abc])'", "\n".join(query["sql"] for query in queries))
        assert list(dict.fromkeys(touched)) == ["a", "b", "c"], touched


PROGRAM = """
import django
django.setup()
from faceauth.ratelimit.counters import Meter, count_with
meter = Meter("a", 1, 40, {ends!r})
print(sum(count_with(lambda store: store.take([meter])) for _ in range(30)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["table", "redis"])
def test_processes_count_together(
    where: str, request: pytest.FixtureRequest, settings: Settings, transactional_db: None
) -> None:
    surroundings = os.environ | {"DJANGO_SETTINGS_MODULE": "secretly.settings"}
    if connection.vendor == "sqlite":
        surroundings["DATABASE_URL"] = f"sqlite:///{connection.settings_dict['NAME']}"
    if where == "redis":
        surroundings["REDIS_URL"] = request.getfixturevalue("redis_url")
        use(settings, surroundings["REDIS_URL"])
        cache.clear()
    command = [sys.executable, "-c", PROGRAM.format(ends=SOON)]
    started = [
        subprocess.Popen(command, env=surroundings, cwd=site.BASE_DIR, stdout=subprocess.PIPE)  # noqa: S603
        for _ in range(4)
    ]
    counts = [int(process.communicate(timeout=60)[0]) for process in started]
    assert sum(counts) == 40, counts
    assert RateCount.objects.exists() is (where == "table")


def test_what_has_ended_is_swept_up(db: None) -> None:
    for number in range(5):
        RateCount.objects.create(key=f"old {number}", count=1, ends=time.time() - 1000)
    assert InTable().take([meter()])
    assert list(RateCount.objects.values_list("key", flat=True)) == ["a"]


def test_in_redis_every_key_expires(settings: Settings, redis_url: str) -> None:
    use(settings, redis_url)
    cache.clear()
    InCache().take([meter()])
    InCache().give_back([meter(key="b")])
    client = cache._cache.get_client()  # type: ignore[attr-defined]
    [key] = client.keys("*")
    assert 0 < client.ttl(key) <= 3600 + counters.LONGER


# Which of them counts -------------------------------------------------------------------------------------------------


def test_a_cache_of_each_process_does_not_count(db: None, settings: Settings) -> None:
    assert isinstance(count_with(lambda store: store), InTable)
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
    assert isinstance(count_with(lambda store: store), InTable)


def test_redis_counts(settings: Settings, redis_url: str) -> None:
    use(settings, redis_url)
    assert isinstance(count_with(lambda store: store), InCache)


def test_while_redis_is_down_the_database_counts(
    db: None, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = redis.free_port()
    use(settings, f"redis://127.0.0.1:{port}/0")
    assert [count_with(lambda store: store.take([meter()])) for _ in range(5)] == [True, True, True, False, False]
    assert caplog.text.count("Redis does not answer") == 1  # it is left alone for a while
    monkeypatch.setattr(Outage, "over", 0.0)
    with redis.serving(port):
        assert isinstance(count_with(lambda store: store), InCache)
        assert count_with(lambda store: store.take([meter()]))
    assert not count_with(lambda store: store.take([meter()]))  # the database still knows


def test_a_redis_that_hangs_is_waited_for_once(db: None, settings: Settings) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        use(settings, f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        silent.settimeout(0)
        assert count_with(lambda store: store.take([meter()]))
        silent.accept()[0].close()
        assert count_with(lambda store: store.take([meter()]))
        with pytest.raises(BlockingIOError):
            silent.accept()  # nobody has waited for it once more


def test_while_redis_is_down_the_door_opens(
    hopper: Any, settings: Settings, caplog: pytest.LogCaptureFixture, without_look: None
) -> None:
    use(settings, f"redis://127.0.0.1:{redis.free_port()}/0")
    assert send_frame(Client(), pictures.hopper()).status_code == 302
    assert send_frame(Client(), pictures.collins()).status_code == 200  # a stranger, who is counted and asked
    population.forget()
    assert caplog.text.count("Redis does not answer") == 1


def test_while_redis_is_down_the_desk_is_there(collection: Any, settings: Settings, operator: User) -> None:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    use(settings, f"redis://127.0.0.1:{redis.free_port()}/0")
    answer = client.get("/admin/")
    assert answer.status_code == 200
    assert collection.id in answer.content.decode()
