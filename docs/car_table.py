"""The tables of docs/cars.md: what each car that opendbc knows tells by itself."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from engagement.extract import cars
from engagement.extract.car_signals import plan_car
from engagement.extract.car_table import load_car_table

PAGE = Path(__file__).parent / "cars.md"
_MARK = "<!-- made by `make docs` from here on; don't edit -->\n"
_COLUMNS = {
    "odometer": ("odometer",),
    "buttons": ("cruise_state",),
    "driver torque": ("steering_driver_torque", "steering_driver_torque_raw"),
    "motor torque": ("steering_motor_torque", "steering_motor_torque_raw"),
    "wheels": ("wheel_speed_fl_kph", "wheel_speed_fl_radps"),
    "pedals": ("gas_pressed",),
    "blinkers": ("left_blinker",),
}
_UNITS = {
    "steering_driver_torque": "Nm",
    "steering_driver_torque_raw": "raw",
    "steering_motor_torque": "Nm",
    "steering_motor_torque_raw": "raw",
    "wheel_speed_fl_kph": "km/h",
    "wheel_speed_fl_radps": "rad/s",
}


def cars_page() -> str:
    """The page: its words as they are, then the tables."""
    words = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    return words + _MARK + "\n" + _keys() + "\n" + _brands()


def _keys() -> str:
    rows = [
        f"| `{name}` | {key.unit} | {key.meaning} |" for name, key in load_car_table().keys.items()
    ]
    return "\n".join(["## Keys", "", "| key | unit | meaning |", "| --- | --- | --- |", *rows, ""])


def _brands() -> str:
    """A table a brand: a line for the cars that share a DBC and have the same keys."""
    lines: dict[str, dict[tuple[str, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for fingerprint, brand in cars.fingerprints().items():
        car = cars.car_database(fingerprint)
        if car:
            lines[brand][(car.dbc_name, *_cells(fingerprint))].append(fingerprint)
    head = ["DBC", *_COLUMNS, "cars"]
    pages = [f"## Cars of opendbc {cars.cars_version()}\n"]
    for brand, rows in sorted(lines.items()):
        table = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        table += [
            f"| `{row[0]}` | {' | '.join(row[1:])} | {', '.join(names)} |"
            for row, names in sorted(rows.items())
        ]
        pages.append(f"### {brand}\n\n" + "\n".join(table) + "\n")
    return "\n".join(pages)


def _cells(fingerprint: str) -> list[str]:
    """What a car has in each column: its unit where there are several, else yes."""
    places = plan_car(fingerprint).places
    found = [[key for key in keys if key in places] for keys in _COLUMNS.values()]
    return [_UNITS.get(keys[0], "yes") if keys else "" for keys in found]
