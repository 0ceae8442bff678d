"""`make mutants` itself: what it may not get wrong, and that its list of modules and tests is true."""

import pytest
from django.conf import settings

from tools.mutants import Result, main, mutated_modules, unwrapped

DECORATED = '''
def twice(function):
    return lambda *args: 2 * function(*args)

def plus(number):
    return lambda function: lambda *args: function(*args) + number

@plus(1)
@twice
def value():
    """Some."""
    return 3

class Box:
    @property
    def inside(self):
        return 4

    @staticmethod
    def alone():
        return 5

    @twice
    def doubled(self):
        return 6
'''


def test_what_is_unwrapped_does_the_same_with_no_decorator_that_hides_it() -> None:
    written = unwrapped(DECORATED)
    assert [line.strip() for line in written.splitlines() if line.strip().startswith("@")] == ["@staticmethod"]
    for source in (DECORATED, written):
        names: dict[str, object] = {}
        exec(source, names)  # noqa: S102 - our own source
        value, box = names["value"], names["Box"]
        assert callable(value)
        assert callable(box)
        it = box()
        assert (value(), it.inside, it.alone(), it.doubled()) == (7, 4, 5, 12)


def test_every_module_and_test_of_the_list_is_there() -> None:
    listed = mutated_modules()
    paths = {*listed, *(test for tests in listed.values() for test in tests)}
    assert len(listed) > 10
    assert [path for path in sorted(paths) if not (settings.BASE_DIR / path).is_file()] == []


@pytest.mark.parametrize(("tried", "survivors", "score"), [(10, ["a"], 0.9), (0, [], 1.0), (1, ["a"], 0.0)])
def test_the_score_is_the_share_that_was_killed(tried: int, survivors: list[str], score: float) -> None:
    assert Result("a.py", tried, survivors).score == pytest.approx(score)


def test_a_path_without_a_module_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere"]) == 2
    assert "names no module" in capsys.readouterr().out
