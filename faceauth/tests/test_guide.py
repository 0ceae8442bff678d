"""docs/faceauth.md names every setting of FACEAUTH, and no other."""

import re
from dataclasses import fields

from django.conf import settings

from faceauth.conf import Conf

GUIDE = (settings.BASE_DIR / "docs" / "faceauth.md").read_text()


def test_the_guide_names_every_setting_and_no_other() -> None:
    table = GUIDE.split("\n## Settings")[1].split("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`[^|]*`) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert named == {field.name for field in fields(Conf)}
