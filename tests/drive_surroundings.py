"""What surrounds a random drive: the car ahead, alerts, lane changes, how the car moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.drive_signals import SECOND_NS, TENTH_NS, float32, random_pulses, seconds

if TYPE_CHECKING:
    from random import Random

    from tests.drive_signals import Pulses

Row = dict[str, Any]
Timed = list[tuple[int, str, Row]]  # when (ns), the table, the row

DISTANCES_M = (-1.0, 0.0, 0.3, 4.99, 5.0, 5.01, 12.0, 30.0, 80.0)
CLOSING_MPS = (-6.0, -0.51, -0.5, -0.49, 0.0, 0.4, 3.0, 9.0, 15.0)
ACCELERATIONS_MPS2 = (-9.0, -3.01, -3.0, -1.0, 0.0, 0.01, 1.2)
CALM_MPS2 = (-2.01, -2.0, -0.31, -0.3, -0.1, 0.0, 0.01, 1.2)
LANE_CHANGES = ("off", "off", "preLaneChange", "laneChangeStarting", "laneChangeFinishing")
ALERTS: tuple[tuple[str | None, str | None, str | None], ...] = (
    ("normal", None, None),
    ("normal", "Be ready", "preEnableStandstill/warning"),
    ("userPrompt", "Turn exceeds limit", "steerSaturated/warning"),
    ("userPrompt", "Pay attention", None),
    ("critical", "TAKE CONTROL", "canError/immediateDisable"),
    ("critical", "TAKE CONTROL", "steerUnavailable/immediateDisable"),
)


class CarMotion:
    """Acceleration, steering angle, blinkers and stock warnings, one carState sample at a time."""

    def __init__(self, rng: Random, start_ns: int, end_ns: int) -> None:
        self._rng = rng
        self._null_odds = rng.choice((0.0, 0.0, 0.1, 1.0))
        self._has_warnings = rng.random() < 0.7
        self._accelerations = rng.choice((ACCELERATIONS_MPS2, CALM_MPS2, CALM_MPS2))
        self._blinker = random_pulses(rng, start_ns, end_ns, 0.3)
        self._fcw, self._aeb = (random_pulses(rng, start_ns, end_ns, 0.1) for _ in range(2))
        self._faulted, self._disabled = (
            random_pulses(rng, start_ns, end_ns, 0.1) for _ in range(2)
        )
        self._acceleration, self._angle = 0.0, rng.uniform(-20, 20)

    def row(self, mono_ns: int) -> Row:
        rng = self._rng
        if rng.random() < 0.1:
            self._acceleration = rng.choice(self._accelerations)
        self._angle += rng.uniform(-2, 2)
        is_null = rng.random() < self._null_odds
        return {
            "a_ego_mps2": None if is_null else float32(self._acceleration),
            "steering_angle_deg": None if is_null else float32(self._angle),
            "left_blinker": self._blinker.at(mono_ns),
            "right_blinker": None if is_null else False,
            "acc_faulted": self._faulted.at(mono_ns),
            "esp_disabled": self._disabled.at(mono_ns) if self._has_warnings else None,
            "stock_fcw": self._fcw.at(mono_ns) if self._has_warnings else None,
            "stock_aeb": self._aeb.at(mono_ns) if self._has_warnings else None,
        }


def surroundings(rng: Random, start_ns: int, end_ns: int) -> Timed:
    """Messages of the car ahead, lane changes, alerts and presses of buttons."""
    parts = (_leads, _lane_changes, _alerts, _buttons)
    return [message for part in parts for message in part(rng, start_ns, end_ns)]


def _leads(rng: Random, start_ns: int, end_ns: int) -> Timed:
    if rng.random() < 0.4:
        return []
    period_ns = rng.choice((TENTH_NS // 2, TENTH_NS, 10 * TENTH_NS, 11 * TENTH_NS))
    away = random_pulses(rng, start_ns, end_ns, 0.3)
    fcw = random_pulses(rng, start_ns, end_ns, 0.1)
    has_fcw = rng.random() < 0.7
    offset_ns = rng.choice((0, 0, 20_000_000))
    is_far = rng.random() < 0.5
    return [
        (mono_ns, "lead", _lead_row(rng, mono_ns, away, fcw if has_fcw else None, is_far=is_far))
        for mono_ns in range(start_ns + offset_ns, end_ns, period_ns)
    ]


def _lead_row(rng: Random, mono_ns: int, away: Pulses, fcw: Pulses | None, *, is_far: bool) -> Row:
    """A lead; those that are far have nothing critical."""
    if is_far:
        return {
            "is_present": not away.at(mono_ns),
            "d_rel_m": float32(rng.choice((80.0, 120.0))),
            "v_rel_mps": float32(-rng.choice((-6.0, -0.5, 0.0, 3.0, 9.0))),
            "is_fcw": None if fcw is None else fcw.at(mono_ns),
        }
    return {
        "is_present": not away.at(mono_ns),
        "d_rel_m": float32(rng.choice(DISTANCES_M)),
        "v_rel_mps": float32(-rng.choice(CLOSING_MPS)),
        "is_fcw": None if fcw is None else fcw.at(mono_ns),
    }


def _lane_changes(rng: Random, start_ns: int, end_ns: int) -> Timed:
    found: Timed = []
    for source in rng.sample(
        ("modelV2", "lateralPlan", "drivingModelData"), rng.choice((0, 0, 1, 2))
    ):
        mono_ns = start_ns + seconds(rng.choice((0.0, 0.5, 4.0)))
        while mono_ns < end_ns:
            row = {
                "source": source,
                "state": rng.choice(LANE_CHANGES),
                "direction": rng.choice((None, "none", "left", "right")),
            }
            found.append((mono_ns, "lane_change", row))
            mono_ns += seconds(rng.choice((0.5, 2.0, 3.0, 6.0)))
    return found


def _alerts(rng: Random, start_ns: int, end_ns: int) -> Timed:
    found: Timed = []
    for source in rng.sample(("selfdriveState", "controlsState"), rng.choice((0, 1, 2))):
        mono_ns = start_ns + seconds(rng.choice((0.0, 0.3)))
        while mono_ns < end_ns:
            status, text1, alert_type = rng.choice(ALERTS)
            row = {
                "source": source,
                "text1": text1,
                "text2": rng.choice((None, None, "Steer now")),
                "alert_type": alert_type,
                "alert_status": status,
                "alert_size": rng.choice(("mid", "mid", "mid", "full")),
            }
            length_ns = seconds(rng.choice((0.1, 0.5, 1.0, 4.0, 9.9)))
            # Every log says at its borders what is shown: no segment goes without.
            shown_ns = range(mono_ns, mono_ns + length_ns, 2 * SECOND_NS)
            found += [(time_ns, "alert", row) for time_ns in shown_ns]
            mono_ns += length_ns
    return found


def _buttons(rng: Random, start_ns: int, end_ns: int) -> Timed:
    times = [
        start_ns + seconds(rng.randrange(0, max((end_ns - start_ns) // TENTH_NS, 1)) / 10)
        for _ in range(rng.choice((0, 0, 1, 3)))
    ]
    return [
        (mono_ns, "button_event", {"button": "gapAdjustCruise", "pressed": rng.random() < 0.7})
        for mono_ns in times
    ]
