"""How much of an rlog its qlog keeps, service by service and year by year.

openpilot's table of services says of which service every n-th message goes to the qlog; lists of
events, and all that comes twice a second or less, go whole.
"""

from __future__ import annotations

# The messages a second in a qlog, each from the year on in which openpilot's table has it so.
_QLOG_HZ: dict[str, tuple[tuple[int, float], ...]] = {
    "can": ((2018, 0.0), (2023, 0.08), (2025, 0.05)),
    "carControl": ((2018, 10.0),),
    "carState": ((2018, 10.0),),
    "controlsState": ((2018, 1.0), (2022, 10.0)),
    "drivingModelData": ((2025, 2.0),),
    "gpsLocationExternal": ((2018, 10.0), (2022, 1.0)),
    "lateralPlan": ((2018, 0.0), (2021, 10.0), (2022, 4.0)),
    "longitudinalPlan": ((2018, 0.0), (2021, 10.0), (2022, 4.0), (2025, 2.0)),
    "modelV2": ((2021, 1.0), (2022, 0.5), (2025, 0.0)),
    "radarState": ((2018, 0.0), (2021, 4.0)),
    "selfdriveState": ((2025, 10.0),),
    "selfdriveStateSP": ((2025, 10.0),),
}


def qlog_hz(which: str, year: int) -> float | None:
    """The rate of a service in a year's qlogs: 0 if they lack it, None if they have it whole."""
    rates = [hz for since, hz in _QLOG_HZ.get(which, ()) if since <= year]
    return rates[-1] if rates else None
