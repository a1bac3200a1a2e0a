@0xa71f49c2e8d3065b;

# What the driving software computes: state, plans, perception, calibration, monitoring.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place. So one set of files reads the
# logs of every era since 2018. Names are the newest ones; "was" lists the older ones. A field of
# a type not described here is a placeholder of the right kind: AnyPointer for a struct or a list,
# UInt16 for an enum.

using Car = import "car.capnp";
using Control = import "control.capnp";
using Device = import "device.capnp";
using Events = import "events.capnp";
using Model = import "model.capnp";

enum LongitudinalPersonality {
  aggressive @0;
  standard @1;
  relaxed @2;
}

enum LaneChangeState {
  off @0;
  preLaneChange @1;
  laneChangeStarting @2;
  laneChangeFinishing @3;
}

enum LaneChangeDirection {
  none @0;
  left @1;
  right @2;
}

enum Desire {
  none @0;
  turnLeft @1;
  turnRight @2;
  laneChangeLeft @3;
  laneChangeRight @4;
  keepLeft @5;
  keepRight @6;
}

struct ControlsState {
  vEgo @0 :Float32;
  aEgo @1 :Float32;
  vPid @2 :Float32;
  vTargetLead @3 :Float32;
  upAccelCmd @4 :Float32;
  uiAccelCmd @5 :Float32;
  yActual @6 :Float32;
  yDes @7 :Float32;
  upSteer @8 :Float32;
  uiSteer @9 :Float32;
  aTargetMin @10 :Float32;
  aTargetMax @11 :Float32;
  jerkFactor @12 :Float32;
  angleSteers @13 :Float32;
  hudLead @14 :Int32;
  cumLagMs @15 :Float32;
  canMonoTime @16 :UInt64;
  radarStateMonoTime @17 :UInt64;  # was l20MonoTime
  mdMonoTime @18 :UInt64;
  enabled @19 :Bool;
  steerOverride @20 :Bool;
  canMonoTimes @21 :List(UInt64);
  vCruise @22 :Float32;
  rearViewCam @23 :Bool;
  alertText1 @24 :Text;
  alertText2 @25 :Text;
  awarenessStatus @26 :Float32;
  angleModelBias @27 :Float32;  # was angleOffset
  longitudinalPlanMonoTime @28 :UInt64;  # was planMonoTime
  steeringAngleDesiredDeg @29 :Float32;  # was angleSteersDes
  longControlState @30 :Car.CarControl.Actuators.LongControlState;
  state @31 :SelfdriveState.OpenpilotState;
  vEgoRaw @32 :Float32;
  ufAccelCmd @33 :Float32;
  ufSteer @34 :Float32;
  aTarget @35 :Float32;
  active @36 :Bool;
  curvature @37 :Float32;
  alertStatus @38 :SelfdriveState.AlertStatus;
  alertSize @39 :SelfdriveState.AlertSize;
  gpsPlannerActive @40 :Bool;
  engageable @41 :Bool;
  alertBlinkingRate @42 :Float32;
  driverMonitoringOn @43 :Bool;
  alertType @44 :Text;
  alertSound45 @45 :Text;  # was alertSound
  vCurvature @46 :Float32;
  decelForTurn @47 :Bool;
  startMonoTime @48 :UInt64;
  mapValid @49 :Bool;
  lateralPlanMonoTime @50 :UInt64;  # was pathPlanMonoTime
  forceDecel @51 :Bool;
  lateralControlState :union {
    indiState @52 :Control.LateralINDIState;
    pidState @53 :Control.LateralPIDState;
    lqrState @55 :Control.LateralLQRState;
    angleState @58 :Control.LateralAngleState;
    debugState @59 :Control.LateralDebugState;
    torqueState @60 :Control.LateralTorqueState;
    curvatureState @65 :Control.LateralCurvatureState;
  }
  decelForModel @54 :Bool;
  alertSound @56 :SelfdriveState.AudibleAlert;  # was alertSound2
  canErrorCounter @57 :UInt32;  # was desire
  desiredCurvature @61 :Float32;
  desiredCurvatureRate @62 :Float32;
  vCruiseCluster @63 :Float32;
  experimentalMode @64 :Bool;
  personality @66 :LongitudinalPersonality;
}

