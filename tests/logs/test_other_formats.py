"""Files that are named like logs and are none are called what they are."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from engagement.extract.segment import ReadOptions, read_segment
from engagement.logs.find import find_logs


def archive(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as packed:
            packed.writestr("rlog", b"log")
    else:
        with tarfile.open(fileobj=file, mode="w") as packed:
            packed.addfile(tarfile.TarInfo("rlog"))
    return file.getvalue()


POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
OTHERS = {
    POINTER: "is a Git LFS pointer, not the log itself; `git lfs pull` fetches it",
    b"<!DOCTYPE html><html><body>Sign in": "is a web page (HTML), not a log",
    b"\xef\xbb\xbf\r\n<HTML>": "is a web page (HTML), not a log",
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': "is an XML document, not",
    b'{"error": "unauthorized", "code": 401}': "is JSON, not a log",
    gzip.compress(b"log" * 99): "is gzip, not bz2 or zstd; unpack it",
    lzma.compress(b"log" * 99): "is xz, not bz2 or zstd; unpack it",
    archive("zip"): "is a zip archive; unpack it",
    archive("tar"): "is a tar archive; unpack it",
    bz2.compress(archive("tar")): "is a tar archive; unpack it",
    bz2.compress(bz2.compress(b"log" * 99)): "is compressed twice; unpack it once",
}


@pytest.mark.parametrize("content", OTHERS, ids=OTHERS.values())
def test_a_file_that_is_no_log_is_called_what_it_is(tmp_path, content):
    (tmp_path / "rlog.bz2").write_bytes(content)
    (file,) = find_logs([tmp_path]).logs

    log = read_segment(file, ReadOptions())

    assert log.status == "failed"
    assert log.damage.startswith(OTHERS[content])
