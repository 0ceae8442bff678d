"""After a sign-in people come back to the page they were on, and to no other site or protocol."""

import pytest
from django.test import RequestFactory

from notes.responses import page_of


@pytest.mark.parametrize(
    ("secure", "given", "expected"),
    [
        (True, "http://testserver/trash/", "/"),  # the notebook's address, never in the clear
        (True, "https://testserver/trash/", "https://testserver/trash/"),
        (False, "http://testserver/trash/", "http://testserver/trash/"),
        (True, "https://elsewhere.example/", "/"),
        (True, "/trash/", "/trash/"),
        (True, "", "/"),
    ],
)
def test_a_form_leads_back_inside_the_site(secure: bool, given: str, expected: str) -> None:
    assert page_of(RequestFactory().post("/save/", {"back": given}, secure=secure)) == expected
