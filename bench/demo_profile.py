"""The vehicle profile of the simulated car: the CAN signals that every measurement reads."""

from __future__ import annotations

from engagement.extract.dbc import load_dbc, load_signal_specs
from engagement.extract.profiles import VehicleProfile, load_profile
from engagement.extract.segment import ReadOptions
from engagement.resources import resource_dir

__all__ = ["demo_profile", "load_dbc", "read_options"]


def demo_profile() -> VehicleProfile:
    """The shipped profile `demo`.

    Raises:
        LookupError: If there is no such.
    """
    folder = resource_dir("config")
    profile = load_profile(profiles_file=folder / "vehicle_profiles.json", name="demo", cwd=folder)
    if profile is None:
        raise LookupError("the shipped vehicle profiles have no profile 'demo'")
    return profile


def read_options() -> ReadOptions:
    """How an ingest of the simulated drives reads logs."""
    profile = demo_profile()
    return ReadOptions(specs=load_signal_specs(profile), profile=profile.name)
