"""Lighthouse on a real installation: accessibility and best practices of four pages, on a telephone.

Its scores of performance depend on what else the machine does: `python -m benchmarks.pages` shows them.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from secretly.tests import lighthouse
from secretly.tests.installation import installed
from secretly.tests.lighthouse import Judge, Pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(bool(lighthouse.MISSING), reason=f"Nothing was measured, for want of {lighthouse.MISSING}."),
]


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with installed() as installation:
        yield lighthouse.pages_of(installation)


@pytest.fixture(scope="module")
def judge(chromium: Browser) -> Iterator[Judge]:
    with lighthouse.chromium(chromium.browser_type) as one:
        yield one


@pytest.mark.parametrize("page", ["sign-in", "notebook", "note", "settings"])
def test_scores(page: str, pages: Pages, judge: Judge) -> None:
    categories = ("accessibility", "best-practices")
    report = judge.report(pages, page, categories, "--throttling-method=provided")
    scores = lighthouse.scores_of(report)
    assert set(scores) == set(categories)
    assert min(scores.values()) >= lighthouse.LEAST, lighthouse.faults(report)
