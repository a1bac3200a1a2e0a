"""Profiles and DBC files: where they are found, and what is said of those that do not hold."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement import config_files
from engagement.errors import ConfigError
from engagement.extract import profiles
from engagement.extract.dbc import load_dbc, load_signal_specs
from engagement.extract.profiles import SignalEntry, Transform, load_profile
from tests.oracles.can import make_profile

LEGACY = Path(__file__).parents[1] / "data" / "legacy"
MINI = (LEGACY / "mini_i30.dbc").read_text()
EXAMPLE: dict[str, Any] = json.loads((LEGACY / "config" / "vehicle_profiles.json").read_text())
NAMES = 'VAL_ 1264 CF_Clu_CruiseSwState 4 "cancel"\n 1 "resume; or set" 0 "no \\" press"'


@pytest.fixture
def car(tmp_path: Path) -> Path:
    """A folder with the example's profiles and DBC."""
    shutil.copytree(LEGACY / "config", tmp_path / "config")
    shutil.copy(LEGACY / "mini_i30.dbc", tmp_path)
    return tmp_path


def edit(folder: Path, change: dict[str, Any], *, signal: str = "") -> Path:
    """Rewrite the profiles of `folder` with `change` in its one profile, or a signal of that."""
    content = copy.deepcopy(EXAMPLE)
    profile = content["profiles"]["i30_mini"]
    (profile["signals"][signal] if signal else profile).update(change)
    path = folder / "config" / "vehicle_profiles.json"
    path.write_text(json.dumps(content))
    return path


def load(folder: Path, name: str | None = None) -> profiles.VehicleProfile:
    return load_profile(profiles_file=None, name=name, cwd=folder)


def message_of(folder: Path, name: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_signal_specs(load(folder, name))
    return str(caught.value).replace(str(folder), "FOLDER")


def test_the_example_profile_of_the_current_folder(car: Path) -> None:
    profile = load(car)

    assert profile.name == "i30_mini"
    assert profile.dbc_file == car / "mini_i30.dbc"
    assert profile.profiles_file == car / "config" / "vehicle_profiles.json"
    assert profile.remote_device == ""
    assert [signal.key for signal in profile.signals] == list(profiles.KNOWN_KEYS)
    assert not any(signal.is_mask for signal in profile.signals)
    torque = SignalEntry("VSM2", "CR_Mdps_StrTq", 0, Transform(scale=-1.0, offset=-0.2))
    assert profile.signals[2].entries == (torque,)


def test_the_shipped_profiles_stand_in(
    car: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(car / "mini_i30.dbc", car / "config")
    monkeypatch.setattr(config_files, "resource_dir", lambda name: car / name)

    profile = load(tmp_path_factory.mktemp("elsewhere"))

    assert profile.dbc_file == car / "config" / "mini_i30.dbc"


def test_the_dbc_is_looked_for_here_then_beside_then_above(
    car: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = tmp_path_factory.mktemp("here")
    given = car / "config" / "vehicle_profiles.json"
    found = []
    for folder in (car, car / "config", here):
        if not (folder / "mini_i30.dbc").exists():
            shutil.copy(LEGACY / "mini_i30.dbc", folder)
        found.append(load_profile(profiles_file=given, name="i30_mini", cwd=here).dbc_file.parent)

    assert found == [car, car / "config", here]


def test_a_missing_dbc_is_said_with_every_place(car: Path) -> None:
    (car / "mini_i30.dbc").unlink()

    assert message_of(car) == (
        "FOLDER/config/vehicle_profiles.json: profile 'i30_mini': no DBC file 'mini_i30.dbc'; "
        "looked for FOLDER/mini_i30.dbc, FOLDER/config/mini_i30.dbc"
    )


def test_an_unknown_profile_suggests_the_nearest(car: Path) -> None:
    assert message_of(car, "i30_min") == (
        "FOLDER/config/vehicle_profiles.json: no profile 'i30_min'; did you mean 'i30_mini'?"
    )


@pytest.mark.parametrize(
    ("signal", "change", "said"),
    [
        ("odometer", {"sorce": 1}, "signal 'odometer': unknown key 'sorce'; did you mean 'source'"),
        ("odometer", {"transform": {"scal": 2}}, "transform: unknown key 'scal'; did you mean 'sc"),
        ("odometer", {"source": 256}, "signal 'odometer': expected `int` <= 255 - at `$.source`"),
        ("odometer", {"signal": 5}, "signal 'odometer': expected `str`, got `int` - at `$.signal`"),
        ("odometer", {"message": "CLU2"}, "message 'CLU2', signal 'CF_Clu_Odometer': no such mess"),
        ("odometer", {"message": "CLU2"}, "did you mean 'CLU1'?"),
        ("odometer", {"signal": "Odometer"}, "no such signal; did you mean 'CF_Clu_Odometer'?"),
        ("", {"signals": {"wipers": []}}, "signal 'wipers': a list of 0 signals"),
        ("", {"signals": {"wipers": "on"}}, "signal 'wipers': expected `object`, got `str`"),
        ("", {"signals": 3}, "profile 'i30_mini': expected `object`, got `int` - at `$.signals`"),
        ("", {"dbc_file": None}, "profile 'i30_mini': expected `str`, got `null`"),
    ],
)
def test_what_does_not_hold_is_named(
    car: Path, signal: str, change: dict[str, Any], said: str
) -> None:
    edit(car, change, signal=signal)

    assert said in message_of(car)


def test_lists_make_masks_and_any_key_is_extracted(car: Path) -> None:
    switch = {"message": "CLU1", "signal": "CF_Clu_CruiseSwState"}
    torque = {"message": "VSM2", "signal": "CR_Mdps_StrTq", "source": 1}
    signals = {"cruise_state": [switch, torque], "wipers": [switch]}
    edit(car, {"signals": signals, "comment": "kept by hand"})

    specs = load_signal_specs(load(car))

    assert [(spec.key, spec.entry_num, spec.is_mask, spec.bus) for spec in specs] == [
        ("cruise_state", 0, True, None),
        ("cruise_state", 1, True, 1),
        ("wipers", 0, False, None),
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=40)
    | st.sampled_from([b"[" * 100_000, b'{"profiles":' * 5000, b'{"profiles": {"a": 1e999}}'])
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["profiles", "default_profile", "a", "dbc_file", "signals", "message", "signal"]
                ),
                inner,
                max_size=4,
            )
        ),
    ).map(lambda content: json.dumps({"default_profile": "a", "profiles": {"a": content}}).encode())
)
def test_hostile_profiles_are_configuration_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"hostile\.json: "):
        load_profile(profiles_file=path, name="a", cwd=path.parent)


