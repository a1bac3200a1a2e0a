"""The views and macros of sql/, views in the order in which they read each other.

One view a file; the file's name is the view's. `compute.X` defines numbers, and is written into the
table `result.X` for the drives that an ingest touched; public views read those tables. A computing
file that explains columns of a public view has that view made of them. The order comes from what
stands after `from` and `join` in each text, and in the macros that it calls. A view of samples has
what is said of the base table's columns, and its time, which is made for all of them alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from engagement.errors import ViewError
from engagement.resources import resource_dir
from engagement.store.tables import describe_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMENT = re.compile(r"--[^\n]*")
_NAME = re.compile(r"^create or replace view ([\w.]+) as$", re.MULTILINE)
_HEADER = re.compile(r"^-- (grain|null|why): +(\S.*(?:\n--  .*)*)", re.MULTILINE)
_KEY = re.compile(r"one row per (?:\(([\w, ]+)\)|(\w+))(?: with .*|[:;].*)?")
_EXPLAINED = re.compile(r"^comment on column (\w+)\.(\w+) is '((?:[^']|'')*)';\n", re.MULTILINE)
_CTE = re.compile(r"^(\w+) as (?:not materialized )?\($", re.MULTILINE)
_MACRO = re.compile(r"^create or replace macro (\w+)\(", re.MULTILINE)
_CALL = re.compile(r"\b(\w+)\(")
_READ = re.compile(r"\b(?:from|join)\s+(?:on_grid\(')?([a-z_][\w.]*)", re.IGNORECASE)
_SAMPLED = re.compile(r"^ +samples\.(\w+)(?:::\w+)?(?: as (\w+))?,?$", re.MULTILINE)
_SAMPLES_OF = re.compile(r"\bfrom (log\.\w+) as samples\b")
_ON_GRID = re.compile(r"\bsamples_at\(")
_AS_LOGGED = re.compile(r"\bas_logged as \(partition by [^()]*\)")
_SOURCE = re.compile(r"\b((?:from|join)\s+)((?:log|staging)\.(\w+))( as \w+)?")

_TIMES = """\
samples.mono_ns,
        (samples.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, samples.mono_ns) as at_utc,
"""
_JOIN = "join result.drive_{0} as {0} on samples.drive_id = {0}.drive_id\n"
_FACTS = "    inner " + _JOIN.format("facts")
_IDENTITY = "    left " + _JOIN.format("identity")
_SAID_OF_TIMES = {
    "time_s": "seconds from the first sample of the drive",
    "at_utc": "when it was logged; null without a clock that was set",
}

# Of a message, not of what it says.
OF_MESSAGES = {"drive_id", "segment_num", "message_num", "mono_ns", "time_s", "at_utc"}
_NEVER_NULL = OF_MESSAGES | {"enabled", "frame_num", "signal_key", "bus", "value"}


@dataclass(frozen=True, slots=True)
class View:
    """A view and what its file says of it.

    Attributes:
        file: Where it is defined.
        name: Its name, with the schema where that is not `main`.
        text: The statement that makes it.
        reads: Names of what it reads.
        title: What it holds.
        grain: What one of its rows is.
        null: When its columns are null.
        why: What else there is to know; empty where there is nothing.
        comments: What each of its columns means; of a public view alone.
    """

    file: str
    name: str
    text: str
    reads: frozenset[str] = frozenset()
    title: str = ""
    grain: str = ""
    null: str = ""
    why: str = ""
    comments: Mapping[str, str] = field(default_factory=dict)

    @property
    def result(self) -> str | None:
        """The table that the view's rows are kept in, None if they aren't."""
        schema, _, name = self.name.rpartition(".")
        return f"result.{name}" if schema == "compute" else None

    @property
    def is_public(self) -> bool:
        """Whether analysts are meant to see it."""
        return "." not in self.name

    @property
    def is_per_drive(self) -> bool:
        """Whether its rows are those of drives, so that one drive's can be computed alone."""
        return "drive_id" in self.key

    def query(
        self,
        condition: str,
        *,
        computed: frozenset[str] = frozenset(),
        is_in_order: bool = False,
    ) -> str:
        """The view's query over those rows of logs that meet a condition on drives.

        DuckDB carries a condition on the view to what it reads, but not into a part that is read
        twice, once in an outer join: there it would read the logs of all drives. Of the staging
        views that are named as computed, the rows are in temporary tables. Where the rows of logs
        are in order, the windows `as_logged` take them as they lie: nothing is sorted then, and a
        row may have one of another drive before or after it, as the views expect.
        """

        def narrowed(source: re.Match[str]) -> str:
            before, name, alias, given = source.groups()
            label = given or f" as {alias}"
            if name in computed:
                return f"{before}temp.{alias}{label}"
            if name in _without_drives():
                return source[0]
            rows = name
            has_windows = is_in_order and _has_windows_as_logged(name)
            if has_windows or not computed.isdisjoint(_read_through(name)):
                view = _by_name()[name]
                inner = view.query(condition, computed=computed, is_in_order=is_in_order)
                rows = f"({inner})"
            return f"{before}(select * from {rows} where {condition}){label}"

        query = _SOURCE.sub(narrowed, self.text[self.text.index(" as\n") + 3 :])
        if is_in_order:
            query = _AS_LOGGED.sub("as_logged as ()", query)
        return query.rstrip().removesuffix(";")

    @property
    def is_on_grid(self) -> bool:
        """Whether it calls a macro of `load_grids`."""
        return bool({*_CALL.findall(self.text)} & {*_MACRO.findall(load_grids())})

    @property
    def is_one_row(self) -> bool:
        """Whether it has one row, of the database, which other views may need."""
        return self.grain == "one row"

    @property
    def key(self) -> tuple[str, ...]:
        """The names by which its rows are told apart; they need not all be columns."""
        found = _KEY.fullmatch(self.grain)
        return tuple((found[1] or found[2]).split(", ")) if found else ()


