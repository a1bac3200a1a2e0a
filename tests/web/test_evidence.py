"""What an event's page gives as the reason fits what the views decided."""

from __future__ import annotations

import pytest

from engagement.api.pages.evidence import Change, flag_changes, read_changes, read_reasons
from engagement.store.serving import Publication


@pytest.fixture(scope="module")
def generation(database):
    publication = Publication(database)
    with publication.newest() as generation:
        yield generation
    publication.close()


def test_what_decides_is_what_the_cause_was_read_from(generation):
    events = generation.rows("from events where kind = 'disengagement' order by event_id")
    kinds = set()

    for event in events:
        reasons = read_reasons(generation, event)

        assert [r.after_s for r in reasons] == sorted(r.after_s for r in reasons)
        deciding = [reason for reason in reasons if reason.outcome == "decides"]
        if event["cause"] in ("unknown", "end_of_drive"):
            assert deciding == []
            continue
        [chosen] = deciding
        place = reasons.index(chosen)
        assert "follows" not in {reason.outcome for reason in reasons[:place]}
        assert "precedes" not in {reason.outcome for reason in reasons[place + 1 :]}
        if event["cause_event"] and not event["is_inferred"]:
            assert chosen.is_event
            assert chosen.text.partition(":")[0] == event["cause_event"]
            assert not any(reason.is_event for reason in reasons[:place])
        kinds.add(chosen.is_event)
    assert True in kinds


def test_an_override_has_no_reasons_to_look_for(generation):
    [event] = generation.rows("from events where kind = 'lateral_override' limit 1")
    assert read_reasons(generation, event) == []


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
