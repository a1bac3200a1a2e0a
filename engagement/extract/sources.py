"""Which field of which message fills which column of which base table.

The keys of `columns` are columns of migrations/, the values are paths of fields in schemas/, which
may end in the number of an element of a list, as in `laneLineProbs[1]`. What a mapping can't say is
done in `refinements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one table from one kind of message.

    `event` is the union member. `items` names the list whose elements are the rows: "" means that
    the member itself is the list, None that the message is the row.
    """

    table: str
    event: str
    columns: Mapping[str, str]
    items: str | None = None
    constants: Mapping[str, str] = field(default_factory=dict)


_FLAGS = {
    "enable": "enable",
    "no_entry": "noEntry",
    "warning": "warning",
    "user_disable": "userDisable",
    "soft_disable": "softDisable",
    "immediate_disable": "immediateDisable",
    "pre_enable": "preEnable",
    "permanent": "permanent",
    "override_longitudinal": "overrideLongitudinal",
    "override_lateral": "overrideLateral",
}
EVENT_COLUMNS = {"name": "name", **_FLAGS}
ALERT_COLUMNS = {
    "text1": "alertText1",
    "text2": "alertText2",
    "alert_type": "alertType",
    "alert_status": "alertStatus",
    "alert_size": "alertSize",
}
GPS_COLUMNS = {
    "latitude": "latitude",
    "longitude": "longitude",
    "altitude_m": "altitude",
    "speed_mps": "speed",
    "bearing_deg": "bearingDeg",
    "horizontal_accuracy_m": "horizontalAccuracy",
    "unix_ms": "unixTimestampMillis",
}
_LANE_CHANGE_META = {"state": "meta.laneChangeState", "direction": "meta.laneChangeDirection"}
_MODEL_COLUMNS = {
    "curvature_per_m": "action.desiredCurvature",
    "accel_mps2": "action.desiredAcceleration",
    "should_stop": "action.shouldStop",
    "lane_change_state": "meta.laneChangeState",
    "lane_change_direction": "meta.laneChangeDirection",
    "frame_drop_percent": "frameDropPerc",
}

