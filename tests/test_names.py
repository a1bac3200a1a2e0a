from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.names import (
    LogName,
    drive_started_at,
    is_drive,
    looks_like_log,
    parse_any_path,
    parse_dongle_id,
    parse_log_path,
    route_name,
)

DONGLE = "a2a0ccea32023010"
TIMED = "2023-07-27--13-01-19"
COUNTED = "000000e4--bd5189394c"

few = settings(max_examples=15, deadline=None)
some = settings(max_examples=60, deadline=None)

KINDS = st.sampled_from(["rlog", "qlog"])
CODECS = st.sampled_from(["", ".bz2", ".zst"])
BARS = st.sampled_from(["|", "_", "%7C", "%7c"])
DONGLES = st.from_regex(r"[0-9a-f]{8}([0-9a-f]{8})?", fullmatch=True)
NUMBERS = st.integers(0, 999_999)
TIMES = st.datetimes(min_value=datetime(1000, 1, 1))  # noqa: DTZ001 - device time has no zone
DRIVES = TIMES.map(lambda time: f"{time:%Y-%m-%d--%H-%M-%S}") | st.from_regex(
    r"[0-9a-f]{8}--[a-z0-9]{10}", fullmatch=True
)

# Each writes dongle, drive, number, bar and file name as one path below any folder.
WITH_DONGLE = {
    "collected": "{dongle}/{drive}--{number}/{file}",
    "barred segment": "{dongle}{bar}{drive}--{number}/{file}",
    "barred route": "{dongle}{bar}{drive}/{number}/{file}",
    "tree": "{dongle}/{drive}/{number}/{file}",
    "flat": "{dongle}{bar}{drive}--{number}--{file}",
    "flat in dongle folder": "{dongle}/{drive}--{number}--{file}",
    "its own dongle before the folder's": "ffffffff/{dongle}{bar}{drive}--{number}/{file}",
}
WITHOUT_DONGLE = {
    "device": "realdata/{drive}--{number}/{file}",
    "bare segment folder": "{drive}--{number}/{file}",
    "tree": "{drive}/{number}/{file}",
    "flat": "{drive}--{number}--{file}",
    "flat in a folder": "realdata/{drive}--{number}--{file}",
}


@pytest.mark.parametrize("layout", WITH_DONGLE.values(), ids=WITH_DONGLE)
@pytest.mark.parametrize("top", ["", "/", "/data/media/0/realdata/"])
@few
@given(dongle=DONGLES, drive=DRIVES, number=NUMBERS, bar=BARS, kind=KINDS, codec=CODECS)
def test_parses_what_each_layout_formats(*, layout, top, dongle, drive, number, bar, kind, codec):
    text = layout.format(dongle=dongle, drive=drive, number=number, bar=bar, file=kind + codec)

    assert parse_log_path(PurePosixPath(top + text)) == LogName(dongle, drive, number, kind)


