"""Which of the logs that were found have to be read.

A log is recognised by its path, size and time of change, so an unchanged one is not read again;
what its path does not say is decided after the log was read. Of a segment's logs the rlog comes
first, and another one is read only if that one is damaged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engagement.extract.clocks import is_set
from engagement.names import drive_started_at, full_dongle_ids
from engagement.store.segments import stored_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engagement.extract.segment import ReadOptions, SegmentLog
    from engagement.filters import Selection
    from engagement.logs.find import LogFile
    from engagement.store.segments import Key, KnownSegment


def is_wanted(
    selection: Selection,
    dongle_id: str | None,
    drive: str | None,
    started_at: datetime | None,
    full_ids: Mapping[str, str],
) -> bool:
    """Whether a log may be wanted, by what is known of it so far.

    Its device may be wanted by either name. The day is the drive's start: by its name where that is
    a time that a clock may show, which is the device's local one, else by the log's clock, UTC.
    """
    day = started_at.date() if started_at else None
    return any(
        selection.admits(device=device, drive=drive, since=day, until=day)
        for device in (dongle_id, full_ids.get(dongle_id or "", dongle_id))
    )


def _named_at(drive: str | None) -> datetime | None:
    """The time in a drive's name, unless the device's clock was not set."""
    found = drive_started_at(drive) if drive else None
    return found if found and is_set(found, datetime.now(UTC).replace(tzinfo=None)) else None


def started_at(log: SegmentLog) -> datetime | None:
    """When the drive of a log started; initData has the time of the first segment in each."""
    named_at = _named_at(log.drive)
    init_data = log.tables.get("init_data")
    if named_at or not (log.started_at_utc and log.start_mono_ns and init_data):
        return named_at or log.started_at_utc
    since_start_ns = log.start_mono_ns - init_data["mono_ns"][0].as_py()
    return log.started_at_utc - timedelta(microseconds=since_start_ns // 1000)


@dataclass(slots=True)
class Plan:
    """`groups` are the logs to read, one group a segment, its best log first.

    `full_ids` are the dongle ids of devices that have other names, too: see `full_dongle_ids`.
    """

    groups: list[tuple[LogFile, ...]] = field(default_factory=list)
    full_ids: dict[str, str] = field(default_factory=dict)
    n_unchanged: int = 0
    n_superseded: int = 0
    n_filtered: int = 0
    n_failed_before: int = 0

    @property
    def size_bytes(self) -> int:
        """Size on disk of the first log of each group."""
        return sum(group[0].size_bytes for group in self.groups)


class Known:
    """The segments in the database, by key and by path."""

    def __init__(
        self, segments: Iterable[KnownSegment], aliases: Mapping[str, str] | None = None
    ) -> None:
        self.by_key = {(s.dongle_id, s.drive, s.segment_num): s for s in segments}
        self._by_path = {s.path: s for s in self.by_key.values()}
        self._dongle_ids = {s.dongle_id for s in self.by_key.values()}
        self._aliases = aliases

    def full_ids(self, logs: Iterable[LogFile]) -> dict[str, str]:
        """The dongle ids of devices that folders name by 8 characters of them, or by an alias."""
        named = {log.name.dongle_id for log in logs if log.name.dongle_id}
        return full_dongle_ids(named | self._dongle_ids, self._aliases)

    def add(self, key: Key, segment: KnownSegment) -> None:
        """Add a segment that was written."""
        self.by_key[key] = segment

    def unchanged(self, log: LogFile, read: ReadOptions) -> KnownSegment | None:
        """The segment that this very file was ingested for, if it has not changed since.

        It is read again if CAN signals are wanted that were not extracted then, or more of it, or
        if the tables have columns since that may lack what it says.
        """
        known = self._same(log, read)
        return None if known is None or known.is_outdated else known

    def _same(self, log: LogFile, read: ReadOptions) -> KnownSegment | None:
        known = self._by_path.get(stored_path(log.path))
        if known is None or not read.is_met_by(known.profile):
            return None
        if known.is_cut_below(read.limit_bytes):
            return None
        is_same = (known.size_bytes, known.mtime_ns) == (log.size_bytes, log.mtime_ns)
        return known if is_same else None

    def n_unchanged(self, groups: Iterable[tuple[LogFile, ...]], read: ReadOptions) -> int:
        """Of how many groups a log was ingested already, and has not changed."""
        return sum(any(self._same(log, read) for log in group) for group in groups)

    def supersedes(self, key: Key, log_kind: str) -> bool:
        """Whether the database has a readable rlog where this is a qlog."""
        known = self.by_key.get(key)
        return bool(
            known and known.status != "failed" and known.log_kind == "rlog" and log_kind == "qlog"
        )


def make_plan(
    logs: Iterable[LogFile],
    known: Known,
    selection: Selection,
    read: ReadOptions,
    *,
    reprocess: bool = False,
) -> Plan:
    """Leave out the logs that need not be read, and group the others by segment."""
    logs = list(logs)
    plan = Plan(full_ids=known.full_ids(logs))
    by_segment: dict[Key | str, list[LogFile]] = {}
    for log in logs:
        drive = log.name.drive
        if is_wanted(selection, log.name.dongle_id, drive, _named_at(drive), plan.full_ids):
            by_segment.setdefault(_key(log, plan.full_ids) or stored_path(log.path), []).append(log)
        else:
            plan.n_filtered += 1
    for key, candidates in by_segment.items():
        # Folders of both names of a device may have logs of a segment.
        candidates.sort(key=lambda log: log.name.log_kind != "rlog")
        if reprocess:
            plan.groups.append(tuple(candidates))
        else:
            _plan_segment(plan, key, candidates, known, read)
    return plan


def _plan_segment(
    plan: Plan, key: Key | str, candidates: list[LogFile], known: Known, read: ReadOptions
) -> None:
    unchanged = {log.path: known.unchanged(log, read) for log in candidates}
    met = [segment for segment in unchanged.values() if segment]
    is_whole = any(s.status == "ok" and s.log_kind == candidates[0].name.log_kind for s in met)
    fresh = [log for log in candidates if not unchanged[log.path]]
    wanted = [
        log
        for log in fresh
        if not is_whole and not (isinstance(key, tuple) and known.supersedes(key, _kind(log)))
    ]
    plan.n_unchanged += len(met)
    plan.n_failed_before += sum(segment.status == "failed" for segment in met)
    plan.n_superseded += len(fresh) - len(wanted)
    if wanted:
        plan.groups.append(tuple(wanted))


def _key(log: LogFile, full_ids: Mapping[str, str]) -> Key | None:
    """What the path says; the folder stands for a device that it does not name."""
    name = log.name
    if name.drive is None or name.segment_num is None:
        return None
    dongle_id = name.dongle_id or stored_path(log.path.parent)
    return full_ids.get(dongle_id, dongle_id), name.drive, name.segment_num


def _kind(log: LogFile) -> str:
    return log.name.log_kind or "rlog"
