"""`engagement compare`: what the drives allow to say about a difference between two groups."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.comparison import N_PERMUTATIONS
from engagement.analysis.comparison import compare as compare_groups
from engagement.analysis.gate import judge, parse_condition
from engagement.analysis.grouping import KINDS, comparable_drives, divide, parse_grouping
from engagement.analysis.labels import count_labelled, parse_labels
from engagement.analysis.markdown import render_markdown
from engagement.analysis.selection import select
from engagement.analysis.summary import describe, findings, headline, notes, sections
from engagement.analysis.wording import distances_text, warnings
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
    from engagement.analysis.gate import Condition, Verdict
    from engagement.analysis.grouping import Grouping
    from engagement.analysis.summary import Per
    from engagement.filters import Selection
    from engagement.units import Units

_MIN_PERMUTATIONS = 100
_MAX_PERMUTATIONS = 1_000_000

_COLUMNS = (
    Column("kind", "kind", is_piped=True),
    Column("", "measure"),
    Column("A", "a", is_number=True),
    Column("A 95 %", "a_interval", is_number=True, rank=9),
    Column("B", "b", is_number=True),
    Column("B 95 %", "b_interval", is_number=True, rank=8),
    Column("B / A (95 %)", "ratio", is_number=True),
    Column("p", "p", is_number=True),
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
    help=f"What A and B name: {', '.join(KINDS)}; with date two ranges of days.",
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
    "--seed", type=click.IntRange(min=0), default=1, metavar="N", help="For the same p every time."
)
@click.option(
    "--permutations",
    type=click.IntRange(_MIN_PERMUTATIONS, _MAX_PERMUTATIONS),
    default=N_PERMUTATIONS,
    metavar="N",
    help="How often labels are dealt anew; all ways are tried where there are no more.",
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
    help="Exit with 1 if this holds; can be given again.",
)
@units_option
@json_option
@database_option
@click.pass_context
def compare(ctx: click.Context, /, *, as_json: bool, markdown: bool, **options: Any) -> None:
    """Compare two groups of drives, and say what the difference rests on.

    A is the baseline and B the candidate: every ratio is B / A, at like speeds. The p-value comes
    of dealing the drives to the groups anew, since events within a drive are no independent
    trials; the naive one, which takes them for that, stands beside it.

    A CONDITION is a measure, a quantity (ratio, ratio_lower, ratio_upper, crude_ratio, a, b), an
    operator and a number, and `at p < NUMBER` if it must be no chance. One about which the drives
    tell nothing does not hold, and stderr says so.

    \b
    Exit status: 0 done, 1 a condition holds, 2 wrong usage or no such group, 4 the database
    can't be read.

    \b
    Example:
      engagement compare --by branch master my-tune
      engagement compare --by date 2025-06-01..2025-06-30 2025-07-01..
      engagement compare --by commit 1a2b3c4 5d6e7f8 --markdown \\
        --fail-if "interventions_per_100km ratio > 1.2 at p < 0.05"
    """
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    try:
        comparison, units, definitions = _compare(options)
    except NotFoundError as error:  # 1 is for a condition that holds
        raise InputError(str(error)) from error
    verdicts = [judge(condition, comparison) for condition in options["conditions"]]
    report = render_markdown(comparison, verdicts, options["per"], units)
    if as_json:
        render.print_json(_document(comparison, verdicts) | {"definitions": definitions})
    elif markdown:
        click.echo(report, nl=False)
    else:
        _print_table(comparison, options["per"], units)
    if options["out"]:
        _write(report, options["out"], options["database"])
    _report_verdicts(verdicts)
    if any(verdict.holds for verdict in verdicts):
        ctx.exit(ExitCode.FAILED)


def _compare(options: dict[str, Any]) -> tuple[Comparison, Units, int]:
    selection: Selection = options["selection"]
    labels: str | None = options["labels"]
    with Reader(options["database"]) as reader:
        select(reader, selection)
        drives = comparable_drives(reader)
        division = divide(reader, options["grouping"], options["a"], options["b"], drives)
        comparison = compare_groups(
            reader,
            division,
            seed=options["seed"],
            n_permutations=options["permutations"],
            labels=None if labels is None else count_labelled(reader, parse_labels(labels)),
        )
        return comparison, chosen_units(reader), reader.definitions


def _document(comparison: Comparison, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The comparison as it is, with what it allows to say."""
    document = asdict(comparison)
    del document["differences"]
    if comparison.labels is None:
        del document["labels"]
    document["warnings"] = warnings(comparison)
    document["measures"] = [describe(difference) for difference in comparison.differences]
    document["conditions"] = [asdict(verdict) for verdict in verdicts]
    return document


def _print_table(comparison: Comparison, per: Per, units: Units) -> None:
    for name, group in (("A", comparison.a), ("B", comparison.b)):
        render.answer(f"{name}  {_group(comparison.by, group, units)}", indent=3)
    click.echo()
    render.answer(headline(comparison, per, units))
    click.echo()
    columns = render.print_table(_COLUMNS, _lines(comparison, per, units))
    click.echo()
    for line in [*findings(comparison, per, units), *notes(comparison, per)]:
        render.answer(text(line))
    for warning in warnings(comparison):
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


def _report_verdicts(verdicts: Sequence[Verdict]) -> None:
    states = {True: "holds", False: "does not hold", None: "does not hold, as"}
    for verdict in verdicts:
        joint = " " if verdict.holds is None else ": "
        render.note(f"{text(verdict.condition)} {states[verdict.holds]}{joint}{text(verdict.why)}")