struct SelfdriveState {
  state @0 :OpenpilotState;
  enabled @1 :Bool;
  active @2 :Bool;
  alertText1 @3 :Text;
  alertText2 @4 :Text;
  alertStatus @5 :AlertStatus;
  alertSize @6 :AlertSize;
  alertType @7 :Text;
  alertSound8 @8 :Car.CarControl.HUDControl.AudibleAlert;  # was alertSound
  engageable @9 :Bool;
  experimentalMode @10 :Bool;
  personality @11 :LongitudinalPersonality;
  alertHudVisual @12 :Car.CarControl.HUDControl.VisualAlert;
  alertSound @13 :AudibleAlert;

  enum OpenpilotState {
    disabled @0;
    preEnabled @1;
    enabled @2;
    softDisabling @3;
    overriding @4;
  }

  enum AlertStatus {
    normal @0;
    userPrompt @1;
    critical @2;
  }

  enum AlertSize {
    none @0;
    small @1;
    mid @2;
    full @3;
  }

  enum AudibleAlert {
    none @0;
    engage @1;  # was chimeEngage
    disengage @2;  # was chimeDisengage
    refuse @3;  # was chimeError
    warningSoft @4;  # was chimeWarning1
    warningImmediate @5;  # was chimeWarning2, chimeWarningRepeat
    prompt @6;  # was chimeWarningRepeat, chimeWarningRepeatInfinite, warning
    promptRepeat @7;  # was chimePrompt, prompt
    promptDistracted @8;  # was chimeWarning2Repeat, chimeWarning2RepeatInfinite, promptRepeat
    preAlert @9;
    complete @10;
  }
}

struct LiveLocationKalman {
  positionECEF @0 :Measurement;
  positionGeodetic @1 :Measurement;
  velocityECEF @2 :Measurement;
  velocityNED @3 :Measurement;
  velocityDevice @4 :Measurement;
  accelerationDevice @5 :Measurement;
  orientationECEF @6 :Measurement;
  orientationNED @7 :Measurement;
  angularVelocityDevice @8 :Measurement;
  calibratedOrientationNED @9 :Measurement;  # was orientationNEDCalibrated
  velocityCalibrated @10 :Measurement;
  accelerationCalibrated @11 :Measurement;
  angularVelocityCalibrated @12 :Measurement;
  gpsWeek @13 :Int32;
  gpsTimeOfWeek @14 :Float64;
  status @15 :Status;
  unixTimestampMillis @16 :Int64;
  inputsOK @17 :Bool = true;
  posenetOK @18 :Bool = true;
  gpsOK @19 :Bool = true;
  calibratedOrientationECEF @20 :Measurement;
  sensorsOK @21 :Bool = true;
  deviceStable @22 :Bool = true;
  timeSinceReset @23 :Float64;
  excessiveResets @24 :Bool;
  timeToFirstFix @25 :Float32;
  filterState @26 :Measurement;

  struct Measurement {
    value @0 :List(Float64);  # was val
    std @1 :List(Float64);
    valid @2 :Bool;
  }

  enum Status {
    uninitialized @0;
    uncalibrated @1;
    valid @2;
  }
}

struct LivePose {
  orientationNED @0 :XYZMeasurement;
  velocityDevice @1 :XYZMeasurement;
  accelerationDevice @2 :XYZMeasurement;
  angularVelocityDevice @3 :XYZMeasurement;
  inputsOK @4 :Bool;
  posenetOK @5 :Bool;
  sensorsOK @6 :Bool;
  debugFilterState @7 :Control.FilterState;  # was filterState
  timestamp @8 :UInt64;

  struct XYZMeasurement {
    x @0 :Float32;
    y @1 :Float32;
    z @2 :Float32;
    xStd @3 :Float32;
    yStd @4 :Float32;
    zStd @5 :Float32;
    valid @6 :Bool;
  }
}

