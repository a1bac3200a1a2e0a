"""What messages there are in logs, by bus and address, and what a DBC calls them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engagement.cli import render
from engagement.cli.dbc_choice import choose_dbc
from engagement.cli.drive_logs import read_car, read_each
from engagement.cli.table_parts import Column
from engagement.errors import InputError, NotFoundError
from engagement.extract.frames import count_traffic, merge_traffic, read_frames
from engagement.formats import number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.extract.frames import DbcSignals, Traffic
    from engagement.logs.find import LogFile

_COLUMNS = (
    Column("bus", "bus", is_number=True),
    Column("address", "address_hex", is_whole=True),
    Column("message", "message"),
    Column("frames", "n_frames", is_number=True),
    Column("/s", "rate_hz", number),
    Column("bytes", "length", is_whole=True),
    Column("signals", "n_signals", is_number=True, rank=1),
    Column("decimal", "address", is_number=True, rank=2),
)


def print_traffic(
    logs: Sequence[LogFile], dbc: str | None, buses: tuple[int, ...], *, as_json: bool
) -> None:
    """Print the messages in the logs, those that no DBC describes too.

    Raises:
        NotFoundError: If the logs have no CAN frames.
        LogError: If none of them can be read.
    """
    signals = _describe(logs, dbc)
    traffic = merge_traffic(count_traffic(read_frames(log)) for log in read_each(logs))
    n_signals = Counter(each.spec.address for each in signals.signals) if signals else Counter()
    names = signals.messages if signals else {}
    rows = [
        _row(each, names.get(each.address), n_signals[each.address])
        for each in traffic.values()
        if not buses or each.bus in buses
    ]
    if as_json:
        render.print_json(rows)
    elif rows:
        render.print_rows(_COLUMNS, rows)
    else:
        raise NotFoundError("CAN frame in", str(logs[0].path))


def _describe(logs: Sequence[LogFile], dbc: str | None) -> DbcSignals | None:
    """The DBC that was named, else the car's own if it can be found."""
    if dbc is not None:
        return choose_dbc(dbc, None).signals
    try:
        chosen = choose_dbc(None, read_car(logs))
    except InputError as error:
        render.note(f"without names of messages: {error}")
        return None
    render.note(f"names are those of {chosen.name}")
    return chosen.signals


def _row(traffic: Traffic, message: str | None, n_signals: int) -> dict[str, Any]:
    shortest, longest = traffic.min_length_bytes, traffic.max_length_bytes
    return {
        "bus": traffic.bus,
        "address": traffic.address,
        "address_hex": f"0x{traffic.address:x}",
        "message": message,
        "n_frames": traffic.n_frames,
        "rate_hz": traffic.rate_hz,
        "min_length_bytes": shortest,
        "max_length_bytes": longest,
        "length": text(shortest if shortest == longest else f"{shortest}-{longest}"),
        "n_signals": n_signals,
    }
