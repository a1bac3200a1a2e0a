@0xba407f783d1e233d;

# What controllers say of themselves, their tuning, and the radar's tracks.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place.

struct LateralINDIState {
  active @0 :Bool;
  steeringAngleDeg @1 :Float32;
  steeringRateDeg @2 :Float32;
  steeringAccelDeg @3 :Float32;
  rateSetPoint @4 :Float32;
  accelSetPoint @5 :Float32;
  accelError @6 :Float32;
  delayedOutput @7 :Float32;
  delta @8 :Float32;
  output @9 :Float32;
  saturated @10 :Bool;
  steeringAngleDesiredDeg @11 :Float32;
  steeringRateDesiredDeg @12 :Float32;
}

struct LateralPIDState {
  active @0 :Bool;
  steeringAngleDeg @1 :Float32;
  steeringRateDeg @2 :Float32;
  angleError @3 :Float32;
  p @4 :Float32;
  i @5 :Float32;
  f @6 :Float32;
  output @7 :Float32;
  saturated @8 :Bool;
  steeringAngleDesiredDeg @9 :Float32;
}

struct LateralTorqueState {
  active @0 :Bool;
  error @1 :Float32;
  p @2 :Float32;
  i @3 :Float32;
  d @4 :Float32;
  f @5 :Float32;
  output @6 :Float32;
  saturated @7 :Bool;
  errorRate @8 :Float32;
  actualLateralAccel @9 :Float32;
  desiredLateralAccel @10 :Float32;
}

struct LateralLQRState {
  active @0 :Bool;
  steeringAngleDeg @1 :Float32;
  i @2 :Float32;
  output @3 :Float32;
  lqrOutput @4 :Float32;
  saturated @5 :Bool;
  steeringAngleDesiredDeg @6 :Float32;
}

struct LateralAngleState {
  active @0 :Bool;
  steeringAngleDeg @1 :Float32;
  output @2 :Float32;
  saturated @3 :Bool;
  steeringAngleDesiredDeg @4 :Float32;
}

struct LateralCurvatureState {
  active @0 :Bool;
  actualCurvature @1 :Float32;
  desiredCurvature @2 :Float32;
  error @3 :Float32;
  p @4 :Float32;
  i @5 :Float32;
  f @6 :Float32;
  output @7 :Float32;
  saturated @8 :Bool;
}

struct LateralDebugState {
  active @0 :Bool;
  steeringAngleDeg @1 :Float32;
  output @2 :Float32;
  saturated @3 :Bool;
}

struct LiveMpcData {
  x @0 :List(Float32);
  y @1 :List(Float32);
  psi @2 :List(Float32);
  curvature @3 :List(Float32);
  qpIterations @4 :UInt32;
  calculationTime @5 :UInt64;
  cost @6 :Float64;
}

struct LiveLongitudinalMpcData {
  xEgo @0 :List(Float32);
  vEgo @1 :List(Float32);
  aEgo @2 :List(Float32);
  xLead @3 :List(Float32);
  vLead @4 :List(Float32);
  aLead @5 :List(Float32);
  aLeadTau @6 :Float32;
  qpIterations @7 :UInt32;
  mpcId @8 :UInt32;
  calculationTime @9 :UInt64;
  cost @10 :Float64;
}

struct SolverState {
  x @0 :List(List(Float32));
  u @1 :List(Float32);
}

struct GpsTrajectory {
  x @0 :List(Float32);
  y @1 :List(Float32);
}

struct ParametersFilterState {
  value @0 :List(Float64);
  std @1 :List(Float64);
}

struct FilterState {
  value @0 :List(Float64);
  std @1 :List(Float64);
  valid @2 :Bool;
  observations @3 :List(Observation);

  struct Observation {
    kind @0 :Int32;
    value @1 :List(Float32);
    error @2 :List(Float32);
  }
}

struct LongitudinalPIDTuning {
  kpBP @0 :List(Float32);
  kpV @1 :List(Float32);
  kiBP @2 :List(Float32);
  kiV @3 :List(Float32);
  deadzoneBP @4 :List(Float32);
  deadzoneV @5 :List(Float32);
  kf @6 :Float32;
}

struct LateralPIDTuning {
  kpBP @0 :List(Float32);
  kpV @1 :List(Float32);
  kiBP @2 :List(Float32);
  kiV @3 :List(Float32);
  kf @4 :Float32;
}

struct LateralTorqueTuning {
  useSteeringAngle @0 :Bool;
  kp @1 :Float32;
  ki @2 :Float32;
  friction @3 :Float32;
  kf @4 :Float32;
  steeringAngleDeadzoneDeg @5 :Float32;
  latAccelFactor @6 :Float32;
  latAccelOffset @7 :Float32;
}

struct LateralINDITuning {
  outerLoopGain @0 :Float32;
  innerLoopGain @1 :Float32;
  timeConstant @2 :Float32;
  actuatorEffectiveness @3 :Float32;
  outerLoopGainBP @4 :List(Float32);
  outerLoopGainV @5 :List(Float32);
  innerLoopGainBP @6 :List(Float32);
  innerLoopGainV @7 :List(Float32);
  timeConstantBP @8 :List(Float32);
  timeConstantV @9 :List(Float32);
  actuatorEffectivenessBP @10 :List(Float32);
  actuatorEffectivenessV @11 :List(Float32);
}

struct LateralLQRTuning {
  scale @0 :Float32;
  ki @1 :Float32;
  dcGain @2 :Float32;
  a @3 :List(Float32);
  b @4 :List(Float32);
  c @5 :List(Float32);
  k @6 :List(Float32);
  l @7 :List(Float32);
}

struct LateralParams {
  torqueBP @0 :List(Int32);
  torqueV @1 :List(Int32);
}

# A track of the radar until 2024.
struct LiveTracks {
  trackId @0 :Int32;
  dRel @1 :Float32;
  yRel @2 :Float32;
  vRel @3 :Float32;
  aRel @4 :Float32;
  timeStamp @5 :Float32;
  status @6 :Float32;
  currentTime @7 :Float32;
  stationary @8 :Bool;
  oncoming @9 :Bool;
}

struct RadarData {
  errorNames @0 :List(ErrorName);  # was errors
  points @1 :List(RadarPoint);
  canMonoTimes @2 :List(UInt64);
  errors @3 :Errors;

  struct Errors {
    canError @0 :Bool;
    radarFault @1 :Bool;
    wrongConfig @2 :Bool;
    radarUnavailableTemporary @3 :Bool;
  }

  enum ErrorName {
    canError @0;
    fault @1;
    wrongConfig @2;
  }

  struct RadarPoint {
    trackId @0 :UInt64;
    dRel @1 :Float32;
    yRel @2 :Float32;
    vRel @3 :Float32;
    aRel @4 :Float32;
    yvRel @5 :Float32;
    measured @6 :Bool;
  }
}
