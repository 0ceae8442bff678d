"""A large upload in a temporary file, encrypted with a key that only this process has.

The file has no name, and its space is freed when it is closed or the process ends.
"""

import io
import os
import tempfile
from typing import IO

from django.conf import settings

from notes import encryption
from notes.storage import StorageDown
from privatekit.crypto import NONCE, TAG

PIECE = 1024 * 1024
SEALED_PIECE = NONCE + PIECE + TAG


class SealedTempFile:
    """Takes bytes, and returns them as a file to read. Raises `StorageDown` when the disk is full."""

    def __init__(self) -> None:
        self.key = os.urandom(encryption.KEY)
        self.size = 0
        self._rest = bytearray()
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - closed with the request

    def add(self, data: bytes) -> None:
        self._rest += data
        self.size += len(data)
        while len(self._rest) >= PIECE:
            self._put(bytes(self._rest[:PIECE]))
            del self._rest[:PIECE]

    def opened(self) -> io.BufferedReader:
        if self._rest:
            self._put(bytes(self._rest))
            self._rest.clear()
        return io.BufferedReader(Pieces(self._file, self.key, self.size), PIECE)

    def close(self) -> None:
        self._file.close()

    def _put(self, piece: bytes) -> None:
        place = self._file.tell() // SEALED_PIECE
        try:
            self._file.write(encryption.seal(self.key, piece, str(place)))
            self._file.flush()
        except OSError as error:
            self.close()
            raise StorageDown(f"The disk for uploads took no more ({type(error).__name__}).") from error


class Pieces(io.RawIOBase):
    """Decrypts the file, a piece at a time, from any position."""

    def __init__(self, file: IO[bytes], key: bytes, size: int) -> None:
        self._file, self._key, self._size, self._at = file, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("There is nothing before the beginning.")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        place, skipped = divmod(self._at, PIECE)
        self._file.seek(place * SEALED_PIECE)
        piece = encryption.unseal(self._key, self._file.read(SEALED_PIECE), str(place))
        given = piece[skipped : skipped + len(buffer)]
        buffer[: len(given)] = given
        self._at += len(given)
        return len(given)

    def close(self) -> None:
        self._file.close()
        super().close()