struct LiveParametersData {
  valid @0 :Bool;
  gyroBias @1 :Float32;
  angleOffsetDeg @2 :Float32;  # was angleOffset
  angleOffsetAverageDeg @3 :Float32;  # was angleOffsetAverage
  stiffnessFactor @4 :Float32;
  steerRatio @5 :Float32;
  sensorValid @6 :Bool;
  yawRate @7 :Float32;
  posenetSpeed @8 :Float32;
  posenetValid @9 :Bool;  # was posenetInvalid
  angleOffsetFastStd @10 :Float32;
  angleOffsetAverageStd @11 :Float32;
  stiffnessFactorStd @12 :Float32;
  steerRatioStd @13 :Float32;
  roll @14 :Float32;
  filterState @15 :LiveLocationKalman.Measurement;
  debugFilterState @16 :Control.ParametersFilterState;
  angleOffsetValid @17 :Bool = true;
  angleOffsetAverageValid @18 :Bool = true;
  steerRatioValid @19 :Bool = true;
  stiffnessFactorValid @20 :Bool = true;
}

struct DriverMonitoringState71 {
  events0 @0 :List(Events.CarEvent);  # was events
  faceDetected @1 :Bool;  # was driverState
  isDistracted @2 :Bool;
  awarenessStatus @3 :Float32;
  isRHD @4 :Bool;
  rhdChecked @5 :Bool;
  posePitchOffset @6 :Float32;
  posePitchValidCount @7 :UInt32;
  poseYawOffset @8 :Float32;
  poseYawValidCount @9 :UInt32;
  stepChange @10 :Float32;
  awarenessActive @11 :Float32;
  awarenessPassive @12 :Float32;
  isLowStd @13 :Bool;
  hiStdCount @14 :UInt32;
  isPreview @15 :Bool;
  isActiveMode @16 :Bool;
  distractedType @17 :UInt32;
  events @18 :List(Events.OnroadEvent);
  uncertainCount @19 :UInt32;
  phoneProbOffset @20 :Float32;
  phoneProbValidCount @21 :UInt32;  # was phoneProbalidCount
}

struct DriverMonitoringState {
  lockout @0 :Bool;
  alertCountLockoutPercent @1 :Int8;
  alertTimeLockoutPercent @2 :Int8;
  alwaysOn @3 :Bool;
  alwaysOnLockout @4 :Bool;
  alertLevel @5 :AlertLevel;
  activePolicy @6 :MonitoringPolicy;
  isRHD @7 :Bool;
  rhdCalibration @8 :AnyPointer;
  visionPolicyState @9 :VisionPolicyState;
  wheeltouchPolicyState @10 :WheeltouchPolicyState;
  lockoutMinutesRemaining @11 :Int8;  # was lockoutRecoveryPercent
  alert3Count @12 :Int8;
  noResponseCount @13 :Int8;
  noResponseForceDecel @14 :Bool;
  lockoutCount @15 :Int8;

  struct VisionPolicyState {
    awarenessPercent @0 :Int8;
    awarenessStep @1 :Float32;
    isDistracted @2 :Bool;
    distractedTypes @3 :AnyPointer;
    faceDetected @4 :Bool;
    pose @5 :AnyPointer;
    wheeltouchFallbackPercent @6 :Int8;
    uncertainOffroadAlertPercent @7 :Int8;
  }

  struct WheeltouchPolicyState {
    awarenessPercent @0 :Int8;
    awarenessStep @1 :Float32;
    driverInteracting @2 :Bool;
  }

  enum AlertLevel {
    none @0;
    one @1;
    two @2;
    three @3;
  }

  enum MonitoringPolicy {
    wheeltouch @0;
    vision @1;
  }
}

struct DriverStateV2 {
  frameId @0 :UInt32;
  modelExecutionTime @1 :Float32;
  dspExecutionTime @2 :Float32;
  rawPredictions @3 :Data;
  poorVisionProb @4 :Float32;
  wheelOnRightProb @5 :Float32;
  leftDriverData @6 :DriverData;
  rightDriverData @7 :DriverData;
  gpuExecutionTime @8 :Float32;

