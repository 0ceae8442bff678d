"""A file that only a passphrase decrypts, written and read in pieces.

    MAGIC | salt | pieces, each: length (4 bytes, big-endian) | AES-256-GCM of the compressed piece

The key comes from the passphrase and the salt by scrypt (RFC 7914) with the cost that OWASP's Password Storage Cheat
Sheet recommends. The cost is fixed, so no file can ask for a gigabyte of memory. The nonce of a piece is its number and
an empty piece ends the file, so pieces that are swapped, repeated or missing are noticed.

The age format (pyrage) would do as well, but its Python package reads and writes passphrase files only as a whole in
memory, and takes two seconds for each.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"secretly faces 2\n"
SALT = 16  # bytes
COST = 1 << 17
MAX_PIECE = 1 << 26  # bytes: a thousand rows are under one megabyte


class NotOurFile(Exception):
    """The file has another format or version."""

    def __init__(self) -> None:
        super().__init__("This file was not written by `rekognition_collection export`, or by another version of it.")


class CannotDecrypt(Exception):
    """The passphrase is wrong, or the file was altered or cut off: which of them cannot be told."""

    def __init__(self) -> None:
        super().__init__("The file cannot be decrypted: the passphrase is wrong or the file is damaged.")


def cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=COST, r=8, p=1).derive(passphrase.encode()))


def write(pieces: Iterable[bytes], passphrase: str, file: BinaryIO) -> None:
    """Write the pieces, none of which is empty."""
    salt = os.urandom(SALT)
    key = cipher(passphrase, salt)
    file.write(MAGIC + salt)
    for number, piece in enumerate(chain(pieces, [b""])):
        encrypted = key.encrypt(number.to_bytes(12, "big"), zlib.compress(piece), MAGIC)
        file.write(len(encrypted).to_bytes(4, "big") + encrypted)


def read(passphrase: str, file: BinaryIO) -> Iterator[bytes]:
    """The pieces. Raises `NotOurFile` first, and `CannotDecrypt` perhaps after some pieces."""
    if file.read(len(MAGIC)) != MAGIC:
        raise NotOurFile
    key = cipher(passphrase, file.read(SALT))
    number, piece = 0, b" "
    while piece:
        length = int.from_bytes(file.read(4), "big")
        if length > MAX_PIECE:
            raise CannotDecrypt
        try:
            piece = zlib.decompress(key.decrypt(number.to_bytes(12, "big"), file.read(length), MAGIC))
        except (InvalidTag, ValueError) as error:  # ValueError: cut off within the piece
            raise CannotDecrypt from error
        number += 1
        if piece:
            yield piece
    if file.read(1):
        raise CannotDecrypt
