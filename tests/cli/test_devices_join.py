"""`engagement devices --join` and `--unjoin`."""

from __future__ import annotations

import json
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
    assert f" of {old} " in result.stderr
    assert f" of {new} from now on, and so is what comes under that name later" in result.stderr
    assert devices(path) == [name for name in devices(database) if name != old]
    assert f"{old}\t{new}\t" in run_alone("--db", path, "status").stdout

    result = run_alone("--db", path, "devices", "--unjoin", old)
    assert result.exit_code == 0, result.output
    assert f"{old} is a device of its own again, and " in result.stderr
    assert devices(path) == devices(database)
    assert run_alone("--db", path, "devices", "--unjoin", old).exit_code == 1


def test_one_drive_is_and_two_drives_are(database, run_alone, tmp_path):
    entries = [
        {"device_id": device, "drive": f"2023-01-01--00-00-0{n}", "total_time": 1}
        for n, device in enumerate(["aaaaaaaa", "bbbbbbbb", "bbbbbbbb"])
    ]
    file, path = tmp_path / "old.json", shutil.copy(database, tmp_path / "copy.duckdb")
    file.write_text(json.dumps(entries))
    run_alone("--db", path, "import", file)
    new = devices(database)[0]
    one = run_alone("--db", path, "devices", "--join", "aaaaaaaa", new)
    two = run_alone("--db", path, "devices", "--join", "bbbbbbbb", new)

    assert "1 drive of aaaaaaaa is of" in one.stderr
    assert "2 drives of bbbbbbbb are of" in two.stderr


def test_a_device_that_there_is_not(database, run_alone, tmp_path):
    path = shutil.copy(database, tmp_path / "copy.duckdb")
    result = run_alone("--db", path, "devices", "--join", "0badc0de", "0123456789abcdef")

    assert result.exit_code == 1
    assert "0badc0de" in result.stderr
