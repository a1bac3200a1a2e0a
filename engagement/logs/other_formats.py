"""What a file is that is named like a log and is none: a download that failed, another archive."""

from __future__ import annotations

_HEAD_BYTES = 512
_TAR_MAGIC_AT = 257
_BLANKS = b"\xef\xbb\xbf \t\r\n"  # what may precede the first tag of a page

_BY_MAGIC = {
    b"version https://git-lfs": "a Git LFS pointer, not the log itself; `git lfs pull` fetches it",
    b"\x1f\x8b": "gzip, not bz2 or zstd; unpack it with `gunzip`",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"\xfd7zXZ\x00": "xz, not bz2 or zstd; unpack it with `unxz`",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it",
    b"Rar!\x1a\x07": "a RAR archive; unpack it",
    b"\x04\x22\x4d\x18": "lz4, not bz2 or zstd; unpack it with `unlz4`",
    b"SQLite format 3\x00": "a SQLite database, not a log",
    b"BZh": "compressed twice; unpack it once",
    b"\x28\xb5\x2f\xfd": "compressed twice; unpack it once",
    b"%PDF-": "a PDF, not a log",
}
_BY_TAG = {
    b"<!doctype html": "a web page (HTML), not a log",
    b"<html": "a web page (HTML), not a log",
    b"<?xml": "an XML document, not a log; servers answer so where they refuse a download",
    b"<error": "an XML document, not a log; servers answer so where they refuse a download",
    b"{": "JSON, not a log; servers answer so where they refuse a download",
}


def other_format(content: bytes) -> str | None:
    """What content is, decompressed once, that has no message in it; None if that is not known."""
    head = content[:_HEAD_BYTES]
    for magic, name in _BY_MAGIC.items():
        if head.startswith(magic):
            return f"is {name}"
    if head[_TAR_MAGIC_AT:].startswith(b"ustar"):
        return "is a tar archive; unpack it"
    text = head.lstrip(_BLANKS).lower()
    for tag, name in _BY_TAG.items():
        if text.startswith(tag):
            return f"is {name}"
    return None
