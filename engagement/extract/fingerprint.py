"""Which car a log is of.

carParams says it about once a minute; where a log has none, initData has a copy among the params.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from engagement.logs.log import Log

if TYPE_CHECKING:
    import pyarrow as pa

_OF_THE_DRIVE = ("CarParams",)
_OF_AN_EARLIER_DRIVE = ("CarParamsPersistent", "CarParamsCache")  # mostly of the same car
_MAX_CHARACTERS = 200
_MAX_TRIES = 16  # a drive's segments repeat its params


def find_fingerprint(log: Log, car_params: pa.Table | None, known: str | None) -> str | None:
    """The car's fingerprint as openpilot has it.

    Args:
        log: The log.
        car_params: What was read of its carParams messages.
        known: What another log of the drive says; better than the params of an earlier drive.
    """
    if car_params is not None:
        for fingerprint in car_params["car_fingerprint"].to_pylist():
            if fingerprint:
                return str(fingerprint)[:_MAX_CHARACTERS]
    params = _car_params_of(log)
    for name in _OF_THE_DRIVE:
        if params.get(name):
            return params[name]
    return known or next((params[name] for name in _OF_AN_EARLIER_DRIVE if params.get(name)), None)


def _car_params_of(log: Log) -> dict[str, str]:
    """The fingerprints in the params of initData, by the name of the param."""
    entries = log.structs("initData").struct("params").items("entries")
    key_codes, keys = entries.texts("key", keeps_message=True)
    value_codes, values = entries.octets("value").distinct()
    wanted = {*_OF_THE_DRIVE, *_OF_AN_EARLIER_DRIVE}
    pairs = zip(key_codes.tolist(), value_codes.tolist(), strict=True)
    candidates = dict.fromkeys(pair for pair in pairs if keys[pair[0]] in wanted)
    found: dict[str, str] = {}
    for key_code, value_code in islice(candidates, _MAX_TRIES):
        fingerprint = _fingerprint_in(values[value_code], log)
        if fingerprint:
            found.setdefault(keys[key_code], fingerprint)
    return found


def _fingerprint_in(octets: bytes, log: Log) -> str | None:
    """The fingerprint in the bytes of a CarParams; they are as untrusted as the log."""
    schema = log.schema.member("carParams")
    if schema is None:
        return None
    message = Log(octets, schema)
    codes, texts = message.roots().texts("carFingerprint")
    is_good = len(message) > 0 and not message.is_damaged[0]
    text = texts[int(codes[0])] if is_good else ""
    message.close()
    return text[:_MAX_CHARACTERS] or None
