"""config/collect.toml: the devices to collect from, and where logs lie on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engagement.collect.quoting import check_path
from engagement.config_files import convert, find_config, read_toml
from engagement.errors import ConfigError, InputError, suggestion
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "collect.toml"


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server that holds logs.

    Attributes:
        api: The address of its API.
        devices: Where requests for a device go, with `{dongle_id}` in it; empty for nowhere.
        sites: Hosts of its pages, for addresses that are pasted from a browser.
        token_file: Where the token for it is.
    """

    api: str
    devices: str = ""
    sites: list[str] = []
    token_file: str = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content.

    Attributes:
        remote_device: Hosts when none is named; empty for none.
        user: The user to log in as, if nothing else names one.
        logs: The device's folder of logs, absolute.
        params: The device's folder of parameters, absolute.
        servers: Servers by name; those of the shipped file are always among them.
    """

    remote_device: str | list[str] = ""
    user: str = "comma"
    logs: str = "/data/media/0/realdata"
    params: str = "/data/params/d"
    servers: dict[str, ServerSettings] = {}

    @property
    def hosts(self) -> list[str]:
        """The hosts of `remote_device`."""
        names = self.remote_device
        return [name for name in ([names] if isinstance(names, str) else names) if name]


class _Profiles(msgspec.Struct):
    remote_device: str | None = None


def load_settings(path: Path | None, cwd: Path) -> Settings:
    """Load the file given, else `config/collect.toml` of `cwd`, else the shipped one.

    Where it names no device, `remote_device` of `config/vehicle_profiles.json` does.

    Raises:
        ConfigError: If it can't be read or does not hold.
    """
    file = find_config(_NAME, path, cwd)
    content = read_toml(file)
    known = Settings.__struct_fields__
    for key in content:
        if key not in known:
            raise ConfigError(file, f"unknown key {key!r}{suggestion(key, known)}")
    settings = convert(content, Settings, file)
    settings = msgspec.structs.replace(
        settings, servers=_servers(settings, file, is_given=path is not None)
    )
    for key in ("logs", "params"):
        folder = getattr(settings, key)
        if not folder.startswith("/"):
            raise ConfigError(file, f"{key}: must be an absolute path")
        try:
            check_path(folder)
        except InputError as error:
            raise ConfigError(file, str(error), where=key) from error
    if settings.hosts:
        return settings
    return msgspec.structs.replace(settings, remote_device=_remote_device_of_profiles(cwd))


def _servers(settings: Settings, file: Path, *, is_given: bool) -> dict[str, ServerSettings]:
    """The servers of a file beside the shipped ones, which have the tokens of many people.

    Those of a file that only lies in the folder are reached when somebody names them, never by an
    address: it could say where a token goes.

    Raises:
        ConfigError: If a shipped one is declared anew: a token would go elsewhere.
    """
    shipped_file = resource_dir("config") / _NAME
    shipped = convert(read_toml(shipped_file), Settings, shipped_file).servers
    for name, server in settings.servers.items():
        if shipped.get(name, server) != server:
            raise ConfigError(file, f"a server {name!r} is known; give yours another name")
    found = shipped | settings.servers
    if is_given:
        return found
    return {
        name: server if name in shipped else msgspec.structs.replace(server, sites=[])
        for name, server in found.items()
    }


def _remote_device_of_profiles(cwd: Path) -> str:
    """The host in the old system's file; other errors in that file are not reported here."""
    try:
        text = (cwd / "config" / "vehicle_profiles.json").read_bytes()
        return msgspec.json.decode(text, type=_Profiles).remote_device or ""
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ""