SOURCES = (
    Source(
        "init_data",
        "initData",
        {
            "dongle_id": "dongleId",
            "version": "version",
            "git_branch": "gitBranch",
            "git_commit": "gitCommit",
            "git_remote": "gitRemote",
            "is_dirty": "dirty",
            "is_passive": "passive",
            "device_type": "deviceType",
            "os_version": "osVersion",
            "wall_time_ns": "wallTimeNanos",
        },
    ),
    Source(
        "car_params",
        "carParams",
        {
            "car_fingerprint": "carFingerprint",
            "brand": "brand",
            "car_vin": "carVin",
            "openpilot_longitudinal": "openpilotLongitudinalControl",
            "pcm_cruise": "pcmCruise",
            "is_dashcam_only": "dashcamOnly",
            "steer_control_type": "steerControlType",
            "fingerprint_source": "fingerprintSource",
            "min_steer_speed_mps": "minSteerSpeed",
            "min_enable_speed_mps": "minEnableSpeed",
            "mass_kg": "mass",
            "wheelbase_m": "wheelbase",
            "steer_ratio": "steerRatio",
            "steer_actuator_delay_s": "steerActuatorDelay",
        },
    ),
    Source(
        "controls_state",
        "controlsState",
        {
            "enabled": "enabled",
            "active": "active",
            "state": "state",
            "v_cruise_kph": "vCruise",
            "curvature_per_m": "curvature",
            "desired_curvature_per_m": "desiredCurvature",
            "is_experimental_mode": "experimentalMode",
            "personality": "personality",
        },
    ),
    Source(
        "selfdrive_state",
        "selfdriveState",
        {
            "enabled": "enabled",
            "active": "active",
            "state": "state",
            "is_engageable": "engageable",
            "is_experimental_mode": "experimentalMode",
            "personality": "personality",
        },
    ),
    Source(
        "car_state",
        "carState",
        {
            "v_ego_mps": "vEgo",
            "a_ego_mps2": "aEgo",
            "steering_angle_deg": "steeringAngleDeg",
            "steering_rate_deg_per_s": "steeringRateDeg",
            "steering_torque": "steeringTorque",
            "steering_torque_eps": "steeringTorqueEps",
            "steering_pressed": "steeringPressed",
            "steering_disengage": "steeringDisengage",
            "gas_pressed": "gasPressed",
            "brake_pressed": "brakePressed",
            "regen_braking": "regenBraking",
            "standstill": "standstill",
            "left_blinker": "leftBlinker",
            "right_blinker": "rightBlinker",
            "door_open": "doorOpen",
            "seatbelt_unlatched": "seatbeltUnlatched",
            "parking_brake": "parkingBrake",
            "brake_hold_active": "brakeHoldActive",
            "stock_aeb": "stockAeb",
            "stock_fcw": "stockFcw",
            "acc_faulted": "accFaulted",
            "esp_disabled": "espDisabled",
            "cruise_enabled": "cruiseState.enabled",
            "cruise_available": "cruiseState.available",
            "cruise_speed_mps": "cruiseState.speed",
            "v_cruise_kph": "vCruise",
            "gear": "gearShifter",
        },
    ),
    Source(
        "car_control",
        "carControl",
        {
            "enabled": "enabled",
            "lat_active": "latActive",
            "long_active": "longActive",
            "accel_mps2": "actuators.accel",
            "torque": "actuators.torque",
            "steering_angle_deg": "actuators.steeringAngleDeg",
            "curvature_per_m": "actuators.curvature",
            "is_lead_visible": "hudControl.leadVisible",
            "visual_alert": "hudControl.visualAlert",
        },
    ),
    Source("alert", "controlsState", ALERT_COLUMNS, constants={"source": "controlsState"}),
    Source("alert", "selfdriveState", ALERT_COLUMNS, constants={"source": "selfdriveState"}),
    Source("car_event", "carEvents", EVENT_COLUMNS, "", {"source": "carEvents"}),
    Source("car_event", "onroadEvents", EVENT_COLUMNS, "", {"source": "onroadEvents"}),
    Source("car_event", "onroadEventsSP", EVENT_COLUMNS, "events", {"source": "onroadEventsSP"}),
    Source("car_event", "carState", EVENT_COLUMNS, "events", {"source": "carState"}),
    Source(
        "button_event", "carState", {"button": "type", "pressed": "pressed"}, items="buttonEvents"
    ),
    Source("gps", "gpsLocationExternal", GPS_COLUMNS, constants={"source": "gpsLocationExternal"}),
    Source("gps", "gpsLocation", GPS_COLUMNS, constants={"source": "gpsLocation"}),
    Source(
        "lead",
        "radarState",
        {
            "is_present": "leadOne.status",
            "d_rel_m": "leadOne.dRel",
            "v_rel_mps": "leadOne.vRel",
            "y_rel_m": "leadOne.yRel",
            "v_lead_mps": "leadOne.vLead",
            "a_lead_mps2": "leadOne.aLeadK",
            "model_prob_fraction": "leadOne.modelProb",
            "is_radar": "leadOne.radar",
            "is_fcw": "leadOne.fcw",
        },
    ),
    Source("clock", "clocks", {"wall_time_ns": "wallTimeNanos"}),
    Source("bookmark", "userBookmark", {}, constants={"source": "userBookmark"}),
    Source("bookmark", "bookmarkButton", {}, constants={"source": "bookmarkButton"}),
    Source("ignition", "deviceState", {"is_on": "started"}, constants={"source": "deviceState"}),
    Source(
        "lane_change",
        "lateralPlan",
        {"state": "laneChangeState", "direction": "laneChangeDirection"},
        constants={"source": "lateralPlan"},
    ),
    Source("lane_change", "modelV2", _LANE_CHANGE_META, constants={"source": "modelV2"}),
    Source(
        "lane_change",
        "drivingModelData",
        _LANE_CHANGE_META,
        constants={"source": "drivingModelData"},
    ),
    Source("longitudinal_plan", "longitudinalPlan", {"fcw": "fcw", "personality": "personality"}),
    Source("driving_model", "modelV2", {"is_big": "big"}, constants={"source": "modelV2"}),
    Source(
        "driving_model",
        "drivingModelData",
        {"is_big": "big"},
        constants={"source": "drivingModelData"},
    ),
    Source(
        "plan",
        "longitudinalPlan",
        {
            "target_accel_mps2": "aTarget",
            "first_accel_mps2": "accels[0]",
            "has_lead": "hasLead",
            "plan_source": "longitudinalPlanSource",
            "should_stop": "shouldStop",
            "fcw": "fcw",
        },
    ),
    Source(
        "model",
        "drivingModelData",
        {
            "left_lane_prob_fraction": "laneLineMeta.leftProb",
            "right_lane_prob_fraction": "laneLineMeta.rightProb",
            **_MODEL_COLUMNS,
        },
        constants={"source": "drivingModelData"},
    ),
    Source(
        "model",
        "modelV2",
        {
            "left_lane_prob_fraction": "laneLineProbs[1]",
            "right_lane_prob_fraction": "laneLineProbs[2]",
            **_MODEL_COLUMNS,
        },
        constants={"source": "modelV2"},
    ),
    Source(
        "driver_monitoring",
        "driverMonitoringState71",
        {
            "is_face_detected": "faceDetected",
            "is_distracted": "isDistracted",
            "awareness_fraction": "awarenessStatus",
            "is_by_camera": "isActiveMode",
        },
        constants={"source": "driverMonitoringState71"},
    ),
    Source(
        "driver_monitoring",
        "driverMonitoringState",
        {
            "is_face_detected": "visionPolicyState.faceDetected",
            "is_distracted": "visionPolicyState.isDistracted",
            "awareness_fraction": "visionPolicyState.awarenessPercent",
            "wheel_awareness_fraction": "wheeltouchPolicyState.awarenessPercent",
            "is_by_camera": "activePolicy",
            "alert_level": "alertLevel",
        },
        constants={"source": "driverMonitoringState"},
    ),
    Source(
        "video_frame",
        "qRoadEncodeIdx",
        {"frame_num": "segmentId", "sof_mono_ns": "timestampSof"},
    ),
    Source(
        "mads",
        "selfdriveStateSP",
        {
            "state": "mads.state",
            "enabled": "mads.enabled",
            "active": "mads.active",
            "available": "mads.available",
        },
        constants={"source": "selfdriveStateSP"},
    ),
    Source(
        "live_parameters",
        "liveParameters",
        {
            "is_valid": "valid",
            "angle_offset_deg": "angleOffsetDeg",
            "angle_offset_average_deg": "angleOffsetAverageDeg",
            "stiffness_factor": "stiffnessFactor",
            "steer_ratio": "steerRatio",
            "roll_rad": "roll",
        },
    ),
    Source(
        "live_torque_parameters",
        "liveTorqueParameters",
        {
            "is_valid": "liveValid",
            "lat_accel_factor": "latAccelFactorFiltered",
            "lat_accel_offset": "latAccelOffsetFiltered",
            "friction_coefficient": "frictionCoefficientFiltered",
        },
    ),
)
