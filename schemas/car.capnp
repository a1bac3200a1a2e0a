@0xc2d51e8fa6407b93;

# What the car says and is told: CarState, CarControl, CarOutput, CarParams.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place. So one set of files reads the
# logs of every era since 2018. Names are the newest ones; "was" lists the older ones. A field of
# a type not described here is a placeholder of the right kind: AnyPointer for a struct or a list,
# UInt16 for an enum.

using Control = import "control.capnp";
using Events = import "events.capnp";

struct CarState {
  errors @0 :List(Events.CarEvent.EventName);
  vEgo @1 :Float32;
  wheelSpeeds @2 :WheelSpeeds;
  gas @3 :Float32;
  gasPressed @4 :Bool;
  brake @5 :Float32;
  brakePressed @6 :Bool;
  steeringAngleDeg @7 :Float32;  # was steeringAngle
  steeringTorque @8 :Float32;
  steeringPressed @9 :Bool;
  cruiseState @10 :CruiseState;
  buttonEvents @11 :List(ButtonEvent);
  canMonoTimes @12 :List(UInt64);
  events @13 :List(Events.CarEvent);
  gearShifter @14 :GearShifter;
  steeringRateDeg @15 :Float32;  # was steeringRate
  aEgo @16 :Float32;
  vEgoRaw @17 :Float32;
  standstill @18 :Bool;
  brakeLights @19 :Bool;
  leftBlinker @20 :Bool;
  rightBlinker @21 :Bool;
  yawRate @22 :Float32;
  genericToggle @23 :Bool;
  doorOpen @24 :Bool;
  seatbeltUnlatched @25 :Bool;
  canValid @26 :Bool;
  steeringTorqueEps @27 :Float32;
  clutchPressed @28 :Bool;
  steeringRateLimited @29 :Bool;
  stockAeb @30 :Bool;
  stockFcw @31 :Bool;
  espDisabled @32 :Bool;
  leftBlindspot @33 :Bool;
  rightBlindspot @34 :Bool;
  steerFaultTemporary @35 :Bool;  # was steerWarning
  steerFaultPermanent @36 :Bool;  # was steerError
  steeringAngleOffsetDeg @37 :Float32;
  brakeHoldActive @38 :Bool;
  parkingBrake @39 :Bool;
  canTimeout @40 :Bool;
  fuelGauge @41 :Float32;
  accFaulted @42 :Bool;
  charging @43 :Bool;
  vEgoCluster @44 :Float32;
  regenBraking @45 :Bool;
  engineRpm @46 :Float32;
  carFaultedNonCritical @47 :Bool;
  canErrorCounter @48 :UInt32;
  canRcvTimeout @49 :Bool;
  cumLagMs @50 :Float32;
  espActive @51 :Bool;
  vehicleSensorsInvalid @52 :Bool;
  vCruise @53 :Float32;
  vCruiseCluster @54 :Float32;
  invalidLkasSetting @55 :Bool;
  lowSpeedAlert @56 :Bool;
  buttonEnable @57 :Bool;
  steeringDisengage @58 :Bool;
  stockLkas @59 :Bool;
  blockPcmEnable @60 :Bool;
  carNotReady @61 :Bool;

  struct WheelSpeeds {
    fl @0 :Float32;
    fr @1 :Float32;
    rl @2 :Float32;
    rr @3 :Float32;
  }

  struct CruiseState {
    enabled @0 :Bool;
    speed @1 :Float32;
    available @2 :Bool;
    speedOffset @3 :Float32;
    standstill @4 :Bool;
    nonAdaptive @5 :Bool;
    speedCluster @6 :Float32;
  }

  struct ButtonEvent {
    pressed @0 :Bool;
    type @1 :Type;

    enum Type {
      unknown @0;
      leftBlinker @1;
      rightBlinker @2;
      accelCruise @3;
      decelCruise @4;
      cancel @5;
      lkas @6;  # was altButton1
      altButton2 @7;
      mainCruise @8;  # was altButton3
      setCruise @9;
      resumeCruise @10;
      gapAdjustCruise @11;
    }
  }

  enum GearShifter {
    unknown @0;
    park @1;
    drive @2;
    neutral @3;
    reverse @4;
    sport @5;
    low @6;
    brake @7;
    eco @8;
    manumatic @9;
  }
}

