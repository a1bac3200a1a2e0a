"""`engagement compare`: what the drives allow to say about a difference between two groups."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.comparison import Watch, compare_selected
from engagement.analysis.gate import judge, parse_condition
from engagement.analysis.grouping import KINDS, parse_grouping
from engagement.analysis.markdown import render_markdown
from engagement.analysis.summary import describe, sections, summarize
from engagement.analysis.wording import distances_text
from engagement.cli import render
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import database_option, drive_filters, json_option, labels_option
from engagement.cli.output_files import spare_database, writing
from engagement.cli.table_parts import Column, Line
from engagement.cli.unit_option import chosen_units, units_option
from engagement.errors import InputError, NotFoundError
from engagement.formats import about, count, text
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.analysis.comparison import Comparison, Group
    from engagement.analysis.gate import Condition, Ruling, State
    from engagement.analysis.grouping import Grouping
    from engagement.analysis.verdict import Per
    from engagement.units import Units

_STATES: dict[State, str] = {
    "holds": "holds",
    "does_not_hold": "does not hold",
    "too_few": "can't be told",
    "speeds_differ": "is not judged, as the speeds differ",
}
_CODES: dict[State, ExitCode] = {  # the first that applies is the exit status
    "holds": ExitCode.FAILED,
    "speeds_differ": ExitCode.NOT_COMPARABLE,
    "too_few": ExitCode.TOO_FEW,
}

_COLUMNS = (
    Column("kind", "kind", is_piped=True),
    Column("", "measure"),
    Column("B is", "answer"),
    Column("A", "a", is_number=True, rank=3),
    Column("A 95 %", "a_interval", is_number=True, rank=9),
    Column("B", "b", is_number=True, rank=2),
    Column("B 95 %", "b_interval", is_number=True, rank=8),
    Column("B / A (95 %)", "ratio", is_number=True),
    Column("p", "p", is_number=True),
    Column("q", "q", is_number=True, rank=4),
    Column("naive p", "naive_p", is_number=True, rank=6),
    Column("dispersion", "dispersion", is_number=True, rank=5),
    Column("still needed", "needed", rank=7),
)


def _grouping(_ctx: click.Context, _param: click.Parameter, value: str) -> Grouping:
    return parse_grouping(value)


def _conditions(
    _ctx: click.Context, _param: click.Parameter, value: Sequence[str]
) -> list[Condition]:
    return [parse_condition(condition) for condition in value]


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--by",
    "grouping",
    required=True,
    metavar="WHAT",
    callback=_grouping,
    help=f"What A and B name: {', '.join(KINDS)}; or two with a comma. With date two ranges.",
)
@labels_option
@drive_filters
@click.option(
    "--per",
    type=click.Choice(["100km", "hour"]),
    default="100km",
    help="Which rates to show; JSON and conditions have both.",
)
@click.option(
    "--sequential",
    is_flag=True,
    help="Look at interventions after every drive, so that it may be asked every day.",
)
@click.option(
    "--until-drives",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --sequential: the planned end, in drives of B; tells of smaller differences.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, fit for a pull request.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the Markdown to this file, too.",
)
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    callback=_conditions,
    help="Exit with 1 if this holds, 5 or 6 if it can't be told; can be given again.",
)
@units_option
@json_option
@database_option
@click.pass_context
def compare(ctx: click.Context, /, *, as_json: bool, markdown: bool, **options: Any) -> None:
    """Compare two groups of drives, and say what the difference rests on.

    A is the baseline and B the candidate: every ratio is B / A, at like speeds. p and interval come
    of one test that allows for few drives, and for events that come in clusters within a drive.

    Two dimensions are crossed, as --by model,night; their groups are called "A, day". Not by mode:
    what is compared is what was engaged; `rates --by mode` has how much of it there was.

    A CONDITION is a measure, a quantity (ratio, ratio_lower, ratio_upper, crude_ratio, a, b), an
    operator and a number, and then `at p < NUMBER` or `sequential` if it must be no chance. Asked
    after every drive, `at p < 0.05` finds a difference of equal groups in 17 to 32 % of cases:
    that is what `sequential` is for, which looks at the drives in their order of time.

    \b
    Exit status: 0 done, 1 a condition holds, 2 wrong usage or no such group, 4 the database
    can't be read, 5 too few drives to judge a condition, 6 a condition is not judged, as the
    groups were driven at different speeds.

    \b
    Example:
      engagement compare --by branch master my-tune
      engagement compare --by date 2025-06-01..2025-06-30 2025-07-01..
      engagement compare --by branch,night "master, day" "master, night"
      engagement compare --by branch master my-tune --sequential --until-drives 60
      engagement compare --by commit 1a2b3c4 5d6e7f8 --markdown \\
        --fail-if "interventions_per_100km ratio > 1.2 sequential"
    """
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    watch = _watch(options)
    try:
        comparison, units, definitions = _compare(options, watch)
    except NotFoundError as error:  # 1 is for a condition that holds
        raise InputError(str(error)) from error
    rulings = [judge(condition, comparison) for condition in options["conditions"]]
    report = render_markdown(comparison, rulings, options["per"], units, definitions=definitions)
    if as_json:
        render.print_json(
            _document(comparison, rulings, options["per"]) | {"definitions": definitions}
        )
    elif markdown:
        click.echo(report, nl=False)
    else:
        _print_table(comparison, options["per"], units)
    if options["out"]:
        _write(report, options["out"], options["database"])
    _report_rulings(rulings)
    states = {ruling.state for ruling in rulings}
    ctx.exit(next((code for state, code in _CODES.items() if state in states), ExitCode.OK))


def _watch(options: dict[str, Any]) -> Watch | None:
    """The measures that are looked at after every drive."""
    measures = {one.measure for one in options["conditions"] if one.is_sequential}
    headline_per = options["per"] if options["sequential"] else None
    if measures or headline_per:
        return Watch(frozenset(measures), options["until_drives"], headline_per)
    if options["until_drives"]:
        raise click.UsageError("--until-drives goes with --sequential")
    return None


def _compare(options: dict[str, Any], watch: Watch | None) -> tuple[Comparison, Units, int]:
    with Reader(options["database"]) as reader:
        comparison = compare_selected(
            reader,
            options["selection"],
            options["grouping"],
            (options["a"], options["b"]),
            labels=options["labels"],
            watch=watch,
        )
        return comparison, chosen_units(reader), reader.definitions


def _document(comparison: Comparison, rulings: Sequence[Ruling], per: Per) -> dict[str, Any]:
    """The comparison as it is, with what it allows to say."""
    document = asdict(comparison)
    del document["differences"]
    if comparison.labels is None:
        del document["labels"]
    said = summarize(comparison, per)
    document["verdict"] = said.verdict
    document["warnings"] = said.warnings
    document["measures"] = describe(comparison)
    document["conditions"] = [asdict(ruling) for ruling in rulings]
    return document


def _print_table(comparison: Comparison, per: Per, units: Units) -> None:
    said = summarize(comparison, per, units)
    for name, group in (("A", comparison.a), ("B", comparison.b)):
        render.answer(f"{name}  {_group(comparison.by, group, units)}", indent=3)
    click.echo()
    for line in (said.verdict, said.headline, *said.sequences):
        render.answer(line)
    click.echo()
    columns = render.print_table(_COLUMNS, _lines(comparison, per, units))
    click.echo()
    for line in (*said.findings, *said.obstacles, *said.notes):
        render.answer(text(line))
    for warning in said.warnings:
        render.note(f"warning: {text(warning)}")
    render.note_left_out(render.n_left_out(_COLUMNS, columns), "--json, --markdown")


def _lines(comparison: Comparison, per: Per, units: Units) -> list[list[Line]]:
    return [
        [
            Line({"measure": heading}, "bold", is_extra=True),
            *(Line(row | {"kind": heading}) for row in rows),
        ]
        for heading, rows in sections(comparison, per, units)
    ]


def _group(by: str, group: Group, units: Units) -> str:
    return (
        f"{by} {text(group.name)}: {count(group.n_drives, 'drive')}, "
        f"{distances_text(group, units)} and "
        f"{about(group.engaged_h)} of {about(group.known_h)} h engaged"
    )


def _write(report: str, out: Path, database: Path) -> None:
    spare_database(out, database)
    with writing(out):
        out.write_text(report, encoding="utf-8")


def _report_rulings(rulings: Sequence[Ruling]) -> None:
    for ruling in rulings:
        render.note(f"{text(ruling.condition)} {_STATES[ruling.state]}: {text(ruling.why)}")
