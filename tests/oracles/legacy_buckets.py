"""The old speed buckets, as the legacy oracle fills them."""

from __future__ import annotations

from dataclasses import dataclass

BUCKETS = {
    "city": "City (≤55 km/h)",
    "road": "Road (55-90 km/h)",
    "highway": "Highway (≥90 km/h)",
}


@dataclass(slots=True)
class Bucket:
    time_ns: int = 0
    engaged_time_ns: int = 0
    distance_km: float = 0.0
    engaged_distance_km: float = 0.0

    def entry(self, label: str) -> dict[str, object]:
        return {
            "label": label,
            "time_min": round(self.time_ns / 1e9 / 60, 2),
            "engaged_time_min": round(self.engaged_time_ns / 1e9 / 60, 2),
            "distance_km": round(self.distance_km, 2),
            "engaged_distance_km": round(self.engaged_distance_km, 2),
            "engagement_pct": (
                round(self.engaged_time_ns / self.time_ns * 100, 2) if self.time_ns else None
            ),
            "time_ns": self.time_ns,
            "engaged_time_ns": self.engaged_time_ns,
            "distance_km_raw": self.distance_km,
            "engaged_distance_km_raw": self.engaged_distance_km,
        }


def bucket_key(v_ego_mps: float) -> str:
    if 0 <= v_ego_mps < 15.3:
        return "city"
    return "road" if 15.3 <= v_ego_mps < 25.0 else "highway"
