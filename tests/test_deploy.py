"""What docs/deploy.md tells people to install is accepted by the programs that read it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from engagement.cli import main
from engagement.cli.options import ByteSize

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("engagement*"))
ENGAGEMENT = Path(sys.executable).with_name("engagement")


def parsed(words):
    """The command and its parameters, as click takes them; wrong options raise."""
    group = main.make_context("engagement", list(words), resilient_parsing=True)
    command = main.get_command(group, words[0])
    context = command.make_context(words[0], list(words[1:]), parent=group, resilient_parsing=True)
    parser = command.make_parser(context)
    parser.parse_args(list(words[1:]))
    return context


def compose_tool():
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            found = subprocess.run([*words, "version"], check=False, capture_output=True)
            if not found.returncode:
                return words
    return None


def services():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.mark.skipif(compose_tool() is None, reason="there is no docker compose here")
def test_docker_compose_takes_the_file():
    command = [*compose_tool(), "-f", str(ROOT / "docker-compose.yml"), "config"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def resolved(text):
    """A value as compose has it where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def served(monkeypatch, **variables):
    """What the container's server is told: by its command, and by its environment."""
    service = services()["serve"]
    given = {name: resolved(value) for name, value in service["environment"].items()}
    for name, value in (given | variables).items():
        monkeypatch.setenv(name, value)
    return parsed(service["command"]).params


def test_the_containers_share_one_database_that_only_ingests_write(monkeypatch):
    volumes = {name: service["volumes"] for name, service in services().items()}
    assert volumes["serve"] == ["database:/data:ro"]
    assert volumes["ingest"][0] == "database:/data"
    assert volumes["ingest"][1].endswith(":ro")
    assert served(monkeypatch)["public"] is True


def test_every_variable_of_the_servers_container_is_one_of_an_option():
    group = main.make_context("engagement", ["serve"], resilient_parsing=True)
    known = {option.envvar for option in main.get_command(group, "serve").params}
    assert set(services()["serve"]["environment"]) < known


def test_the_containers_server_goes_by_the_names_that_the_environment_gives(monkeypatch):
    assert served(monkeypatch)["hosts"] == ()
    found = served(monkeypatch, ENGAGEMENT_ALLOWED_HOST="a.example b.example")
    assert found["hosts"] == ("a.example", "b.example")
    proxies = found["proxies"]
    assert "172.18.0.1" in proxies  # a network of Docker's own
    assert "192.0.2.1" not in proxies


def test_the_container_has_room_for_what_its_server_may_take(monkeypatch):
    found = served(monkeypatch)
    service = services()["serve"]
    [tmpfs] = service["tmpfs"]
    room = ByteSize().convert(re.search("size=([^,]+)", tmpfs)[1] + "ib", None, None)
    limit = ByteSize().convert(resolved(service["mem_limit"]) + "ib", None, None)
    assert room >= 2 * found["download_limit"]
    assert limit > 2 * found["memory_limit"] + room + (512 << 20)


def test_the_server_is_open_only_where_the_port_is_of_this_machine():
    assert [port.split(":")[0] for port in services()["serve"]["ports"]] == ["127.0.0.1"]


def test_the_container_of_ingests_watches_the_logs_as_often_as_asked():
    *words, every = services()["ingest"]["command"]
    assert every == "${ENGAGEMENT_EVERY_S:-60}"
    found = parsed([*words, "60"]).params
    assert (found["paths"], found["is_watch"], found["every_s"]) == ((Path("/rlogs"),), True, 60.0)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_units_run_commands_that_there_are(unit):
    [line] = re.findall(r"^ExecStart=(.*)$", (DEPLOY / unit).read_text(), re.MULTILINE)
    assert isinstance(parsed(line.split()[1:]), click.Context)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_units(tmp_path):
    for unit in UNITS:
        text = (DEPLOY / unit).read_text()
        (tmp_path / unit).write_text(
            text.replace("/opt/engagement/bin/engagement", str(ENGAGEMENT))
        )
    found = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit) for unit in UNITS)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_units_are_limited_in_memory_in_system_calls_and_in_restarts(unit):
    found = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / unit).read_text(), re.MULTILINE))
    assert {"MemoryMax", "TasksMax", "RestrictNamespaces", "SystemCallFilter"} <= found.keys()
    assert {"StartLimitIntervalSec", "StartLimitBurst", "CapabilityBoundingSet"} <= found.keys()
    assert found["NoNewPrivileges"] == "yes"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_systemd_finds_the_units_little_exposed(unit):
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager"]
    found = subprocess.run(
        [*command, str(DEPLOY / unit)], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout[-300:] + found.stderr


def test_what_runs_asks_whether_a_database_can_be_read():
    assert "/ready" in services()["serve"]["healthcheck"]["test"][-1]
    assert "/ready" in (DEPLOY / "engagement.service").read_text()


@pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")), reason="there is no nginx here"
)
def test_nginx_takes_its_file(tmp_path):
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("/etc/letsencrypt/live/drives.example.org", str(tmp_path))
    (tmp_path / "site.conf").write_text(text.replace("/etc/nginx", str(tmp_path)))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/log;\nevents {{}}\n"
        f"http {{ access_log off; include {tmp_path}/site.conf; }}\n"
    )
    key = ["-keyout", "privkey.pem", "-out", "fullchain.pem", "-subj", "/CN=drives.example.org"]
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *key]
    subprocess.run(certificate, check=True, capture_output=True, cwd=tmp_path)
    command = ["nginx", "-t", "-e", str(tmp_path / "log"), "-c", str(tmp_path / "nginx.conf")]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
