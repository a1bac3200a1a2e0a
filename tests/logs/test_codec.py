from __future__ import annotations

import bz2
import io
import random
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.logs.codec import Decompressed, decompress, decompress_file, zstd

MB = 1024 * 1024
CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
some = settings(max_examples=60, deadline=None)

RAWS = st.binary(max_size=300) | st.builds(
    lambda seed, size, step: random.Random(seed).randbytes(step + 1) * (size // (step + 1)),
    seed=st.integers(0, 99),
    size=st.integers(0, 400_000),
    step=st.integers(0, 5000),
)


def zstd_sized(raw: bytes) -> bytes:
    """A frame with the raw size in its header, as whole-buffer compression writes it."""
    return zstd.compress(raw, options=CHECKED)


def zstd_streamed(raw: bytes) -> bytes:
    """A frame without its raw size, as loggerd writes it."""
    compressor = zstd.ZstdCompressor(options=CHECKED)
    return compressor.compress(raw[:999]) + compressor.compress(raw[999:]) + compressor.flush()


def skippable(content: bytes, number: int = 0) -> bytes:
    magic = (0x184D2A50 + number).to_bytes(4, "little")
    return magic + len(content).to_bytes(4, "little") + content


def bz2_small(raw: bytes) -> bytes:
    """A stream of blocks of 100 kB, so that a short one has several."""
    return bz2.compress(raw, 1)


WRITERS = {"zstd sized": zstd_sized, "zstd streamed": zstd_streamed, "bz2": bz2_small}
every_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def noisy_raw(size: int) -> bytes:
    """Bytes that compress about 2:1, so that every codec makes several blocks of them."""
    return bytes(byte & 15 for byte in random.Random(1).randbytes(size))


@every_writer
@some
@given(raw=RAWS)
def test_reads_a_whole_file(write, raw):
    codec = "bz2" if write is bz2_small else "zstd"

    assert decompress(write(raw)) == Decompressed(raw, codec, None)


@some
@given(
    raws=st.lists(RAWS, min_size=1, max_size=5),
    writers=st.lists(st.sampled_from([zstd_sized, zstd_streamed]), min_size=5, max_size=5),
    skips=st.lists(st.none() | st.binary(max_size=20), min_size=6, max_size=6),
)
def test_reads_joined_zstd_frames_and_skips_the_skippable(raws, writers, skips):
    skipped = [b"" if skip is None else skippable(skip, i) for i, skip in enumerate(skips)]
    frames = [write(raw) for raw, write in zip(raws, writers, strict=False)]
    content = b"".join(skip + frame for skip, frame in zip(skipped, frames, strict=False))

    assert decompress(content + skipped[-1]) == Decompressed(b"".join(raws), "zstd", None)


@settings(max_examples=20, deadline=None)
@given(st.lists(RAWS, min_size=1, max_size=4))
def test_reads_joined_bz2_streams(raws):
    content = b"".join(map(bz2.compress, raws))

    assert decompress(content) == Decompressed(b"".join(raws), "bz2", None)


def test_reads_thousands_of_tiny_frames():
    content = (zstd.compress(b"ab") + zstd.compress(b"") + skippable(b"")) * 2000

    assert decompress(content) == Decompressed(b"ab" * 2000, "zstd", None)


def test_content_in_no_codec_is_raw_itself():
    content = b"\0\0\0\0\x07\0\0\0" * 5

    result = decompress(content, limit_bytes=3)

    assert result == Decompressed(content, "none", None)
    assert result.raw is content


def test_a_raw_file_is_read_up_to_the_limit():
    content = bytes(range(10))

    assert decompress_file(io.BytesIO(content), limit_bytes=10) == decompress(content)
    cut = decompress_file(io.BytesIO(content), limit_bytes=9)
    assert cut.raw == content[:9]
    assert cut.damage == "expands beyond the limit of 9 bytes (--max-log-bytes)"


@pytest.mark.parametrize(
    "stream",
    [zstd.compress(b""), zstd.compress(b"12345678"), skippable(b"abcd"), bz2.compress(b"")],
    ids=["empty", "tiny", "skippable", "bz2"],
)
def test_more_streams_than_a_file_has_are_left_out_in_time(stream):
    content = stream * 500_000
    started_at_s = time.process_time()

    result = decompress(content)

    assert time.process_time() - started_at_s < 2
    assert result.damage.startswith("10 000 ")
    assert f"streams end at byte {10_000 * len(stream):,} of".replace(",", " ") in result.damage
    assert decompress(stream * 10_000).damage is None


def test_an_empty_file_is_damaged():
    assert decompress(b"") == Decompressed(b"", "none", "the file is empty")


@pytest.mark.parametrize("size", [1, 2, 3])
@every_writer
def test_a_file_cut_within_its_magic_is_damaged(write, size):
    result = decompress(write(b"some raw bytes")[:size])

    assert result.raw == b""
    assert result.codec != "none"
    assert result.damage == (
        f"{result.codec} stream ends early at byte {size} of the file (0 bytes decoded)"
    )


@every_writer
def test_a_cut_file_keeps_a_prefix_wherever_it_is_cut(write):
    raw = noisy_raw(300_000)
    content = write(raw)
    edges = [*range(4, 24), *range(len(content) - 24, len(content))]
    inside = random.Random(2).sample(range(24, len(content) - 24), 20)

    kept = []
    for size in sorted(edges + inside):
        result = decompress(content[:size])
        assert raw.startswith(result.raw)
        assert f"ends early at byte {size:,} of".replace(",", " ") in result.damage
        kept.append(len(result.raw))

    assert kept == sorted(kept)
    assert kept[-1] >= len(raw) - 128 * 1024


def test_a_cut_zstd_file_keeps_every_whole_block():
    block = 128 * 1024  # the format's largest: RFC 8878, 3.1.1.2.4
    raw = noisy_raw(10 * block)
    content = zstd_streamed(raw)

    for share in (0.3, 0.6, 0.9):
        n_kept = len(decompress(content[: int(len(content) * share)]).raw)
        assert n_kept >= (share * 10 - 1.5) * block


@pytest.mark.parametrize("write", [zstd_sized, zstd_streamed])
def test_a_cut_second_frame_keeps_the_first(write):
    raw = noisy_raw(5000)
    content = write(raw) + write(raw)[:-3]

    result = decompress(content)

    assert result.raw[:5000] == raw
    assert (raw + raw).startswith(result.raw)
    assert "ends early" in result.damage


@every_writer
def test_a_changed_byte_never_raises_and_never_goes_unsaid(write):
    raw = noisy_raw(150_000)
    content = write(raw)
    rng = random.Random(3)
    places = [*range(20), *range(len(content) - 12, len(content))]
    places += [rng.randrange(20, len(content) - 12) for _ in range(20)]

    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= rng.randrange(1, 256)
        result = decompress(bytes(damaged), limit_bytes=2 * len(raw))
        assert result.damage or result.raw == raw or result.codec == "none"
        assert len(result.raw) <= 2 * len(raw)


@some
@given(
    raw=RAWS,
    place=st.floats(0, 1, exclude_max=True),
    change=st.integers(1, 255),
    joined=st.booleans(),
)
def test_any_changed_byte_of_a_frame_without_checksum_is_survived(raw, place, change, joined):
    content = bytearray(zstd.compress(raw) * (1 + joined))
    content[int(place * len(content))] ^= change

    assert len(decompress(bytes(content), limit_bytes=MB).raw) <= max(MB, len(content))


@some
@given(
    start=st.sampled_from([b"BZh9", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", b"\x55\x2a\x4d\x18"]),
    rest=st.binary(max_size=200),
)
def test_noise_behind_a_magic_is_survived(start, rest):
    result = decompress(start + rest, limit_bytes=1000)

    assert len(result.raw) <= 1000


def test_a_damaged_bz2_block_keeps_exactly_the_blocks_before():
    raw = noisy_raw(1_000_000)
    content = bytearray(bz2.compress(raw, 1))  # blocks of 100 kB
    content[len(content) // 2] ^= 255

    result = decompress(bytes(content))

    assert raw.startswith(result.raw)
    assert 300_000 < len(result.raw) < 500_000
    assert "bz2 stream is corrupt at byte" in result.damage
    assert f"({len(result.raw):,} bytes decoded)".replace(",", " ") in result.damage


def test_a_bz2_block_that_expands_a_lot_is_kept_out_when_it_is_bad():
    good, bad = bz2.compress(b"good" * 1000), bytearray(bz2.compress(bytes(5 * MB)))
    bad[10] ^= 1  # the first block's checksum, which is compared when all of it is decoded

    result = decompress(good + bytes(bad))

    assert result.raw == b"good" * 1000
    assert "is corrupt" in result.damage


def test_a_damaged_zstd_block_keeps_exactly_the_blocks_before():
    block = 128 * 1024
    compressor = zstd.ZstdCompressor()
    flush = zstd.ZstdCompressor.FLUSH_BLOCK
    head = compressor.compress(noisy_raw(block) * 2, mode=flush)

    result = decompress(head + b"\xff\xff\xff" + bytes(100_000))  # a reserved block type

    assert result.raw == noisy_raw(block) * 2
    assert f"zstd stream is corrupt at byte {len(head) + 2:,}".replace(",", " ") in result.damage


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"tail", "but 4 bytes that are not {codec} follow"),
        (bytes(2000), "but 2 000 zero bytes follow"),
    ],
)
@every_writer
def test_trailing_bytes_are_damage(write, rest, expected):
    content = write(b"raw bytes")

    result = decompress(content + rest)

    assert result.raw == b"raw bytes"
    assert result.damage == (
        f"{result.codec} stream ends at byte {len(content)} of the file, "
        + expected.format(codec=result.codec)
    )


@every_writer
@pytest.mark.parametrize("limit", [0, 1, 999, 1000, 1001])
def test_the_limit_is_inclusive(write, limit):
    raw = random.Random(4).randbytes(1000)

    result = decompress(write(raw), limit_bytes=limit)

    assert result.raw == raw[:limit]
    assert (result.damage is None) == (limit >= 1000)


def bz2_bomb() -> bytes:
    return bz2.compress(bytes(32 * MB)) * 32


def zstd_bomb() -> bytes:
    compressor = zstd.ZstdCompressor(level=1)
    piece = bytes(8 * MB)
    return b"".join(compressor.compress(piece) for _ in range(128)) + compressor.flush()


@pytest.mark.parametrize("write", [bz2_bomb, zstd_bomb])
def test_a_gigabyte_bomb_stops_at_the_limit(write):
    content = write()
    tracemalloc.start()

    result = decompress(content, limit_bytes=10 * MB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert result.raw == bytes(10 * MB)
    assert result.damage == "expands beyond the limit of 10 485 760 bytes (--max-log-bytes)"
    assert peak < 13 * MB


@every_writer
def test_memory_stays_near_the_raw_size(write):
    content = write(noisy_raw(MB) * 4)
    tracemalloc.start()

    result = decompress(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(result.raw) == 4 * MB
    assert peak < 6 * MB
