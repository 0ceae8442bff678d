"""A file that only a passphrase opens: lines in, lines out, in pieces that are sealed one by one.

    MAGIC | salt (16 bytes) | pieces, each: length (4 bytes, big-endian) | AES-256-GCM of up to PIECE bytes

The key is scrypt's of the passphrase and the salt (RFC 7914; N = 2^17, r = 8, p = 1 as OWASP's Password Storage Cheat
Sheet advises), so that it is used for this file alone. A piece's nonce is its number and whether it is the last
(STREAM, Hoang et al. 2015): pieces that were swapped, repeated or cut off at the end do not open. The file begins with
its version; its parameters are constants, so that no file can ask for a gigabyte of memory.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"secretly faces 1\n"
SALT = 16
WORK = 1 << 17
PIECE = 1 << 20
TAG = 16


class NotAParcel(Exception):
    """The file is not one of ours, or of a version that is not known here."""

    def __init__(self) -> None:
        super().__init__("This is not a file that `rekognition_collection export` has written, or of another version.")


class DoesNotOpen(Exception):
    """The passphrase is wrong, or the file was altered or cut short: which of them cannot be told."""

    def __init__(self) -> None:
        super().__init__("The file does not open: the passphrase is another one, or the file is damaged.")


def cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=WORK, r=8, p=1).derive(passphrase.encode()))


def nonce(number: int, last: bool) -> bytes:
    return struct.pack(">QI", number, last)


def pack(lines: Iterable[bytes], passphrase: str, file: BinaryIO) -> None:
    """Write the lines, each of which ends with a newline."""
    salt = os.urandom(SALT)
    sealing = cipher(passphrase, salt)
    file.write(MAGIC + salt)
    number, waiting, squeezing = 0, bytearray(), zlib.compressobj(6)
    for line in lines:
        waiting += squeezing.compress(line)
        while len(waiting) > PIECE:  # never all of it: the last piece is to be known as such
            write_piece(file, sealing.encrypt(nonce(number, False), bytes(waiting[:PIECE]), MAGIC))
            del waiting[:PIECE]
            number += 1
    waiting += squeezing.flush()
    while len(waiting) > PIECE:
        write_piece(file, sealing.encrypt(nonce(number, False), bytes(waiting[:PIECE]), MAGIC))
        del waiting[:PIECE]
        number += 1
    write_piece(file, sealing.encrypt(nonce(number, True), bytes(waiting), MAGIC))


def write_piece(file: BinaryIO, sealed: bytes) -> None:
    file.write(struct.pack(">I", len(sealed)) + sealed)


def unpack(file: BinaryIO, passphrase: str) -> Iterator[bytes]:
    """The lines as they were packed. Raises `NotAParcel` and `DoesNotOpen`, the latter perhaps after some lines."""
    if file.read(len(MAGIC)) != MAGIC:
        raise NotAParcel
    opening = cipher(passphrase, file.read(SALT))
    number, rest, growing = 0, b"", zlib.decompressobj()
    sealed = read_piece(file)
    while sealed:
        following = read_piece(file)
        try:
            piece = opening.decrypt(nonce(number, not following), sealed, MAGIC)
            grown = rest + growing.decompress(piece)
        except (InvalidTag, zlib.error) as error:
            raise DoesNotOpen from error
        *lines, rest = grown.split(b"\n")
        yield from lines
        sealed, number = following, number + 1
    if number == 0 or rest or not growing.eof:
        raise DoesNotOpen


def read_piece(file: BinaryIO) -> bytes:
    """One sealed piece; nothing at the end of the file."""
    head = file.read(4)
    if not head:
        return b""
    if len(head) < 4:
        raise DoesNotOpen
    (length,) = struct.unpack(">I", head)
    if not TAG <= length <= PIECE + TAG:
        raise DoesNotOpen
    sealed = file.read(length)
    if len(sealed) < length:
        raise DoesNotOpen
    return sealed
