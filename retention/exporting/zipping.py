"""A ZIP written from its beginning to its end, which another process can go on with.

The library's own writer keeps what it needs to go on in memory alone. Here that is a handful of
numbers (`state`): what stands before is never looked at again. A file may be interrupted too, for
parts deflated apart make one stream if all but the last end on a full flush (RFC 1951 § 3.2.3; the
format is that of PKWARE's APPNOTE 6.3).
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

_DEFLATED: Final = 8
# Sizes follow the data (bit 3), for nothing goes back to write them before it.
_SIZES_FOLLOW: Final = 1 << 3
_UNIX: Final = 3
# Only its owner may read an unpacked file.
_MODE: Final = 0o100600 << 16
_FULL: Final = 0xFFFF_FFFF
_PLAIN, _ZIP64 = 20, 45
_ZIP64_FIELD: Final = 1


@dataclass(slots=True, kw_only=True)
class File:
    """One file of the ZIP: where it begins, and what is known of it so far."""

    name: str
    offset: int
    large: bool
    crc: int = 0
    size: int = 0
    packed: int = 0

    @property
    def version(self) -> int:
        return _ZIP64 if self.large or max(self.size, self.packed, self.offset) >= _FULL else _PLAIN


@dataclass(slots=True)
class ZipWriter:
    """Hands every byte to `write`. One file is open at a time, and bytes of none between."""

    write: Callable[[bytes], object]
    moment: datetime
    files: list[File] = field(default_factory=list)
    is_open: bool = False
    offset: int = 0
    deflate: Any = None

    def state(self) -> dict[str, Any]:
        """After `pause`: all that the rest of the ZIP needs to know of what stands before."""
        files = [asdict(each) for each in self.files]
        return {"files": files, "is_open": self.is_open, "offset": self.offset}

    @classmethod
    def resume(
        cls, write: Callable[[bytes], object], moment: datetime, state: dict[str, Any]
    ) -> "ZipWriter":
        files = [File(**each) for each in state["files"]]
        made = cls(write, moment, files, state["is_open"], state["offset"])
        made.deflate = new_deflate()
        return made

    def emit(self, data: bytes) -> None:
        self.offset += len(data)
        self.write(data)

    def open(self, name: str, *, large: bool) -> None:
        """`large` for what may unpack to 4 GiB or more: not every program reads such a ZIP."""
        file = File(name=name, offset=self.offset, large=large)
        extra = struct.pack("<HHQQ", _ZIP64_FIELD, 16, 0, 0) if large else b""
        sizes = _FULL if large else 0
        encoded = name.encode("ascii")
        head = struct.pack(
            "<4sHHHHHLLLHH",
            b"PK\x03\x04",
            file.version,
            _SIZES_FOLLOW,
            _DEFLATED,
            *self.dos_moment(),
            0,
            sizes,
            sizes,
            len(encoded),
            len(extra),
        )
        self.emit(head + encoded + extra)
        self.files.append(file)
        self.is_open = True
        self.deflate = new_deflate()

    def add(self, data: bytes) -> None:
        file = self.files[-1]
        file.crc = zlib.crc32(data, file.crc)
        file.size += len(data)
        self.emit_packed(self.deflate.compress(data))

    def emit_packed(self, data: bytes) -> None:
        self.files[-1].packed += len(data)
        self.emit(data)

    def pause(self) -> None:
        """Everything that was added has been written; what follows does not lean on it."""
        if self.is_open:
            self.emit_packed(self.deflate.flush(zlib.Z_FULL_FLUSH))
            self.deflate = new_deflate()

    def close_file(self) -> None:
        self.emit_packed(self.deflate.flush())
        file = self.files[-1]
        if not file.large and max(file.size, file.packed) >= _FULL:
            raise OverflowError(f"{file.name} has grown beyond 4 GiB")
        numbers = "QQ" if file.large else "LL"
        self.emit(struct.pack(f"<4sL{numbers}", b"PK\x07\x08", file.crc, file.packed, file.size))
        self.is_open = False

    def close(self) -> None:
        """The list of what is in it."""
        start = self.offset
        for file in self.files:
            self.emit(self.listed(file))
        end, count = self.offset, len(self.files)
        if max(start, end - start) >= _FULL:
            versions = (_UNIX << 8 | _ZIP64, _ZIP64)
            counts = (0, 0, count, count, end - start, start)
            self.emit(struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, *versions, *counts))
            self.emit(struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1))
        lengths = (min(end - start, _FULL), min(start, _FULL))
        self.emit(struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, count, count, *lengths, 0))

    def listed(self, file: File) -> bytes:
        numbers = (file.packed, file.size, file.offset)
        # In the order that the format wants them in, which is not that of the entry.
        beyond = [n for n in (file.size, file.packed, file.offset) if n >= _FULL]
        extra = struct.pack("<HH", _ZIP64_FIELD, 8 * len(beyond)) if beyond else b""
        extra += b"".join(struct.pack("<Q", number) for number in beyond)
        packed, size, offset = (min(number, _FULL) for number in numbers)
        encoded = file.name.encode("ascii")
        head = struct.pack(
            "<4sHHHHHHLLLHHHHHLL",
            b"PK\x01\x02",
            _UNIX << 8 | file.version,
            file.version,
            _SIZES_FOLLOW,
            _DEFLATED,
            *self.dos_moment(),
            file.crc,
            packed,
            size,
            len(encoded),
            len(extra),
            0,
            0,
            0,
            _MODE,
            offset,
        )
        return head + encoded + extra

    def dos_moment(self) -> tuple[int, int]:
        """Time and date, to two seconds, in UTC."""
        at = self.moment.astimezone(UTC)
        time = at.hour << 11 | at.minute << 5 | at.second // 2
        return time, (at.year - 1980) << 9 | at.month << 5 | at.day


def new_deflate() -> Any:
    """Raw deflate, as a ZIP has it."""
    return zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