  struct DriverData {
    faceOrientation @0 :List(Float32);
    faceOrientationStd @1 :List(Float32);
    facePosition @2 :List(Float32);
    facePositionStd @3 :List(Float32);
    faceProb @4 :Float32;
    leftEyeProb @5 :Float32;
    rightEyeProb @6 :Float32;
    leftBlinkProb @7 :Float32;
    rightBlinkProb @8 :Float32;
    sunglassesProb @9 :Float32;
    occludedProb @10 :Float32;
    readyProb @11 :List(Float32);
    notReadyProb @12 :List(Float32);
    phoneProb @13 :Float32;
    sleepProb @14 :Float32;  # was eyesVisibleProb
    eyesClosedProb @15 :Float32;
  }
}

struct LongitudinalPlan {
  lateralValid @0 :Bool;
  dPoly @1 :List(Float32);
  longitudinalValid @2 :Bool;
  vTarget @3 :Float32;
  aTargetMin @4 :Float32;
  aTargetMax @5 :Float32;
  jerkFactor @6 :Float32;
  hasLead @7 :Bool;
  fcw @8 :Bool;
  modelMonoTime @9 :UInt64;  # was mdMonoTime
  radarStateMonoTime @10 :UInt64;  # was l20MonoTime
  laneWidth @11 :Float32;
  gpsTrajectory @12 :Control.GpsTrajectory;
  events @13 :List(Events.CarEvent);
  vTargetFuture @14 :Float32;
  longitudinalPlanSource @15 :LongitudinalPlanSource;
  vCruise @16 :Float32;
  aCruise @17 :Float32;
  aTarget @18 :Float32;
  gpsPlannerActive @19 :Bool;
  vMax @20 :Float32;
  vCurvature @21 :Float32;
  decelForTurn @22 :Bool;
  hasLeftLane @23 :Bool;
  hasRightLane @24 :Bool;
  mapValid @25 :Bool;
  vStart @26 :Float32;
  aStart @27 :Float32;
  radarValid @28 :Bool;
  processingDelay @29 :Float32;
  radarCanError @30 :Bool;  # was radarCommIssue
  commIssue @31 :Bool;  # was carStateMonoTime
  accels @32 :List(Float32);  # was controlsStateMonoTime
  speeds @33 :List(Float32);  # was socketsValid, commIssue
  jerks @34 :List(Float32);
  solverExecutionTime @35 :Float32;
  personality @36 :LongitudinalPersonality;
  shouldStop @37 :Bool;
  allowThrottle @38 :Bool;
  allowBrake @39 :Bool;
  accelBoost @40 :Float32;

  enum LongitudinalPlanSource {
    cruise @0;
    lead0 @1;  # was mpc1
    lead1 @2;  # was mpc2
    lead2 @3;  # was mpc3
    e2e @4;  # was model
  }
}

struct RadarState {
  warpMatrix @0 :List(Float32);
  angleOffset @1 :Float32;
  calStatus @2 :Int8;
  leadOne @3 :LeadData;
  leadTwo @4 :LeadData;
  cumLagMs @5 :Float32;
  mdMonoTime @6 :UInt64;
  ftMonoTime @7 :UInt64;
  calCycle @8 :Int32;
  calPerc @9 :Int8;
  canMonoTimes @10 :List(UInt64);
  carStateMonoTime @11 :UInt64;  # was l100MonoTime, controlsStateMonoTime
  radarErrors12 @12 :List(UInt16);  # was radarErrors
  radarErrors @13 :Control.RadarData.Errors;

  struct LeadData {
    dRel @0 :Float32;
    yRel @1 :Float32;
    vRel @2 :Float32;
    aRel @3 :Float32;
    vLead @4 :Float32;
    aLead @5 :Float32;
    dPath @6 :Float32;
    vLat @7 :Float32;
    vLeadK @8 :Float32;
    aLeadK @9 :Float32;
    fcw @10 :Bool;
    status @11 :Bool;  # also present, since 2026-07
    aLeadTau @12 :Float32;
    modelProb @13 :Float32;
    radar @14 :Bool;
    radarTrackId @15 :Int32 = -1;
  }
}

