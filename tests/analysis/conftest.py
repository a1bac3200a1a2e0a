"""Two branches of drives, and their comparison."""

from __future__ import annotations

import pytest

from engagement.analysis.comparison import compare
from engagement.analysis.grouping import divide, parse_grouping
from tests.analysis.fleets import Fleet

RATES = {
    "intervention": 8.0,
    "disengagement": 3.0,
    "disengagement_counted": 2.5,
    "driver_disengagement": 2.0,
    "lateral_override": 5.0,
    "longitudinal_override": 1.0,
    "critical_event": 0.5,
}


def compare_branches(fleet, a="master", b="tuning", **options):
    """The comparison of two branches of a fleet, of which the others tell how drives vary."""
    reader = fleet.reader()
    drives = [drive["drive_id"] for drive in fleet.drives]
    division = divide(reader, parse_grouping("branch"), a, b, drives)
    return compare(reader, division, others=drives, **options)


@pytest.fixture(scope="session")
def fleet():
    fleet = Fleet()
    fleet.add("master", 24, per_100km=RATES)
    fleet.add("tuning", 31, per_100km={event: 2 * rate for event, rate in RATES.items()})
    fleet.add("older", 40, per_100km=RATES)
    return fleet


@pytest.fixture(scope="session")
def comparison(fleet):
    return compare_branches(fleet)


@pytest.fixture(scope="session")
def paradox():
    """In each band B has fewer interventions, and more in all: it drives where there are more."""
    fleet = Fleet(seed=2)
    often, seldom = {"intervention": 100.0}, {"intervention": 10.0}
    fleet.add("master", 12, per_100km=often, bands=("city",), shape=1e6)
    fleet.add("master", 30, per_100km=seldom, bands=("highway",), shape=1e6)
    fleet.add("tuning", 30, per_100km={"intervention": 70.0}, bands=("city",), shape=1e6)
    fleet.add("tuning", 30, per_100km={"intervention": 7.0}, bands=("highway",), shape=1e6)
    fleet.add("older", 40, per_100km=seldom)
    return compare_branches(fleet)
