"""The encrypted file of a transfer, piece by piece."""

import io
from unittest import mock

import pytest

from faceauth.local import passphrase_file

PASSPHRASE = "correct horse battery staple"
COST = passphrase_file.COST


PASSPHRASE = "correct horse battery staple"
COST = passphrase_file.COST
HEADER = len(passphrase_file.MAGIC) + passphrase_file.SALT


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase_file, "COST", 2)


def encrypted_pieces(data: bytes) -> list[bytes]:
    """The pieces of a file, each with its length."""
    found, rest = [], data[HEADER:]
    while rest:
        size = 4 + int.from_bytes(rest[:4], "big")
        found.append(rest[:size])
        rest = rest[size:]
    return found


@pytest.mark.parametrize("what", ["swapped", "last missing", "all but the last missing", "first twice", "more"])
def test_pieces_have_their_place(what: str) -> None:
    file = io.BytesIO()
    written = [b"one", b"two", b"three"]
    passphrase_file.write(written, PASSPHRASE, file)
    data = file.getvalue()
    assert list(passphrase_file.read(PASSPHRASE, io.BytesIO(data))) == written
    pieces = encrypted_pieces(data)
    assert len(pieces) == 4
    match what:
        case "swapped":
            pieces[1], pieces[2] = pieces[2], pieces[1]
        case "last missing":
            del pieces[-1]
        case "all but the last missing":
            del pieces[:-1]
        case "first twice":
            pieces.insert(1, pieces[0])
        case "more":
            pieces.append(pieces[0])
    forged = io.BytesIO(data[:HEADER] + b"".join(pieces))
    with pytest.raises(passphrase_file.CannotDecrypt):
        list(passphrase_file.read(PASSPHRASE, forged))


def test_a_length_that_would_fill_the_memory_is_refused() -> None:
    file = mock.Mock(wraps=io.BytesIO(passphrase_file.MAGIC + bytes(passphrase_file.SALT) + b"\xff\xff\xff\xff"))
    with pytest.raises(passphrase_file.CannotDecrypt):
        list(passphrase_file.read(PASSPHRASE, file))
    assert max(call.args[0] for call in file.read.call_args_list) < 100


def test_the_cost_of_guessing_a_passphrase() -> None:
    """As OWASP's Password Storage Cheat Sheet recommends: N = 2^17, r = 8, p = 1."""
    with mock.patch.multiple(passphrase_file, Scrypt=mock.DEFAULT, COST=COST) as replaced:
        scrypt = replaced["Scrypt"]
        scrypt.return_value.derive.return_value = bytes(32)
        passphrase_file.cipher(PASSPHRASE, b"salt")
    assert scrypt.call_args.kwargs == {"salt": b"salt", "length": 32, "n": COST, "r": 8, "p": 1}
    assert COST == 2**17