struct ModelDataV2 {
  frameId @0 :UInt32;
  frameAge @1 :UInt32;
  frameDropPerc @2 :Float32;
  timestampEof @3 :UInt64;
  position @4 :Model.XYZTData;
  orientation @5 :Model.XYZTData;
  velocity @6 :Model.XYZTData;
  orientationRate @7 :Model.XYZTData;
  laneLines @8 :List(Model.XYZTData);
  laneLineProbs @9 :List(Float32);
  roadEdges @10 :List(Model.XYZTData);
  leads @11 :List(Model.LeadDataV2);
  meta @12 :MetaData;
  laneLineStds @13 :List(Float32);
  roadEdgeStds @14 :List(Float32);
  modelExecutionTime @15 :Float32;
  rawPredictions @16 :Data;  # was rawPred
  gpuExecutionTime @17 :Float32;
  leadsV3 @18 :List(Model.LeadDataV3);
  acceleration @19 :Model.XYZTData;
  frameIdExtra @20 :UInt32;
  temporalPose @21 :Model.Pose;
  navEnabled @22 :Bool;
  confidence @23 :ConfidenceClass;
  locationMonoTime @24 :UInt64;
  lateralPlannerSolution @25 :Model.LateralPlannerSolution;
  action @26 :Action;
  big @27 :Bool;

  struct MetaData {
    engagedProb @0 :Float32;
    desirePrediction @1 :List(Float32);
    brakeDisengageProb @2 :Float32;
    gasDisengageProb @3 :Float32;
    steerOverrideProb @4 :Float32;
    desireState @5 :List(Float32);
    disengagePredictions @6 :DisengagePredictions;
    hardBrakePredicted @7 :Bool;
    laneChangeState @8 :LaneChangeState;
    laneChangeDirection @9 :LaneChangeDirection;
  }

  struct DisengagePredictions {
    t @0 :List(Float32);
    brakeDisengageProbs @1 :List(Float32);
    gasDisengageProbs @2 :List(Float32);
    steerOverrideProbs @3 :List(Float32);
    brake3MetersPerSecondSquaredProbs @4 :List(Float32);
    brake4MetersPerSecondSquaredProbs @5 :List(Float32);
    brake5MetersPerSecondSquaredProbs @6 :List(Float32);
    gasPressProbs @7 :List(Float32);
    brakePressProbs @8 :List(Float32);
  }

  struct Action {
    desiredCurvature @0 :Float32;
    desiredAcceleration @1 :Float32;
    shouldStop @2 :Bool;
  }

  enum ConfidenceClass {
    red @0;
    yellow @1;
    green @2;
  }
}

struct DrivingModelData {
  frameId @0 :UInt32;
  frameIdExtra @1 :UInt32;
  action @2 :ModelDataV2.Action;
  laneLineMeta @3 :Model.LaneLineMeta;
  meta @4 :MetaData;
  path @5 :Model.PolyPath;
  frameDropPerc @6 :Float32;
  modelExecutionTime @7 :Float32;
  big @8 :Bool;

  struct MetaData {
    laneChangeState @0 :LaneChangeState;
    laneChangeDirection @1 :LaneChangeDirection;
  }
}

struct UserBookmark {
}

struct DebugAlert {
  alertText1 @0 :Text;
  alertText2 @1 :Text;
}

struct Joystick {
  axes @0 :List(Float32);
  buttons @1 :List(Bool);
}

struct LiveCalibrationData {
  warpMatrix @0 :List(Float32);
  calStatus1 @1 :Int8;  # was calStatus
  calCycle @2 :Int32;
  calPerc @3 :Int8;
  extrinsicMatrix @4 :List(Float32);
  warpMatrix2 @5 :List(Float32);
  warpMatrixBig @6 :List(Float32);
  rpyCalib @7 :List(Float32);
  rpyCalibSpread @8 :List(Float32);
  validBlocks @9 :Int32;
  wideFromDeviceEuler @10 :List(Float32);
  calStatus @11 :Status;
  height @12 :List(Float32);

  enum Status {
    uncalibrated @0;
    calibrated @1;
    invalid @2;
    recalibrating @3;
  }
}

struct DriverAssistance {
  leftLaneDeparture @0 :Bool;
  rightLaneDeparture @1 :Bool;
}

