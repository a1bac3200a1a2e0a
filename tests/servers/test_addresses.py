from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import InputError
from engagement.servers.addresses import Address, parse_address, parse_list

D, L, N = "0123456789abcdef", "2025-07-31--10-20-30", "0000002a--0123456789"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connect", Address("connect")),
        (f"connect:{D}", Address(f"connect:{D}", D)),
        (f"connect:{D.upper()}", Address(f"connect:{D.upper()}", D)),
        (f"{D}|{L}", Address(f"{D}|{L}", D, L)),
        (f"{D}/{L}", Address(f"{D}/{L}", D, L)),
        (f"{D}_{N}", Address(f"{D}_{N}", D, N)),
        (f"{D}%7C{N}", Address(f"{D}%7C{N}", D, N)),
        (f"{D}|{L}/", Address(f"{D}|{L}/", D, L)),
        (f"{D}|{L}/3", Address(f"{D}|{L}/3", D, L, slice(3, 4))),
        (f"{D}|{L}--3", Address(f"{D}|{L}--3", D, L, slice(3, 4))),
        (f"{D}|{N}--12", Address(f"{D}|{N}--12", D, N, slice(12, 13))),
        (f"{D}|{L}/0:4", Address(f"{D}|{L}/0:4", D, L, slice(0, 4))),
        (f"{D}|{L}/-1", Address(f"{D}|{L}/-1", D, L, slice(-1, None))),
        (f"{D}|{L}/-2", Address(f"{D}|{L}/-2", D, L, slice(-2, -1))),
        (f"{D}|{L}/2:/q", Address(f"{D}|{L}/2:/q", D, L, slice(2, None), "qlog")),
        (f"{D}/{N}/r", Address(f"{D}/{N}/r", D, N, None, "rlog")),
        (f"{D}/{N}/1:9:2/a", Address(f"{D}/{N}/1:9:2/a", D, N, slice(1, 9, 2), "both")),
        (
            f"https://connect.comma.ai/{D}/{L}/61/130",
            Address(
                f"https://connect.comma.ai/{D}/{L}/61/130",
                D, L, slice(1, 3), site="connect.comma.ai",
            ),
        ),
        (
            f"https://connect.comma.ai/{D}/{N}",
            Address(f"https://connect.comma.ai/{D}/{N}", D, N, site="connect.comma.ai"),
        ),
        (
            f"https://connect.comma.ai/{D}",
            Address(f"https://connect.comma.ai/{D}", D, site="connect.comma.ai"),
        ),
        (
            f"https://connect.comma.ai/{D}/1690000000000/1690000060000",
            Address(
                f"https://connect.comma.ai/{D}/1690000000000/1690000060000",
                D, window_ms=(1690000000000, 1690000060000), site="connect.comma.ai",
            ),
        ),
        (
            f"https://connect.example.org/{D}%7C{L}/2",
            Address(
                f"https://connect.example.org/{D}%7C{L}/2",
                D, L, slice(2, 3), site="connect.example.org",
            ),
        ),
        (
            f"connect.comma.ai/{D}/{L}/61/130",
            Address(
                f"connect.comma.ai/{D}/{L}/61/130",
                D, L, slice(1, 3), site="connect.comma.ai",
            ),
        ),
        (f"connect.konik.ai/{D}", Address(f"connect.konik.ai/{D}", D, site="connect.konik.ai")),
        (
            f"Connect.comma.ai/{D}%7C{L}",
            Address(f"Connect.comma.ai/{D}%7C{L}", D, L, site="connect.comma.ai"),
        ),
    ],
)  # fmt: skip
def test_what_people_paste(text, expected):
    assert parse_address(text) == expected
    assert parse_address(f"  {text}\n") == expected


@pytest.mark.parametrize(
    "text",
    [
        "car1",
        "comma@192.168.1.20",
        "comma@connect",
        "connect.local",
        "host:22",
        D,
        "::1",
        f"a.b/{D}0",
    ],
)
def test_other_names_are_hosts(text):
    assert parse_address(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "connect:",
        "connect:0123",
        f"connect:{D}/x",
        f"{D}|nonsense",
        f"{D}|2025-13-31--10-20-30",
        f"{D}|{L}/1:2:0",
        f"{D}|{L}/x:y",
        f"{D}|{L}/0:4/z",
        f"{D}|{L}/0:4/../../x",
        "https://connect.comma.ai/",
        "https://connect.comma.ai/nothing",
        f"https://connect.comma.ai/{D}/1/x",
        f"https://connect.comma.ai/{D}/9/1",
        f"https://connect.comma.ai/{D}/{L}/5",
        f"https://connect.comma.ai/{D}/{'9' * 5000}/{'9' * 5000}",
        "https://[::1/x",
        f"file:///{D}",
        f"https:///{D}",
    ],
)
def test_what_only_looks_like_an_address_is_an_error(text):
    with pytest.raises(InputError):
        parse_address(text)


@given(st.text())
def test_no_text_breaks_it(text):
    for given_text in (text, f"{D}|{text}", f"https://{text}", f"connect:{text}"):
        try:
            found = parse_address(given_text)
        except InputError:
            continue
        assert found is None or found.dongle_id is None or len(found.dongle_id) == 16


@given(
    st.integers(0, 30),
    st.one_of(
        st.builds(lambda n: (str(n), n), st.integers(-30, 30)),
        st.builds(
            lambda a, b: (f"{'' if a is None else a}:{'' if b is None else b}", (a, b)),
            st.none() | st.integers(-30, 30),
            st.none() | st.integers(-30, 30),
        ),
    ),
)
def test_segments_are_those_of_python(n_segments, found):
    text, wanted = found
    address = parse_address(f"{D}|{L}/{text}")
    numbers = list(range(n_segments))
    if isinstance(wanted, int):
        expected = (
            {wanted} if wanted >= 0 else set(numbers[wanted:][:1] if -wanted <= n_segments else [])
        )
        expected &= set(numbers)
    else:
        expected = set(numbers[slice(*wanted)])
    assert {number for number in numbers if address.admits(number, n_segments)} == expected


def test_a_list_has_one_address_a_line():
    assert parse_list(["a", "", "# no", " b # why", "c|d"]) == ["a", "b", "c|d"]
