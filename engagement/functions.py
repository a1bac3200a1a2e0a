"""What the commands do, for Python: the same words, and answers that are tables and objects.

Nothing is printed. Errors are those of `engagement.errors`, and their messages name options as the
command line does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engagement.analysis.comparison import Watch, compare_selected
from engagement.analysis.grouping import parse_grouping
from engagement.analysis.labels import count_labelled, parse_labels
from engagement.analysis.rates import place, usual_mode
from engagement.analysis.selection import select
from engagement.analysis.summary import summarize
from engagement.errors import InputError, suggestion
from engagement.extract.choice import choose_can
from engagement.filters import DRIVE_FILTERS, Selection, parse_bound
from engagement.groupings import parse_crossing
from engagement.store import ingestion
from engagement.store.ingest_options import IngestOptions
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    import pyarrow as pa

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.summary import Summary
    from engagement.analysis.verdict import Per
    from engagement.store.ingest_options import IngestReport

    File = str | PathLike[str]

_DATABASE = "engagement.duckdb"
_RATES = "from rates where grouped_by = $by and mode = $mode"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two groups of drives compared.

    Attributes:
        comparison: Both groups, and every measure with values, intervals, ratio and p.
        said: What the drives allow to say about it, `said.verdict` first.
    """

    comparison: Comparison
    said: Summary


def ingest(
    *paths: File,
    db: File = _DATABASE,
    profile: str | None = None,
    vehicle_profiles: File | None = None,
    keep_params: Iterable[str] = (),
    parameters: File | None = None,
    reprocess: bool = False,
    jobs: int | None = None,
    **filters: Any,
) -> IngestReport:
    """Bring a database up to date with folders of logs, as `engagement ingest` does.

    Args:
        paths: Folders, searched at any depth, and log files.
        db: The database; made where there is none.
        profile: Which CAN signals to read.
        vehicle_profiles: The file of profiles.
        keep_params: Params of the device to store, too.
        parameters: A file of thresholds other than the shipped.
        reprocess: Read logs again that have not changed.
        jobs: Processes that decode; one a core by default.
        filters: `device`, `drive`, `since`, `until`: only these logs.

    Raises:
        InputError: If an argument does not do.
        StoreError: If the database can't be written.
    """
    selection = _selection(filters, only=("device", "drive", "since", "until"))
    profiles_file = None if vehicle_profiles is None else Path(vehicle_profiles)
    read = replace(
        choose_can(profiles_file=profiles_file, name=profile, cwd=Path.cwd()),
        device=selection["device"],
        drive=selection["drive"],
        keep_params=tuple(keep_params),
    )
    options = IngestOptions(
        read=read,
        selection=selection,
        reprocess=reprocess,
        jobs=jobs or 0,
        parameters_file=None if parameters is None else Path(parameters),
    )
    return ingestion.ingest([Path(path) for path in paths], Path(db), options)


def rates(
    db: File = _DATABASE,
    *,
    by: str = "all",
    mode: Literal["engaged", "lateral_only", "assisted"] | None = None,
    labels: str | None = None,
    **filters: Any,
) -> pa.Table:
    """The rows of the view `rates` for some drives, a row a group and event.

    Args:
        db: The database.
        by: What groups are made by: a dimension as `version`, or two as `model,night`.
        mode: In which mode events and exposure count; engaged, and of groups of modes `assisted`.
        labels: Count only events with one of these labels, with commas.
        filters: As of the command: `device`, `drive`, `car`, `branch`, `version`, `commit`, `fork`,
            `since`, `until`.

    Raises:
        InputError: If drives can't be grouped or selected so.
        NotFoundError: If there is no such drive, device, car and so on.
        StoreError: If the database can't be read.
    """
    crossing = parse_crossing(by)
    with Reader(Path(db)) as reader:
        select(reader, _selection(filters))
        reader.group_by(crossing)
        if labels is not None:
            count_labelled(reader, parse_labels(labels))
        values = {"by": crossing.name, "mode": mode or usual_mode(crossing)}
        table = reader.table(_RATES, values)
    rows = table.select(["group_name", "event"]).to_pylist()
    return table.take(sorted(range(len(rows)), key=lambda number: place(crossing, rows[number])))


def compare(
    a: str,
    b: str,
    db: File = _DATABASE,
    *,
    by: str,
    per: Per = "100km",
    labels: str | None = None,
    sequential: bool = False,
    until_drives: int | None = None,
    **filters: Any,
) -> Compared:
    """Compare two groups of drives; every ratio is B / A.

    Args:
        a: Name of the baseline; two days as 2025-07-01..2025-07-31 for dates.
        b: Name of the candidate.
        db: The database.
        by: What A and B name: a dimension, `date`, or `param:NAME`.
        per: Which rates the sentences are about.
        labels: Count only events with one of these labels, with commas.
        sequential: Look at interventions after every drive.
        until_drives: The planned end of these looks, in drives of B.
        filters: As of `rates`.

    Raises:
        InputError: If drives can't be grouped or selected so.
        NotFoundError: If there is no such group.
        StoreError: If the database can't be read.
    """
    grouping = parse_grouping(by)
    watch = Watch(until_drives=until_drives, headline_per=per) if sequential else None
    with Reader(Path(db)) as reader:
        found = compare_selected(
            reader, _selection(filters), grouping, (a, b), labels=labels, watch=watch
        )
    return Compared(found, summarize(found, per))


def _selection(given: Mapping[str, Any], only: Iterable[str] = DRIVE_FILTERS) -> Selection:
    """The drives that filters leave; days may be text, as the command line has them.

    Raises:
        InputError: If there is no such filter, or a day is none.
    """
    known = tuple(only)
    for name in given:
        if name not in known:
            raise InputError(f"no filter {name!r}{suggestion(name, known)}")
    return Selection.of(
        **{
            name: parse_bound(value)
            if DRIVE_FILTERS[name].is_day and isinstance(value, str)
            else value
            for name, value in given.items()
        }
    )