struct LateralPlan {
  laneWidth @0 :Float32;
  dPoly @1 :List(Float32);
  cPoly @2 :List(Float32);
  cProb @3 :Float32;
  lPoly @4 :List(Float32);
  lProb @5 :Float32;
  rPoly @6 :List(Float32);
  rProb @7 :Float32;
  steeringAngleDeg @8 :Float32;  # was angleSteers
  mpcSolutionValid @9 :Bool;  # was valid
  paramsValid @10 :Bool;
  angleOffsetDeg @11 :Float32;  # was angleOffset
  modelValid @12 :Bool;
  steeringRateDeg @13 :Float32;  # was rateSteers
  sensorValid @14 :Bool;
  commIssue @15 :Bool;  # was mdMonoTime
  posenetValid @16 :Bool;  # was carStateMonoTime
  desire @17 :Desire;  # was controlsStateMonoTime
  laneChangeState @18 :LaneChangeState;  # was liveParametersMonoTime
  laneChangeDirection @19 :LaneChangeDirection;  # was socketsValid, commIssue
  dPathPoints @20 :List(Float32);
  dProb @21 :Float32;
  curvature @22 :Float32;
  curvatureRate @23 :Float32;
  rawCurvature @24 :Float32;
  rawCurvatureRate @25 :Float32;
  psis @26 :List(Float32);
  curvatures @27 :List(Float32);
  curvatureRates @28 :List(Float32);
  useLaneLines @29 :Bool;
  solverExecutionTime @30 :Float32;
  modelMonoTime @31 :UInt64;
  solverCost @32 :Float32;  # was xs
  solverState @33 :Control.SolverState;  # was ys
}

struct LiveTorqueParametersData {
  liveValid @0 :Bool;
  latAccelFactorRaw @1 :Float32;
  latAccelOffsetRaw @2 :Float32;
  frictionCoefficientRaw @3 :Float32;
  latAccelFactorFiltered @4 :Float32;
  latAccelOffsetFiltered @5 :Float32;
  frictionCoefficientFiltered @6 :Float32;
  totalBucketPoints @7 :Float32;
  decay @8 :Float32;
  maxResets @9 :Float32;
  points @10 :List(List(Float32));
  version @11 :Int32;
  useParams @12 :Bool;
  calPerc @13 :Int8;
}

struct LiveDelayData {
  lateralDelay @0 :Float32;
  validBlocks @1 :Int32;
  status @2 :UInt16;
  lateralDelayEstimate @3 :Float32;
  points @4 :List(Float32);
  lateralDelayEstimateStd @5 :Float32;
  calPerc @6 :Int8;
  version @7 :Int32;
}

struct CameraOdometry {
  trans @0 :List(Float32);
  rot @1 :List(Float32);
  transStd @2 :List(Float32);
  rotStd @3 :List(Float32);
  frameId @4 :UInt32;
  timestampEof @5 :UInt64;
  wideFromDeviceEuler @6 :List(Float32);
  wideFromDeviceEulerStd @7 :List(Float32);
  roadTransformTrans @8 :List(Float32);
  roadTransformTransStd @9 :List(Float32);
}

struct LiveMapData {
  speedLimitValid @0 :Bool;  # was valid
  speedLimit @1 :Float32;
  curvatureValid @2 :Bool;
  curvature @3 :Float32;
  wayId @4 :UInt64;
  roadX @5 :List(Float32);
  roadY @6 :List(Float32);
  lastGps @7 :Device.GpsLocationData;
  roadCurvatureX @8 :List(Float32);
  roadCurvature @9 :List(Float32);
  distToTurn @10 :Float32;
  mapValid @11 :Bool;
  speedAdvisoryValid @12 :Bool;
  speedAdvisory @13 :Float32;
  speedLimitAheadValid @14 :Bool;
  speedLimitAhead @15 :Float32;
  speedLimitAheadDistance @16 :Float32;
}

# sunnypilot since 2025-01. Other forks use the same slot of Event for structs of their own.
struct SelfdriveStateSP {
  mads @0 :Mads;
  intelligentCruiseButtonManagement @1 :AnyPointer;

  struct Mads {
    state @0 :State;
    enabled @1 :Bool;
    active @2 :Bool;
    available @3 :Bool;

    enum State {
      disabled @0;
      paused @1;
      enabled @2;
      softDisabling @3;
      overriding @4;
    }
  }
}
