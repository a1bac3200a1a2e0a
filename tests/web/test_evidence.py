"""What an event's page gives as the reason fits what the views decided."""

from __future__ import annotations

import pytest

from engagement.api.pages.evidence import Change, flag_changes, read_changes, read_rules
from engagement.store import moments, samples
from engagement.store.serving import Publication


@pytest.fixture(scope="module")
def generation(database):
    publication = Publication(database)
    with publication.newest() as generation:
        yield generation
    publication.close()


def flags_around(generation, event):
    part = samples.window(generation, event["drive_id"], event["time_s"] - 5, event["time_s"] + 5)
    return moments.events_in_force(generation, part)


def test_the_rule_that_decides_has_what_the_cause_was_read_from(generation):
    events = generation.rows("from events order by event_id")
    assert {event["kind"] for event in events} >= {"disengagement", "lateral_override"}

    for event in events:
        rules = read_rules(generation, event, flags_around(generation, event))

        [chosen] = [rule for rule in rules if rule.is_chosen]
        if event["cause"] == "unknown":
            assert chosen.title == "Nothing explains it"
        elif event["cause"] == "end_of_drive":
            assert chosen.title.startswith("The drive ended")
        else:
            assert chosen.is_found
        if event["cause_event"] and not event["is_inferred"]:
            assert event["cause_event"] in chosen.events
        if event["is_inferred"]:
            assert chosen.actions
        earlier = rules[: rules.index(chosen)]
        assert not any(rule.events for rule in earlier)


def test_the_changes_around_an_end_are_those_that_the_cause_names(generation):
    [event] = generation.rows(
        "from events where cause = 'driver_brake' and not is_inferred order by event_id limit 1"
    )

    changes = read_changes(generation, event, 5.0)

    [pressed] = [change for change in changes if change.text == "brake pressed"]
    assert -0.5 <= pressed.after_s <= 0.1
    assert any(change.source == "state" and change.text == "disabled" for change in changes)


def test_an_event_that_goes_on_is_told_once():
    flags = [
        {"time_s": time_s, "name": "doorOpen", "flags": ["soft_disable", "no_entry"]}
        for time_s in (7.0, 8.0, 9.0, 12.0)
    ]

    assert flag_changes(flags, 8.0) == [
        Change(-1.0, "event", "doorOpen: softDisable, noEntry", is_flag=True),
        Change(4.0, "event", "doorOpen: softDisable, noEntry", is_flag=True),
    ]
