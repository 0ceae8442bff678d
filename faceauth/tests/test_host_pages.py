"""What the pages and scripts of faceauth are made of lies inside the app: a wheel carries nothing else."""

import re

from django.conf import settings

APP = settings.BASE_DIR / "faceauth"
PAGES = sorted((APP / "templates" / "faceauth").rglob("*.html"))
LIBRARIES = {"i18n", "static", *(path.stem for path in (APP / "templatetags").glob("*.py"))}


def test_pages_stand_on_the_app_alone() -> None:
    for page in PAGES:
        text = page.read_text()
        assert set(re.findall(r"\{% (?:extends|include) \"(?!faceauth/)([^\"]+)", text)) == set(), page
        assert set(re.findall(r"\{% static ['\"](?!faceauth/)([^'\"]+)", text)) == set(), page
        assert set(" ".join(re.findall(r"\{% load ([^%]+) %\}", text)).split()) <= LIBRARIES, page
        assert 'href="/' not in text, page


def test_pages_do_not_name_the_site_that_they_came_from() -> None:
    assert [page for page in PAGES if "Secretly" in page.read_text()] == []


def test_scripts_and_styles_stand_on_the_app_alone() -> None:
    for file in (APP / "static" / "faceauth").glob("*.*s"):
        found = re.findall(r"(?:from|import) \"([^\"]+)\"|url\([\"']?([^\"')]+)", file.read_text())
        for name in filter(None, (one or other for one, other in found)):
            assert name.startswith(("./", "data:")), (file, name)