@cache
def load_macros() -> str:
    """The macros that views call, as one text."""
    return resource_dir("sql").joinpath("macros.sql").read_text(encoding="utf-8")


@cache
def load_grids() -> str:
    """The macros that lay samples on a grid, as one text; views that they read come before them."""
    return resource_dir("sql").joinpath("grids.sql").read_text(encoding="utf-8")


@cache
def load_views() -> tuple[View, ...]:
    """Every view, upstream first.

    Raises:
        ViewError: If a file defines no view, or views read each other in a circle.
    """
    folder = resource_dir("sql")
    views = {}
    for path in sorted(folder.glob("*/*.sql")):
        if path.parent.name != "checks":
            file = path.relative_to(folder.parent).as_posix()
            for view in _parse(file, path.read_text(encoding="utf-8")):
                views[view.name] = view
    _explain_grids(views)
    upstream = {name: _upstream(view, views) for name, view in views.items()}
    try:
        order = list(TopologicalSorter(upstream).static_order())
    except CycleError as error:
        raise ViewError(" -> ".join(error.args[1]), "these views read each other") from error
    return tuple(views[name] for name in order)


@cache
def public_views() -> Mapping[str, View]:
    """The views that analysts see, by name."""
    return {view.name: view for view in load_views() if view.is_public}


@cache
def _by_name() -> Mapping[str, View]:
    return {view.name: view for view in load_views()}


@cache
def _read_through(name: str) -> frozenset[str]:
    """The staging views that a view reads, also by others of them."""
    view = _by_name().get(name)
    direct = {read for read in view.reads if read.startswith("staging.")} if view else set()
    return frozenset(direct).union(*map(_read_through, direct))


@cache
def downstream(name: str) -> frozenset[str]:
    """A view, and all that are computed from it, directly or not."""
    found = {name}
    for view in load_views():
        if found.intersection(read.replace("result.", "compute.") for read in view.reads):
            found.add(view.name)
    return frozenset(found)


@cache
def _has_windows_as_logged(name: str) -> bool:
    """Whether a view has windows over rows as logs have them, or reads a staging view that has."""
    views = _by_name()
    read = {name, *_read_through(name)} & views.keys()
    return any(_AS_LOGGED.search(views[each].text) for each in read)


@cache
def _without_drives() -> frozenset[str]:
    """The views whose rows are known to be of no drive."""
    return frozenset(view.name for view in load_views() if view.key and not view.is_per_drive)


@cache
def sql_hash() -> str:
    """One hash of views, macros and moments; it changes when any number's definition may have."""
    texts = [load_macros(), load_grids(), repr(describe_tables()), *_makers_of_moments()]
    for view in load_views():
        texts += [view.text, *view.comments.values()]
    return sha256("\n".join(texts).encode()).hexdigest()


def _makers_of_moments() -> list[str]:
    """What the rows of saved moments are made by: no view says it. The code is read, not loaded."""
    store = Path(__file__).parent
    code = [*sorted(store.with_name("moments").glob("*.py")), store / "saved_moments.py"]
    shipped = resource_dir("config") / "moments.toml"
    return [file.read_text(encoding="utf-8") for file in (*code, shipped) if file.exists()]


