"""JSON from outside: everything that is JSON is read, up to a number of values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatekit import jsons

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.text('[,{"\\', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[,{"\\a', max_size=5), inner, max_size=4),
    max_leaves=12,
)


def values_in(value: object) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return 1 + sum(map(values_in, inner))


@given(VALUES, st.booleans(), st.integers(1, 40))
def test_values_are_counted_and_signs_in_texts_are_not(value: object, plain: bool, piece: int) -> None:
    content = json.dumps(value, ensure_ascii=not plain).encode(errors="surrogatepass" if not plain else "replace")
    jsons.PIECE = piece
    assert jsons.count(content, 10**9) < 2 * values_in(value)
    assert jsons.loads(content, 2 * values_in(value)) == json.loads(content)
    if isinstance(value, list | dict) and value:
        with pytest.raises(jsons.TooMany):
            jsons.loads(content, values_in(value) // 2)


@pytest.mark.parametrize("content", [b"{", b"NaN", b"[Infinity]", b"\xff", b"1" * 5000, b"[" * 100_000, b'"\\', b""])
def test_what_is_no_json_is_one_kind_of_error(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        jsons.loads(content, 1_000_000)


def test_a_mark_of_utf_8_is_no_error() -> None:
    assert jsons.loads(b"\xef\xbb\xbf[1]", 10) == [1]
