"""Files that cannot be read after an import: they are encrypted with a key that is never stored."""

import os
from io import BufferedReader, BufferedWriter, FileIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_BLOCK = 16
"""Bytes of a block of AES. A file begins with the counter of its first block, which is random."""


class Seal:
    """Writes and reads encrypted files. Its key is only in memory, here and in the workers that it is pickled to."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def write(self, path: Path) -> BinaryIO:
        """Open a file for writing; what it held before is gone."""
        return cast(BinaryIO, BufferedWriter(_Sealed(path, "wb", self._key)))

    def read(self, path: Path) -> BinaryIO:
        """Open a file that `write` has written; it can be sought in."""
        return cast(BinaryIO, BufferedReader(_Sealed(path, "rb", self._key)))


class _Sealed(RawIOBase):
    """Encrypts what is written and decrypts what is read: AES in counter mode, so any place can be read by itself."""

    def __init__(self, path: Path, mode: str, key: bytes) -> None:
        self._file = FileIO(path, mode)
        self._key = key
        if self._file.writable():
            self._first = os.urandom(_BLOCK)
            self._file.write(self._first)
        else:
            self._first = self._file.read(_BLOCK)
        self._cipher = self._at(0)

    def _at(self, position: int) -> CipherContext:
        counter = (int.from_bytes(self._first) + position // _BLOCK) % (1 << 8 * _BLOCK)
        cipher = Cipher(AES(self._key), CTR(counter.to_bytes(_BLOCK))).encryptor()  # decrypts, too
        cipher.update(bytes(position % _BLOCK))
        return cipher

    def readable(self) -> bool:
        return self._file.readable()

    def writable(self) -> bool:
        return self._file.writable()

    def seekable(self) -> bool:
        return self._file.readable()

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer)
        buffer[:count] = self._cipher.update(buffer[:count])
        return count

    def write(self, data: Any) -> int:
        left = memoryview(self._cipher.update(data))
        while left:
            left = left[self._file.write(left) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = self._file.seek(offset + (_BLOCK if whence == os.SEEK_SET else 0), whence) - _BLOCK
        self._cipher = self._at(position)
        return position

    def tell(self) -> int:
        return self._file.tell() - _BLOCK

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._file.close()