@pytest.mark.parametrize("ending", ["\n", "\n\n", " // why\n", ' 2 "a" 1 \n'])
def test_missing_semicolons_are_repaired(tmp_path: Path, ending: str) -> None:
    dbc_file = tmp_path / "car.dbc"
    tail = 'BA_DEF_  "Kind" STRING ;\nBA_DEF_DEF_ "Kind" "";\n'
    torque = 'VAL_ 357 CR_Mdps_StrTq 0 "left"'
    dbc_file.write_text(f"{MINI}\n{NAMES}{ending}{torque}{ending}{tail}")

    switch = load_dbc(dbc_file).get_message_by_name("CLU1").signals[0]

    assert {0: 'no " press', 1: "resume; or set", 4: "cancel"}.items() <= switch.choices.items()


def test_names_for_signals_that_are_not_there_are_dropped(tmp_path: Path) -> None:
    dbc_file = tmp_path / "car.dbc"
    dbc_file.write_text(f'{MINI}\n{NAMES} ;\nVAL_ 999 Gone 0 "a" ;\nVAL_ 1264 Gone 0 "a" ;\n')

    assert load_dbc(dbc_file).get_message_by_name("CLU1").signals[0].choices[4] == "cancel"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_a_dbc_may_have_umlauts(tmp_path: Path, encoding: str) -> None:
    dbc_file = tmp_path / "car.dbc"
    dbc_file.write_bytes(f'{MINI}\nCM_ "Größe";\n'.encode(encoding))

    assert load_dbc(dbc_file).get_message_by_name("VSM2").frame_id == 357


def test_a_broken_dbc_is_named_with_the_parsers_words(tmp_path: Path) -> None:
    dbc_file = tmp_path / "car.dbc"
    dbc_file.write_text(MINI.replace("SG_", "SG"))

    with pytest.raises(ConfigError, match=r"car\.dbc: is no DBC .* line 10, column 2") as caught:
        load_dbc(dbc_file)

    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("path", ["missing.dbc", "."])
def test_an_unreadable_dbc_is_a_configuration_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match="can't be read: "):
        load_dbc(tmp_path / path)


@pytest.mark.parametrize(
    ("place", "tail", "said"),
    [
        ("60|8@1+ (1,0)", "", "it leaves its message of 8 bytes"),
        ("59|8@0+ (1,0)", "", "it leaves its message of 8 bytes"),
        ("-4|8@1+ (1,0)", "", "it leaves its message of 8 bytes"),
        ("0|8@1+ (1e999,0)", "", "its scale or offset is beyond 1e+18"),
        ("0|8@1+ (1,-1e19)", "", "its scale or offset is beyond 1e+18"),
        (
            "0|24@1+ (1,0)",
            "SIG_VALTYPE_ 9 T : 1;",
            "it is a float of 24 bits; one has 16, 32 or 64",
        ),
        ("0|8@1+ (1,0)", "SG_MUL_VAL_ 9 T Gone 1-1;", "its multiplexer 'Gone' selects nothing"),
    ],
)
def test_a_signal_without_a_value_is_refused(
    tmp_path: Path, place: str, tail: str, said: str
) -> None:
    dbc_file = tmp_path / "car.dbc"
    is_multiplexed = "MUL" in tail
    signal = f' SG_ T {"m1 " if is_multiplexed else ""}: {place} [0|0] "" XXX\n'
    more = ' SG_ A M : 0|1@1+ (1,0) [0|0] "" XXX\n SG_ B M : 1|1@1+ (1,0) [0|0] "" XXX\n'
    head = 'VERSION ""\nBU_: XXX\nBO_ 9 Only: 8 XXX\n'
    dbc_file.write_text(f"{head}{signal}{more if is_multiplexed else ''}{tail}\n")
    profile = make_profile(dbc_file, {"key": [SignalEntry("Only", "T")]})

    with pytest.raises(ConfigError) as caught:
        load_signal_specs(profile)

    assert str(caught.value) == f"{dbc_file}: message 'Only', signal 'T': {said}"
