"""`engagement devices --join`."""

from __future__ import annotations

import shutil

from engagement.store.reader import Reader


def devices(path):
    with Reader(path) as reader:
        return [row["dongle_id"] for row in reader.rows("select dongle_id from devices order by 1")]


def test_two_devices_become_one(database, run_alone, tmp_path):
    path = shutil.copy(database, tmp_path / "copy.duckdb")
    old, new = devices(path)[:2]
    result = run_alone("--db", path, "devices", "--join", old.upper(), new)

    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert f"of {old} are of {new} from now on" in result.stderr
    assert devices(path) == [name for name in devices(database) if name != old]


def test_a_device_that_there_is_not(database, run_alone, tmp_path):
    path = shutil.copy(database, tmp_path / "copy.duckdb")
    result = run_alone("--db", path, "devices", "--join", "0badc0de", "0123456789abcdef")

    assert result.exit_code == 1
    assert "0badc0de" in result.stderr
