"""Which logs of a server are in the folder here, in whatever form they came."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engagement.collect.remote_log import QCAMERA, SUFFIXES, VIDEO
from engagement.names import other_dongle_ids

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engagement.collect.remote_log import RemoteLog

_FILES = {
    **{kind: tuple(kind + suffix for suffix in SUFFIXES) for kind in ("rlog", "qlog")},
    VIDEO: (QCAMERA,),
}


class Here:
    """The folders here; each is read once."""

    def __init__(self, folder: Path, aliases: Mapping[str, str]) -> None:
        self._folder = folder
        self._aliases = aliases
        self._names: dict[Path, frozenset[str]] = {}

    def target(self, log: RemoteLog) -> Path:
        """The file that a log becomes."""
        return self._folder / str(log.dongle_id) / log.segment / f"{log.kind}{log.suffix}"

    def device_folder(self, log: RemoteLog) -> Path:
        """The folder that a log is in, or comes into."""
        found = self.find(log)
        return found.parent.parent if found else self._folder / str(log.dongle_id)

    def find(self, log: RemoteLog) -> Path | None:
        """The file of a log that is here, in any compression; None if there is none."""
        dongle_id = str(log.dongle_id)
        for name in (dongle_id, *other_dongle_ids(dongle_id, self._aliases)):
            segment = self._folder / name / log.segment
            for file in _FILES[log.kind]:
                if file in self._names_in(segment):
                    return segment / file
        return None

    def _names_in(self, folder: Path) -> frozenset[str]:
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder))  # noqa: PTH208 - names alone
            except OSError:
                self._names[folder] = frozenset()
        return self._names[folder]
