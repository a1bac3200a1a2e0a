@0xdb8a03f65e27c94d;

# The device and its sensors: identity, clocks, GPS, panda, cameras, CAN frames.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place. So one set of files reads the
# logs of every era since 2018. Names are the newest ones; "was" lists the older ones. A field of
# a type not described here is a placeholder of the right kind: AnyPointer for a struct or a list,
# UInt16 for an enum.

using Car = import "car.capnp";
using Machine = import "machine.capnp";

struct InitData {
  kernelArgs @0 :List(Text);
  gctx @1 :Text;
  dongleId @2 :Text;
  deviceType @3 :DeviceType;
  version @4 :Text;
  androidBuildInfo @5 :Machine.AndroidBuildInfo;
  androidSensors @6 :List(Machine.AndroidSensor);
  chffrAndroidExtra @7 :AnyPointer;
  pandaInfo @8 :PandaInfo;
  dirty @9 :Bool;
  gitCommit @10 :Text;
  gitBranch @11 :Text;
  passive @12 :Bool;
  gitRemote @13 :Text;
  iosBuildInfo @14 :Machine.IosBuildInfo;
  kernelVersion @15 :Text;
  androidProperties @16 :ParamMap;
  params @17 :ParamMap;
  osVersion @18 :Text;
  commands @19 :ParamMap;
  wallTimeNanos @20 :UInt64;
  gitCommitDate @21 :Text;
  bootlogId @22 :Text;
  gitSrcCommit @23 :Text;
  gitSrcCommitDate @24 :Text;

  struct PandaInfo {
    hasPanda @0 :Bool;
    dongleId @1 :Text;
    stVersion @2 :Text;
    espVersion @3 :Text;
  }

  enum DeviceType {
    unknown @0;
    neo @1;
    chffrAndroid @2;
    chffrIos @3;
    tici @4;
    pc @5;
    tizi @6;
    mici @7;
  }
}

struct GpsLocationData {
  flags @0 :UInt16;
  latitude @1 :Float64;
  longitude @2 :Float64;
  altitude @3 :Float64;
  speed @4 :Float32;
  bearingDeg @5 :Float32;  # was bearing
  horizontalAccuracy @6 :Float32;  # was accuracy
  unixTimestampMillis @7 :Int64;  # was timestamp
  source @8 :SensorSource;
  vNED @9 :List(Float32);
  verticalAccuracy @10 :Float32;
  bearingAccuracyDeg @11 :Float32;  # was bearingAccuracy
  speedAccuracy @12 :Float32;
  hasFix @13 :Bool;
  satelliteCount @14 :Int8;

  enum SensorSource {
    android @0;
    iOS @1;
    car @2;
    velodyne @3;
    fusion @4;
    external @5;
    ublox @6;
    trimble @7;
    qcomdiag @8;  # was qcom
    unicore @9;
  }
}