struct CarControl {
  enabled @0 :Bool;
  gas @1 :Float32;
  brake @2 :Float32;
  steeringTorque @3 :Float32;
  cruiseControl @4 :CruiseControl;
  hudControl @5 :HUDControl;
  actuators @6 :Actuators;
  active @7 :Bool;
  roll @8 :Float32;
  pitch @9 :Float32;
  actuatorsOutput @10 :Actuators;
  latActive @11 :Bool;
  longActive @12 :Bool;
  orientationNED @13 :List(Float32);
  angularVelocity @14 :List(Float32);
  leftBlinker @15 :Bool;
  rightBlinker @16 :Bool;
  currentCurvature @17 :Float32;
  driverMonitoringEscalation @18 :Bool;

  struct Actuators {
    gas @0 :Float32;
    brake @1 :Float32;
    torque @2 :Float32;  # was steer
    steeringAngleDeg @3 :Float32;  # was steerAngle
    accel @4 :Float32;
    longControlState @5 :LongControlState;
    speed @6 :Float32;
    curvature @7 :Float32;
    torqueOutputCan @8 :Float32;  # was steerOutputCan

    enum LongControlState {
      off @0;
      pid @1;
      stopping @2;
      starting @3;
      emergencyBraking @4;
    }
  }

  struct CruiseControl {
    cancel @0 :Bool;
    resume @1 :Bool;  # was override
    speedOverride @2 :Float32;
    accelOverride @3 :Float32;
    override @4 :Bool;
  }

  struct HUDControl {
    speedVisible @0 :Bool;
    setSpeed @1 :Float32;
    lanesVisible @2 :Bool;
    leadVisible @3 :Bool;
    visualAlert @4 :VisualAlert;
    audibleAlert @5 :AudibleAlert;
    rightLaneVisible @6 :Bool;
    leftLaneVisible @7 :Bool;
    rightLaneDepart @8 :Bool;
    leftLaneDepart @9 :Bool;
    leadDistanceBars @10 :Int8;

    enum AudibleAlert {
      none @0;
      engage @1;
      disengage @2;
      refuse @3;
      warningSoft @4;
      warningImmediate @5;
      prompt @6;
      promptRepeat @7;
      promptDistracted @8;
    }

    enum VisualAlert {
      none @0;
      fcw @1;
      steerRequired @2;
      brakePressed @3;
      wrongGear @4;
      seatbeltUnbuckled @5;
      speedTooHigh @6;
      ldw @7;
    }
  }
}

struct CarOutput {
  actuatorsOutput @0 :CarControl.Actuators;
}

