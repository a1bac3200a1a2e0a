"""Repairs DBC texts that opendbc's own reader accepts and cantools refuses.

No repair changes a value: only comments and names of values without a signal are dropped.
"""

from __future__ import annotations

import re

_EXTENDED = 1 << 31  # marks an id of 29 bits
_MAX_STANDARD_ID = 0x7FF

# VAL_, its message and signal, its pairs of number and name; then a semicolon or junk
_NAMED_VALUES = re.compile(
    r'^[ \t]*(VAL_\s+(?:(?P<frame>\d+)\s+)?(?P<signal>\w+)(?:\s+[-+]?\d[\d.]*\s*"(?:\\"|[^"])*")*)'
    r"(?:\s*;|[^\n;]*;?)",
    re.MULTILINE,
)
_DEFINITION = re.compile(r"^[ \t]*(?:BO_\s+(\d+)|SG_\s+(\w+))", re.MULTILINE)
_COMMENT = re.compile(r'^[ \t]*CM_\b[^"\n]*"(?:\\"|[^"])*"[^\n;]*;?', re.MULTILINE)
_MESSAGE = re.compile(r"^([ \t]*BO_\s+)(\d+)(\s+)(\w+)", re.MULTILINE)
_SIGNAL = re.compile(r"^([ \t]*SG_\s+)(\d\w*)", re.MULTILINE)
_BARE_FRACTION = re.compile(r"(?<=[(,\[|])([-+]?)(?=\.\d)")
_ID = re.compile(
    r"^([ \t]*(?:VAL_|SIG_VALTYPE_|SG_MUL_VAL_|SIG_GROUP_|BO_TX_BU_)\s+)(\d+)\b", re.MULTILINE
)


def repair(text: str) -> str:
    """Repair what can be repaired without changing a value.

    Comments are removed, and the VAL_ of signals that the file does not define; the others get
    their semicolon. Ids of more than 11 bits get the mark of extended ids, names that begin with a
    digit an underscore before it, and .5 becomes 0.5.
    """
    text = _COMMENT.sub("", text)
    text = _MESSAGE.sub(_mend_message, text)
    text = _ID.sub(lambda found: f"{found[1]}{_marked(found[2])}", text)
    text = _SIGNAL.sub(r"\1_\2", text)
    lines = [
        _BARE_FRACTION.sub(r"\g<1>0", line) if line.lstrip().startswith("SG_ ") else line
        for line in text.splitlines()
    ]
    return _mend_named_values("\n".join(lines) + "\n")


def _mend_message(found: re.Match[str]) -> str:
    name = f"_{found[4]}" if found[4][0].isdigit() else found[4]
    return f"{found[1]}{_marked(found[2])}{found[3]}{name}"


def _marked(frame_id: str) -> str:
    is_short = int(frame_id) <= _MAX_STANDARD_ID
    return frame_id if is_short else str(int(frame_id) | _EXTENDED)


def _mend_named_values(text: str) -> str:
    defined: set[tuple[str, str]] = set()
    frame = ""
    for found in _DEFINITION.finditer(text):
        frame = found[1] or frame
        if found[2]:
            defined.add((frame, found[2]))

    def mend(found: re.Match[str]) -> str:
        is_orphan = found["frame"] and (found["frame"], found["signal"]) not in defined
        return "" if is_orphan else f"{found[1]} ;"

    return _NAMED_VALUES.sub(mend, text)