struct DeviceState {
  cpu0 @0 :UInt16;
  cpu1 @1 :UInt16;
  cpu2 @2 :UInt16;
  cpu3 @3 :UInt16;
  mem @4 :UInt16;
  gpu @5 :UInt16;
  bat @6 :UInt32;
  freeSpacePercent @7 :Float32;  # was freeSpace
  batteryPercent @8 :Int16;
  batteryStatus @9 :Text;
  fanSpeedPercentDesired @10 :UInt16;  # was fanSpeed, fanSpeedRpmDesired
  started @11 :Bool;
  usbOnline @12 :Bool;
  startedMonoTime @13 :UInt64;  # was startedTs
  thermalStatus @14 :ThermalStatus;
  batteryCurrent @15 :Int32;
  batteryVoltage @16 :Int32;
  chargingError @17 :Bool;  # was chargerDisabled
  chargingDisabled @18 :Bool;
  memoryUsagePercent @19 :Int8;  # was hwType, memAvailPercent, memUsedPercent
  cpuUsagePercent20 @20 :Int8;  # was cpuUsagePercent, cpuPerc
  pa0 @21 :UInt16;
  networkType @22 :NetworkType;
  offroadPowerUsageUwh @23 :UInt32;  # was offroadPowerUsage
  networkStrength @24 :UInt16;
  carBatteryCapacityUwh @25 :UInt32;  # was carBatteryCapacity
  cpuTempC @26 :List(Float32);  # was cpu
  gpuTempC @27 :List(Float32);  # was gpu
  memoryTempC @28 :Float32;  # was mem
  batteryTempC @29 :Float32;  # was bat
  ambientTempC @30 :Float32;  # was ambient
  networkInfo @31 :Machine.NetworkInfo;
  lastAthenaPingTime @32 :UInt64;
  gpuUsagePercent @33 :Int8;
  cpuUsagePercent @34 :List(Int8);
  nvmeTempC @35 :List(Float32);
  modemTempC @36 :List(Float32);
  screenBrightnessPercent @37 :Int8;
  thermalZones @38 :List(Machine.ThermalZone);
  pmicTempC @39 :List(Float32);
  powerDrawW @40 :Float32;
  networkMetered @41 :Bool;
  somPowerDrawW @42 :Float32;
  networkStats @43 :Machine.NetworkStats;
  maxTempC @44 :Float32;
  deviceType @45 :InitData.DeviceType;
  intakeTempC @46 :Float32;
  exhaustTempC @47 :Float32;
  gnssTempC @48 :Float32;  # was caseTempC
  dspTempC @49 :Float32;
  bottomSocTempC @50 :Float32;
  chestnutPresent @51 :Bool;
  usbState @52 :AnyPointer;

  enum ThermalStatus {
    ok @0;  # was green
    warm @1;  # was yellow
    overheated @2;  # was red
    critical @3;  # was danger
  }

  enum NetworkType {
    none @0;
    wifi @1;
    cell2G @2;
    cell3G @3;
    cell4G @4;
    cell5G @5;
    ethernet @6;
  }
}

struct PandaState {
  voltage @0 :UInt32;
  current @1 :UInt32;
  ignitionLine @2 :Bool;
  controlsAllowed @3 :Bool;
  gasInterceptorDetected @4 :Bool;
  startedSignalDetected @5 :Bool;
  hasGps @6 :Bool;
  rxBufferOverflow @7 :UInt32;  # was canSendErrs, txBufferOverflow
  txBufferOverflow @8 :UInt32;  # was canFwdErrs
  gmlanSendErrs @9 :UInt32;
  pandaType @10 :PandaType;
  fanSpeedRpm @11 :UInt16;
  usbPowerMode @12 :UInt16;
  ignitionCan @13 :Bool;
  safetyModel @14 :Car.CarParams.SafetyModel;
  faultStatus @15 :FaultStatus;
  powerSaveEnabled @16 :Bool;
  uptime @17 :UInt32;
  faults @18 :List(UInt16);
  safetyRxInvalid @19 :UInt32;  # was canRxErrs, rxBufferOverflow
  safetyParam20 @20 :Int16;  # was safetyParam
  harnessStatus @21 :HarnessStatus;
  heartbeatLost @22 :Bool;
  alternativeExperience @23 :Int16;  # was unsafeMode
  safetyTxBlocked @24 :UInt32;  # was blockedCnt
  interruptLoad @25 :Float32;
  safetyParam2 @26 :UInt32;  # was safetyParam
  safetyParam @27 :UInt16;
  fanPower @28 :UInt8;
  canState0 @29 :Machine.PandaCanState;  # was safetyRxInvalid
  canState1 @30 :Machine.PandaCanState;
  canState2 @31 :Machine.PandaCanState;
  safetyRxChecksInvalid @32 :Bool;
  spiErrorCount @33 :UInt16;  # was spiChecksumErrorCount
  fanStallCount @34 :UInt8;
  sbu1Voltage @35 :Float32;
  sbu2Voltage @36 :Float32;
  soundOutputLevel @37 :UInt16;
  controlsAllowedRESERVED1 @38 :Bool;
  controlsAllowedRESERVED2 @39 :Bool;
  nmiReset @40 :Bool;
  hardfaultReset @41 :Bool;

  enum PandaType {
    unknown @0;
    whitePanda @1;
    greyPanda @2;
    blackPanda @3;
    pedal @4;
    uno @5;
    dos @6;
    redPanda @7;
    redPandaV2 @8;
    tres @9;
    cuatro @10;  # was quatro
  }