def _parse(file: str, text: str) -> list[View]:
    """The view of a file, and the public one that shows its rows, if columns of one are explained.

    Raises:
        ViewError: If the file defines no view.
    """
    found = _NAME.search(text)
    if not found:
        raise ViewError(file, "there is no `create or replace view NAME as` in it")
    said = {name: " ".join(part.strip("- ") for part in words.split("\n"))
            for name, words in _HEADER.findall(text)}  # fmt: skip
    said["title"] = text.split("\n", 1)[0].removeprefix("-- ")
    name = found[1]
    explained = _EXPLAINED.findall(text)
    shown = explained[0][0] if explained else name
    comments = _sampled(text) | {column: words.replace("''", "'") for _, column, words in explained}
    own = _timed(_EXPLAINED.sub("", text[found.start() :]))
    if shown == name:
        return [_view(file, name, own, said, comments)]
    public = _public_text(shown, name.replace("compute.", "result."), [*comments])
    return [_view(file, name, own, said, {}), _view(file, shown, public, said, comments)]


def _sampled(text: str) -> dict[str, str]:
    """What is said of the columns that a view takes from samples as they are."""
    found = _SAMPLES_OF.search(text)
    if not found:
        return {}
    table = describe_tables()[found[1]]
    return {
        shown or name: table.said_of(name, is_nullable=name not in _NEVER_NULL)
        for name, shown in _SAMPLED.findall(text)
    } | _SAID_OF_TIMES


def _timed(text: str) -> str:
    """A view of samples with their time: from the start of the drive, and by the clock."""
    if not _SAMPLES_OF.search(text):
        return text
    joins = _IDENTITY if " as facts\n" in text else _FACTS + _IDENTITY
    joined = _SAMPLES_OF.sub(lambda found: f"{found[0]}\n{joins}".rstrip(), text)
    return joined.replace("samples.mono_ns,\n", _TIMES, 1)


def _explain_grids(views: dict[str, View]) -> None:
    """Have views that lay samples on a grid say of their columns what those of the samples mean."""
    sampled = {name: view for name, view in views.items() if _SAMPLES_OF.search(view.text)}
    for name, view in views.items():
        is_grid = _ON_GRID.search(view.text)
        services = [sampled[read] for read in sorted(view.reads & sampled.keys()) if is_grid]
        if services:
            said = {c: text for service in services for c, text in service.comments.items()}
            comments = {c: text for c, text in said.items() if c not in OF_MESSAGES}
            views[name] = replace(view, comments=comments | dict(view.comments))


def _view(
    file: str, name: str, text: str, said: Mapping[str, str], comments: Mapping[str, str]
) -> View:
    code = _COMMENT.sub("", text)
    reads = _reads(code) - set(_CTE.findall(code))
    return View(file, name, text, reads, comments=comments, **said)


def _public_text(view: str, table: str, columns: Sequence[str]) -> str:
    """A public view of a result table: its columns, the drive's names, time and kind of log."""
    start = "mono_ns" if "mono_ns" in columns else "start_mono_ns"
    added = {
        "dongle_id": "drive.dongle_id",
        "drive": "drive.drive",
        "time_s": f"(shown.{start} - facts.first_mono_ns) / 1e9 as time_s",
        "log_kind": "segment.log_kind",
    }
    joins = {
        "drive": "inner join log.drive on shown.drive_id = drive.drive_id",
        "time_s": "inner join result.drive_facts as facts on shown.drive_id = facts.drive_id",
        "log_kind": "left join log.segment on shown.drive_id = segment.drive_id"
        " and shown.segment_num = segment.segment_num",
    }
    selected = ",\n    ".join(added.get(column, f"shown.{column}") for column in columns)
    joined = "\n".join(join for column, join in joins.items() if column in columns)
    made = f"create or replace view {view} as\nselect\n    {selected}"
    return f"{made}\nfrom {table} as shown\n{joined};\n"


def _reads(code: str) -> frozenset[str]:
    """What a text reads from, also by the macros that it calls."""
    called = _macro_reads()
    by_macros = (called[name] for name in set(_CALL.findall(code)) & called.keys())
    own = (name.removeprefix("main.") for name in _READ.findall(code))
    return frozenset(own).union(*by_macros)


@cache
def _macro_reads() -> dict[str, frozenset[str]]:
    """What each macro reads from; one may call those that stand before it."""
    found: dict[str, frozenset[str]] = {}
    _, *parts = _MACRO.split(_COMMENT.sub("", load_macros() + load_grids()))
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        reads = frozenset(_READ.findall(text))
        found[name] = reads.union(*(found[c] for c in set(_CALL.findall(text)) & found.keys()))
    return found


def _upstream(view: View, views: dict[str, View]) -> list[str]:
    """What a view reads, in an order that is the same in every process, as the hash goes by it."""
    names = {name.replace("result.", "compute.") for name in view.reads}
    return sorted(name for name in names if name in views and name != view.name)
