"""Copies of a DuckDB file by the blocks that differ.

A DuckDB file is three header pages, then blocks of one size, which the headers say. Each block
begins with a checksum of the rest, so two generations of a file are compared by reading a few bytes
of each block. That holds for files that were written to their end; of a write that was cut off, the
checksum may be new and the rest not.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

_PAGE_BYTES = 4096
_HEADER_BYTES = 3 * _PAGE_BYTES
_CHECKSUM_BYTES = 8
# Checksum, magic bytes, version of the storage and four words of flags; then checksum, iteration,
# meta block, free list, number of blocks and their size.
_MAIN = struct.Struct("<8x4sQ4Q")
_DATABASE = struct.Struct("<8x4QQ")
_MAGIC = b"DUCK"
_NO_FLAGS = (0, 0, 0, 0)
_STORAGE_VERSIONS = frozenset(range(64, 69))  # DuckDB 1.0 to 1.5; those that 2.0 still writes
_BLOCK_SIZES = frozenset(2**power for power in range(14, 19))


@dataclass(frozen=True, slots=True)
class Layout:
    """Size and number of a file's blocks."""

    block_bytes: int
    n_blocks: int


def read_layout(descriptor: int) -> Layout | None:
    """How a file is divided, None if it is none of DuckDB's, or one of a kind that isn't known."""
    header = os.pread(descriptor, _HEADER_BYTES, 0)
    if len(header) < _HEADER_BYTES:
        return None
    magic, version, *flags = _MAIN.unpack_from(header)
    sizes = {_DATABASE.unpack_from(header, page * _PAGE_BYTES)[-1] for page in (1, 2)}
    if magic != _MAGIC or version not in _STORAGE_VERSIONS or tuple(flags) != _NO_FLAGS:
        return None
    if len(sizes) > 1 or not sizes < _BLOCK_SIZES:
        return None
    [block_bytes] = sizes
    n_blocks, rest = divmod(os.fstat(descriptor).st_size - _HEADER_BYTES, block_bytes)
    return None if rest else Layout(block_bytes, n_blocks)


def copy_differences(source: int, target: int) -> bool:
    """Make a file equal to another generation of it; both are given as descriptors.

    Returns:
        Whether it is equal now; not if a layout isn't known, and then it is as it was.
    """
    layout, other = read_layout(source), read_layout(target)
    if layout is None or other is None or layout.block_bytes != other.block_bytes:
        return False
    n_common = min(layout.n_blocks, other.n_blocks)
    size = layout.block_bytes
    for descriptor in (source, target):
        if hasattr(os, "posix_fadvise"):  # else each checksum has the kernel read a lot around it
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    os.ftruncate(target, _HEADER_BYTES + layout.n_blocks * size)
    for number in range(layout.n_blocks):
        offset = _HEADER_BYTES + number * size
        if number >= n_common or _checksum(source, offset) != _checksum(target, offset):
            _copy_range(source, target, offset, size)
    _copy_range(source, target, 0, _HEADER_BYTES)
    return True


def _checksum(descriptor: int, offset: int) -> bytes:
    return os.pread(descriptor, _CHECKSUM_BYTES, offset)


def _copy_range(source: int, target: int, offset: int, n_bytes: int) -> None:
    while n_bytes > 0:
        copied = os.pwrite(target, os.pread(source, n_bytes, offset), offset)
        if not copied:
            raise OSError("the database became shorter while it was copied")
        offset, n_bytes = offset + copied, n_bytes - copied
