"""After a sign-in people come back to the page they were on, and to no other site or protocol."""

import pytest
from django.test import RequestFactory

from notes.answers import page_of


@pytest.mark.parametrize(
    ("secure", "given", "expected"),
    [
        (True, "http://testserver/bin/", "/"),  # the notebook's address, never in the clear
        (True, "https://testserver/bin/", "https://testserver/bin/"),
        (False, "http://testserver/bin/", "http://testserver/bin/"),
        (True, "https://elsewhere.example/", "/"),
        (True, "/bin/", "/bin/"),
        (True, "", "/"),
    ],
)
def test_a_form_leads_back_inside_the_site(secure: bool, given: str, expected: str) -> None:
    assert page_of(RequestFactory().post("/save/", {"back": given}, secure=secure)) == expected
