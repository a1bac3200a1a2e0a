"""What tests share, and which are slow: `make test-fast` leaves these out, for under two minutes.

Slow is what starts a browser, an SSH server or a program of its own, and each file of tests that
takes a core for about five seconds or more, but for the contracts of the views.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from engagement.extract.segment import ReadOptions
from engagement.simulate import BUSY, simulate
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest

if TYPE_CHECKING:
    from collections.abc import Iterator

# No test bounds a time: what else the machine has to do may take any part of it.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

_FIXTURES = {"browser", "running_server"}
_LONGEST = "test_first_steps.py"
_FILES = {
    "analysis/test_comparison.py",
    "analysis/test_gate.py",
    "analysis/test_score_test.py",
    "analysis/test_simulation.py",
    "api/test_answers.py",
    "api/test_api_page.py",
    "api/test_assistants.py",
    "api/test_comparison.py",
    "api/test_connections.py",
    "api/test_downloads.py",
    "api/test_label_routes.py",
    "api/test_labels.py",
    "api/test_legacy.py",
    "api/test_legacy_comparison.py",
    "api/test_middleware.py",
    "api/test_moments.py",
    "api/test_odd_databases.py",
    "api/test_plots.py",
    "api/test_problems.py",
    "api/test_renewal.py",
    "api/test_rows.py",
    "api/test_schema.py",
    "api/test_serve.py",
    "api/test_videos.py",
    "cli/events_open",
    "cli/test_clip.py",
    "cli/test_clip_video.py",
    "cli/test_collect.py",
    "cli/test_collect_servers.py",
    "cli/test_compare.py",
    "cli/test_demo.py",
    "cli/test_devices_and_folders.py",
    "cli/test_devices_join.py",
    "cli/test_emptiness.py",
    "cli/test_events.py",
    "cli/test_events_label.py",
    "cli/test_events_redact.py",
    "cli/test_find.py",
    "cli/test_glossary.py",
    "cli/test_group.py",
    "cli/test_ingest.py",
    "cli/test_profile_new.py",
    "cli/test_rates.py",
    "cli/test_report.py",
    "cli/test_selection.py",
    "cli/test_shell.py",
    "cli/test_sql.py",
    "cli/test_status.py",
    "cli/test_status_check.py",
    "cli/test_strange_databases.py",
    "cli/test_sync.py",
    "cli/test_terminal.py",
    "cli/test_units.py",
    "cli/test_watch.py",
    "export/test_clip.py",
    "export/test_clip_files.py",
    "export/test_definitions.py",
    "export/test_mcap.py",
    "export/test_raw.py",
    "export/test_redact.py",
    "export/test_redact_database.py",
    "extract/test_can.py",
    "extract/test_car_logs.py",
    "extract/test_cars.py",
    "extract/test_carstate.py",
    "extract/test_opendbc.py",
    "extract/test_segment.py",
    "extract/test_segment_damage.py",
    "extract/test_suggestions.py",
    "find/test_find_language.py",
    "find/test_shipped.py",
    "fuzz",
    "legacy/test_export.py",
    "legacy/test_import.py",
    "legacy/test_pulling.py",
    "logs/test_codec.py",
    "logs/test_columns.py",
    "servers/test_collector.py",
    "servers/test_collector_faults.py",
    "simulate",
    "sql/test_clean_stretches.py",
    "sql/test_labelled_rates.py",
    "sql/test_legacy_views.py",
    "sql/test_macros.py",
    "sql/test_metric_views.py",
    "sql/test_parts.py",
    "sql/test_places.py",
    "sql/test_presses.py",
    "sql/test_quality.py",
    "sql/test_rates.py",
    "sql/test_rlogs_and_qlogs.py",
    "sql/test_samples.py",
    "sql/test_severity.py",
    "sql/test_speed_gaps.py",
    "sql/test_tuning.py",
    "sql/test_watching_driver.py",
    "store/test_blocks.py",
    "store/test_cars.py",
    "store/test_copies.py",
    "store/test_database_writer.py",
    "store/test_decoding.py",
    "store/test_definitions.py",
    "store/test_device_aliases.py",
    "store/test_devices.py",
    "store/test_fingerprints.py",
    "store/test_found_videos.py",
    "store/test_generation.py",
    "store/test_given_names.py",
    "store/test_hostile_logs.py",
    "store/test_ingest.py",
    "store/test_ingest_files.py",
    "store/test_ingest_filters.py",
    "store/test_killed_writers.py",
    "store/test_labels.py",
    "store/test_older.py",
    "store/test_oldest_duckdb.py",
    "store/test_previous.py",
    "store/test_private_values.py",
    "store/test_published_files.py",
    "store/test_results.py",
    "store/test_schema.py",
    "store/test_server_bookmarks.py",
    "store/test_serving.py",
    "store/test_splitting.py",
    "store/test_tables.py",
    "store/test_template.py",
    "store/test_watch.py",
    "test_bench.py",
    "test_build.py",
    "test_definitions_cases.py",
    "test_deploy.py",
    "test_docs.py",
    "test_eras.py",
    "test_first_steps.py",
    "test_functions.py",
    "test_legacy_oracle.py",
    "test_metrics_oracle.py",
    "test_repository.py",
    "test_site.py",
    "test_wheel.py",
    "video/test_jobs.py",
    "web/test_answers.py",
}


def pytest_configure(config: pytest.Config) -> None:
    """Keep the template of new databases with what pytest keeps, not in the user's home."""
    folder = config.rootpath / ".pytest_cache" / "user"
    os.environ["XDG_CACHE_HOME"] = str(folder)


@pytest.hookimpl(optionalhook=True)  # one may test without xdist
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, as many a test waits for a browser or a server."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow; begin with what takes minutes, or a core waits for it at the end."""
    folder = Path(__file__).parent
    items.sort(key=lambda item: item.path != folder / _LONGEST)
    slow = {folder / name for name in _FILES}
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if slow & {item.path, *item.path.parents} or fixtures & _FIXTURES:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drives of two devices; one holds a qlog, one lacks a segment."""
    folder = tmp_path_factory.mktemp("rlogs")
    for _ in simulate(folder, drives=3, calm=BUSY):
        pass
    return folder


@pytest.fixture(scope="session")
def database(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of these logs; who changes it changes a copy."""
    path = tmp_path_factory.mktemp("database") / "engagement.duckdb"
    ingest([logs], path, IngestOptions(read=ReadOptions(), jobs=1))
    return path


@pytest.fixture(autouse=True)
def _leaves_the_process_as_it_was() -> Iterator[None]:
    """What a test leaves behind, another one of the process would inherit."""
    before = _inherited()
    yield
    after = _inherited()
    left = sorted(name for name in before | after if before.get(name) != after.get(name))
    assert not left, "the test left these behind"


def _inherited() -> dict[str, object]:
    """The environment, but for what pytest itself changes, and what else a process has one of."""
    own: dict[str, object] = {**os.environ, "PYTEST_CURRENT_TEST": ""}
    folder = os.getcwd()  # noqa: PTH109 - 5x as fast
    return own | {"the current folder": folder, "SIGINT": signal.getsignal(signal.SIGINT)}