  enum FaultStatus {
    none @0;
    faultTemp @1;
    faultPerm @2;
  }

  enum HarnessStatus {
    notConnected @0;
    normal @1;
    flipped @2;
  }
}

struct PeripheralState {
  pandaType @0 :PandaState.PandaType;
  voltage @1 :UInt32;
  current @2 :UInt32;
  fanSpeedRpm @3 :UInt16;
  usbPowerMode @4 :UInt16;
}

struct CanData {
  address @0 :UInt32;
  busTime @1 :UInt16;
  dat @2 :Data;
  src @3 :UInt8;
}

struct Clocks {
  bootTimeNanos @0 :UInt64;
  monotonicNanos @1 :UInt64;
  monotonicRawNanos @2 :UInt64;
  wallTimeNanos @3 :UInt64;
  modemUptimeMillis @4 :UInt64;
}

struct ManagerState {
  processes @0 :List(ProcessState);

  struct ProcessState {
    name @0 :Text;
    pid @1 :Int32;
    running @2 :Bool;
    exitCode @3 :Int32;
    shouldBeRunning @4 :Bool;
  }
}

struct Sentinel {
  type @0 :SentinelType;
  signal @1 :Int32;

  enum SentinelType {
    endOfSegment @0;
    endOfRoute @1;
    startOfSegment @2;
    startOfRoute @3;
  }
}

struct Boot {
  wallTimeNanos @0 :UInt64;
  lastKmsg @1 :Data;
  lastPmsg @2 :Data;
  launchLog @3 :Text;
  pstore @4 :ParamMap;
  commands @5 :ParamMap;
}

struct EncodeIndex {
  frameId @0 :UInt32;
  type @1 :Type;
  encodeId @2 :UInt32;
  segmentNum @3 :Int32;
  segmentId @4 :UInt32;
  segmentIdEncode @5 :UInt32;
  timestampSof @6 :UInt64;
  timestampEof @7 :UInt64;
  flags @8 :UInt32;
  len @9 :UInt32;

  enum Type {
    bigBoxLossless @0;
    fullHEVC @1;
    bigBoxHEVC @2;
    chffrAndroidH264 @3;
    fullLosslessClip @4;
    front @5;
    qcameraH264 @6;
    livestreamH264 @7;
  }
}

struct Thumbnail {
  frameId @0 :UInt32;
  timestampEof @1 :UInt64;
  thumbnail @2 :Data;
  encoding @3 :UInt16;
}

struct UIDebug {
  cpuTimeMillis @0 :Float32;  # was drawTimeMillis
  frameTimeMillis @1 :Float32;
}

struct FrameData {
  frameId @0 :UInt32;
  encodeId @1 :UInt32;
  timestampEof @2 :UInt64;
  frameLength @3 :Int32;
  integLines @4 :Int32;
  globalGain @5 :Int32;
  image @6 :Data;
  frameType @7 :UInt16;
  timestampSof @8 :UInt64;
  androidCaptureResult @9 :Machine.AndroidCaptureResult;
  transform @10 :List(Float32);
  lensPos @11 :Int32;
  lensSag @12 :Float32;
  lensErr @13 :Float32;
  lensTruePos @14 :Float32;
  gain @15 :Float32;  # was gainFrac
  focusVal @16 :List(Int16);
  focusConf @17 :List(UInt8);
  sharpnessScore @18 :List(UInt16);
  recoverState @19 :Int32;
  highConversionGain @20 :Bool;
  measuredGreyFraction @21 :Float32;
  targetGreyFraction @22 :Float32;
  processingTime @23 :Float32;
  temperaturesC @24 :List(Float32);
  frameIdSensor @25 :UInt32;
  sensor @26 :UInt16;
  exposureValPercent @27 :Float32;
  requestId @28 :UInt32;
}

struct ParamMap {
  entries @0 :List(Entry);

  struct Entry {
    key @0 :Text;
    value @1 :Data;  # was Text before 2021-02-26: the same bytes and a closing NUL
  }
}