struct CarParams {
  brand @0 :Text;  # was carName
  carFingerprint @1 :Text;
  enableGasInterceptor @2 :Bool;
  pcmCruise @3 :Bool;  # was enableCruise
  enableCamera @4 :Bool;
  enableDsu @5 :Bool;
  enableApgs @6 :Bool;
  minEnableSpeed @7 :Float32;
  minSteerSpeed @8 :Float32;
  safetyModel @9 :SafetyModel;
  safetyParam @10 :Int16;
  steerMaxBP @11 :List(Float32);
  steerMaxV @12 :List(Float32);
  gasMaxBP @13 :List(Float32);
  gasMaxV @14 :List(Float32);
  brakeMaxBP @15 :List(Float32);
  brakeMaxV @16 :List(Float32);
  mass @17 :Float32;
  wheelbase @18 :Float32;
  centerToFront @19 :Float32;
  steerRatio @20 :Float32;
  steerRatioRear @21 :Float32;
  rotationalInertia @22 :Float32;
  tireStiffnessFront @23 :Float32;
  tireStiffnessRear @24 :Float32;
  longitudinalTuning @25 :Control.LongitudinalPIDTuning;
  lateralTuning :union {
    pid @26 :Control.LateralPIDTuning;
    indi @27 :Control.LateralINDITuning;
    lqr @40 :Control.LateralLQRTuning;
    torque @67 :Control.LateralTorqueTuning;
  }
  steerLimitAlert @28 :Bool;
  vEgoStopping @29 :Float32;
  directAccelControl @30 :Bool;
  stoppingControl @31 :Bool;
  startAccel @32 :Float32;
  steerRateCost @33 :Float32;
  steerControlType @34 :SteerControlType;
  radarUnavailable @35 :Bool;  # was radarOffCan
  steerActuatorDelay @36 :Float32;
  openpilotLongitudinalControl @37 :Bool;
  carVin @38 :Text;
  isPandaBlack @39 :Bool;
  dashcamOnly @41 :Bool;
  safetyModelPassive @42 :SafetyModel;
  transmissionType @43 :TransmissionType;
  carFw @44 :List(CarFw);
  radarTimeStep @45 :Float32 = 0.05;
  communityFeature @46 :Bool;
  steerLimitTimer @47 :Float32;
  lateralParams @48 :Control.LateralParams;
  fingerprintSource @49 :FingerprintSource;
  networkLocation @50 :NetworkLocation;
  minSpeedCan @51 :Float32;
  stoppingDecelRate @52 :Float32;  # was stoppingBrakeRate
  startingAccelRate @53 :Float32;  # was startingBrakeRate
  maxSteeringAngleDeg @54 :Float32;  # was maxSteerAngle
  fuzzyFingerprint @55 :Bool;
  enableBsm @56 :Bool;
  hasStockCamera @57 :Bool;
  longitudinalActuatorDelay @58 :Float32;  # was longitudinalActuatorDelayUpperBound
  vEgoStarting @59 :Float32;
  stopAccel @60 :Float32;
  longitudinalActuatorDelayLowerBound @61 :Float32;
  safetyConfigs @62 :List(SafetyConfig);
  wheelSpeedFactor @63 :Float32;
  flags @64 :UInt32;
  alternativeExperience @65 :Int16;  # was unsafeMode
  notCar @66 :Bool;
  maxLateralAccel @68 :Float32;
  autoResumeSng @69 :Bool;
  startingState @70 :Bool;
  alphaLongitudinalAvailable @71 :Bool;  # was experimentalLongitudinalAvailable
  tireStiffnessFactor @72 :Float32;
  passive @73 :Bool;
  radarDelay @74 :Float32;
  secOcRequired @75 :Bool;
  secOcKeyAvailable @76 :Bool;
  steerAtStandstill @77 :Bool;

  struct CarFw {
    ecu @0 :UInt16;
    fwVersion @1 :Data;
    address @2 :UInt32;
    subAddress @3 :UInt8;
    responseAddress @4 :UInt32;
    request @5 :List(Data);
    brand @6 :Text;
    bus @7 :UInt8;
    logging @8 :Bool;
    obdMultiplexing @9 :Bool;
  }

  struct SafetyConfig {
    safetyModel @0 :SafetyModel;
    safetyParam1 @1 :Int16;  # was safetyParam
    safetyParam2 @2 :UInt32;  # was safetyParam
    safetyParam @3 :UInt16;
  }

  enum SafetyModel {
    silent @0;
    hondaNidec @1;
    toyota @2;
    elm327 @3;
    gm @4;
    hondaBoschGiraffe @5;
    ford @6;
    cadillac @7;
    hyundai @8;
    chrysler @9;
    tesla @10;
    subaru @11;
    gmPassive @12;
    mazda @13;
    nissan @14;
    volkswagen @15;
    toyotaIpas @16;
    allOutput @17;
    gmAscm @18;
    noOutput @19;
    hondaBosch @20;  # was hondaBoschHarness
    volkswagenPq @21;
    subaruPreglobal @22;  # was subaruLegacy
    hyundaiLegacy @23;
    hyundaiCommunity @24;
    volkswagenMlb @25;  # was stellantis
    hongqi @26;  # was faw
    body @27;
    hyundaiCanfd @28;  # was hyundaiHDA2
    volkswagenMqbEvo @29;
    chryslerCusw @30;
    psa @31;
    fcaGiorgio @32;
    rivian @33;
    volkswagenMeb @34;
    byd @35;
    volvo @36;
    bmw @37;
    mg @38;
  }

  enum SteerControlType {
    torque @0;
    angle @1;
    curvature @2;
  }

  enum FingerprintSource {
    can @0;
    fw @1;
    fixed @2;
  }

  enum NetworkLocation {
    fwdCamera @0;
    gateway @1;
  }

  enum TransmissionType {
    unknown @0;
    automatic @1;
    manual @2;
    direct @3;
    cvt @4;
  }
}