@pytest.mark.parametrize("layout", WITHOUT_DONGLE.values(), ids=WITHOUT_DONGLE)
@few
@given(drive=DRIVES, number=NUMBERS, kind=KINDS, codec=CODECS)
def test_parses_layouts_without_a_dongle(layout, drive, number, kind, codec):
    text = layout.format(drive=drive, number=number, file=kind + codec)

    assert parse_log_path(PurePosixPath(text)) == LogName(None, drive, number, kind)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{DONGLE}|{TIMED}--1--rlog.bz2", LogName(DONGLE, TIMED, 1, "rlog")),
        (
            f"a2bddce0b6747e10_{COUNTED}--6--rlog.zst",
            LogName("a2bddce0b6747e10", COUNTED, 6, "rlog"),
        ),
        (f"{DONGLE.upper()}/{TIMED}--0/qlog", LogName(DONGLE, TIMED, 0, "qlog")),
        (f"0123ABcd/{TIMED}--07/rlog", LogName("0123abcd", TIMED, 7, "rlog")),
        (f"0123abc/{TIMED}--7/rlog", LogName(None, TIMED, 7, "rlog")),
        (f"0123abcg/{TIMED}--7/rlog", LogName(None, TIMED, 7, "rlog")),
        (f"0123abcd\n/{TIMED}--7/rlog", LogName(None, TIMED, 7, "rlog")),
        (f"{DONGLE}0/{TIMED}--7/rlog", LogName(None, TIMED, 7, "rlog")),
        ("rlog.bz2", LogName(log_kind="rlog")),
        ("downloads/qlog.zst", LogName(log_kind="qlog")),
        (f"{DONGLE}/rlog.bz2", LogName(log_kind="rlog")),
        (f"{DONGLE}/7/rlog.bz2", LogName(log_kind="rlog")),
        (f"{TIMED}--7.part/rlog.bz2", LogName(log_kind="rlog")),
        (f"{TIMED}--/rlog", LogName(log_kind="rlog")),
        (f"{TIMED}---1/rlog", LogName(log_kind="rlog")),
        (f"{TIMED}--1234567/rlog", LogName(log_kind="rlog")),
        (f"{TIMED}--1\n/rlog", LogName(log_kind="rlog")),
        (f"{TIMED}--\N{SUPERSCRIPT TWO}/rlog", LogName(log_kind="rlog")),
        (f"{TIMED}--\N{ARABIC-INDIC DIGIT TWO}/rlog", LogName(log_kind="rlog")),
        (f"{DONGLE}-{TIMED}--1/rlog", LogName(log_kind="rlog")),
        ("2023-13-27--13-01-19--1/rlog", LogName(log_kind="rlog")),
        ("2023-02-29--13-01-19/1/rlog", LogName(log_kind="rlog")),
        ("2023-07-27--24-00-00--1/rlog", LogName(log_kind="rlog")),
        ("0000-07-27--13-01-19--1/rlog", LogName(log_kind="rlog")),
        ("000000E4--BD5189394c--1/rlog", LogName(None, COUNTED, 1, "rlog")),
        ("000000e4--bd5189394--1/rlog", LogName(log_kind="rlog")),
        ("2023-13-27--13-01-19--1--rlog.bz2", None),
        (f"{DONGLE}|{TIMED}--1--rlog.gz", None),
        (f"{DONGLE}|{TIMED}--1--rlog.bz2.part", None),
        (f"{DONGLE}-{TIMED}--1--rlog.bz2", None),
        (f"{DONGLE}/{TIMED}--1/qcamera.ts", None),
        (f"{DONGLE}/{TIMED}--1/rlog.bz2.lock", None),
        (f"{DONGLE}/{TIMED}--1/rlog.bz2.zst", None),
        (f"{DONGLE}/{TIMED}--1/rlog\n", None),
        (f"{DONGLE}/{TIMED}--1/xrlog", None),
        (f"{DONGLE}/{TIMED}--1/plog", None),
        (f"{DONGLE}/{TIMED}--1", None),
        ("/", None),
        ("", None),
    ],
)
def test_parses_good_spellings_and_refuses_bad_ones(text, expected):
    assert parse_log_path(PurePosixPath(text)) == expected


# What browsers, file managers and other programs make of names.
OTHER_SPELLINGS = {
    "old name": "{dongle}|{drive}/{number}/raw_log.bz2",
    "kind left out": "{dongle}|{drive}--{number}.bz2",
    "number before the kind": "{dongle}/{drive}/{number}--rlog.zst",
    "number after the kind": "{dongle}/{drive}/rlog--{number}.zst",
    "number in both names": "{dongle}/{drive}--{number}/rlog_{number}.zst",
    "underscores": "{dongle}_{drive}_{number}_rlog.zst",
    "dashes for the bar": "{dongle}--{drive}--{number}--rlog.zst",
    "bar as Samba has it": "{dongle}\uf07c{drive}--{number}/rlog.zst",
    "encoded slashes": "{dongle}%2F{drive}--{number}%2Frlog.zst",
    "browser's copy": "{dongle}_{drive}--{number}--rlog (2).zst",
    "browser's copy of a bare name": "{dongle}/{drive}--{number}/rlog(12)",
    "mark after the codec": "{dongle}/{drive}--{number}/rlog.zst (1)",
    "wget's copy": "{dongle}/{drive}--{number}/rlog.bz2.1",
    "copy on Windows": "{dongle}/{drive}--{number}/rlog - Copy (3).zst",
    "copy in another language": "{dongle}/{drive}--{number}/rlog - Kopie.zst",
    "copy on a Mac": "{dongle}/{drive}--{number}/rlog copy 2.zst",
    "copy of": "{dongle}/{drive}--{number}/Copy of rlog.zst",
    "folder's copy": "{dongle}/{drive}--{number} (1)/rlog.zst",
    "copy on Linux": "{dongle}/{drive}--{number}/rlog (another copy).zst",
    "copy of a copy": "{dongle}/{drive}--{number}/rlog (copy) (1).zst",
    "copy of an old browser": "{dongle}/{drive}--{number}/rlog[1].zst",
    "whole name of the codec": "{dongle}/{drive}--{number}/rlog.zstd",
    "escaped twice": "{dongle}%257C{drive}--{number}--rlog.zst",
    "segment before the kind": "{dongle}/{drive}/seg{number}_rlog.zst",
    "number alone": "{dongle}/{drive}/{number}.zst",
    "segment alone": "{dongle}|{drive}/segment-{number}.bz2",
    "codec alone": "{dongle}/{drive}--{number}/LOG.zst",
    "number in both, alone": "{dongle}/{drive}/{number}/seg{number}.zst",
    "copy by its number": "{dongle}/{drive}/rlog--{number} (1).zst",
}


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS)
@few
@given(dongle=DONGLES, drive=DRIVES, number=NUMBERS, is_upper=st.booleans())
def test_reads_names_that_programs_give(spelling, dongle, drive, number, is_upper):
    text = spelling.format(dongle=dongle, drive=drive, number=number)
    kind = "rlog" if "log" in spelling else ""

    name = parse_log_path(PurePosixPath(text.upper() if is_upper else text))

    assert name == LogName(dongle, drive, number, kind)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("rlog.gz", True),
        ("rlog.bz2.zst", True),
        ("my-QLOG.zst", True),
        (f"{TIMED}--3.gz", True),
        ("raw_log.7z", True),
        ("rlog.zst.md5", False),
        ("rlog.lock", False),
        ("catalog.txt", False),
        ("rlogs.zip", False),
        (f"{TIMED}.bz2", False),
        (f"{TIMED}--3--fcamera.hevc", False),
        ("rlog.zst~", True),
        ("log.zst", True),
        (f"{TIMED}/0.gz", True),
        (f"{DONGLE}|{TIMED}--3/7.zst", True),
        (f"{TIMED}/3/first.zst", True),
        (f"{TIMED}/3/qcamera.ts", False),
        ("3.zst", False),
    ],
)
def test_says_what_people_may_take_for_a_log(file, expected):
    assert looks_like_log(PurePosixPath(file)) == expected
    assert parse_log_path(PurePosixPath(file)) is None


def test_reads_windows_paths():
    path = PureWindowsPath(rf"C:\logs\{DONGLE}%7C{TIMED}--3\rlog.zst")

    assert parse_log_path(path) == LogName(DONGLE, TIMED, 3, "rlog")


@some
@given(st.lists(st.text(max_size=12) | st.sampled_from([DONGLE, TIMED, f"{TIMED}--1", "rlog"])))
def test_says_nothing_false_of_any_text(components):
    path = PurePosixPath("/".join(components))

    name = parse_any_path(path)

    assert parse_log_path(path) in ({name} if name.log_kind else {None})
    assert (name.drive is None) == (name.segment_num is None)
    assert name.drive is None or is_drive(name.drive)
    assert name.dongle_id is None or parse_dongle_id(name.dongle_id) == name.dongle_id
    assert name.log_kind in path.name


def test_a_known_log_of_another_name_gets_its_folders_identity():
    path = PurePosixPath(f"{DONGLE}/{TIMED}--3/copy of the log.bin")

    assert parse_log_path(path) is None
    assert parse_any_path(path) == LogName(DONGLE, TIMED, 3, "")
    assert parse_any_path(PurePosixPath("elsewhere/log.bin")) == LogName()


@pytest.mark.parametrize(
    ("drive", "expected"),
    [
        (TIMED, datetime(2023, 7, 27, 13, 1, 19)),  # noqa: DTZ001
        ("2024-02-29--00-00-00", datetime(2024, 2, 29)),  # noqa: DTZ001
        ("2023-02-29--00-00-00", None),
        ("2023-07-27--13-01-60", None),
        ("2023-07-27--13-01-19--4", None),
        (COUNTED, None),
        ("", None),
    ],
)
def test_reads_the_start_in_a_drives_name(drive, expected):
    assert drive_started_at(drive) == expected


@some
@given(TIMES)
def test_reads_every_start_that_can_be_written(time):
    started_at = drive_started_at(f"{time:%Y-%m-%d--%H-%M-%S}")

    assert started_at == time.replace(microsecond=0, tzinfo=None)


@some
@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}--[0-9]{2}-[0-9]{2}-[0-9]{2}", fullmatch=True))
def test_a_drive_is_a_time_that_exists(text):
    try:
        datetime.strptime(text, "%Y-%m-%d--%H-%M-%S")  # noqa: DTZ007
        exists = not text.endswith(("-60", "-61"))  # strptime lets leap seconds in
    except ValueError:
        exists = False

    assert is_drive(text) == exists


@some
@given(DRIVES)
def test_drives_are_twenty_characters(drive):
    assert is_drive(drive)
    assert len(drive) == 20
    assert not is_drive(drive + "0")


@some
@given(st.text("0123456789abcdefABCDEFg\n", max_size=17))
def test_dongle_ids_are_8_or_16_hex_digits(text):
    is_hex = re.fullmatch("[0-9a-f]*", text.lower()) is not None and "\n" not in text

    expected = text.lower() if is_hex and len(text) in {8, 16} else None
    assert parse_dongle_id(text) == expected


def test_route_names_are_openpilots():
    assert route_name(DONGLE, TIMED) == f"{DONGLE}|{TIMED}"
