@0xd90251afb2e116e7;

# What the device says of itself: processes, sensors, logs, encoders, microphone, screen.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place.

using Device = import "device.capnp";

struct ProcLog {
  cpuTimes @0 :List(CPUTimes);
  mem @1 :Mem;
  procs @2 :List(Process);

  struct Process {
    pid @0 :Int32;
    name @1 :Text;
    state @2 :UInt8;
    ppid @3 :Int32;
    cpuUser @4 :Float32;
    cpuSystem @5 :Float32;
    cpuChildrenUser @6 :Float32;
    cpuChildrenSystem @7 :Float32;
    priority @8 :Int64;
    nice @9 :Int32;
    numThreads @10 :Int32;
    startTime @11 :Float64;
    memVms @12 :UInt64;
    memRss @13 :UInt64;
    processor @14 :Int32;
    cmdline @15 :List(Text);
    exe @16 :Text;
  }

  struct CPUTimes {
    cpuNum @0 :Int64;
    user @1 :Float32;
    nice @2 :Float32;
    system @3 :Float32;
    idle @4 :Float32;
    iowait @5 :Float32;
    irq @6 :Float32;
    softirq @7 :Float32;
  }

  struct Mem {
    total @0 :UInt64;
    free @1 :UInt64;
    available @2 :UInt64;
    buffers @3 :UInt64;
    cached @4 :UInt64;
    active @5 :UInt64;
    inactive @6 :UInt64;
    shared @7 :UInt64;
  }
}

struct SensorEventData {
  version @0 :Int32;
  sensor @1 :Int32;
  type @2 :Int32;
  timestamp @3 :Int64;
  union {
    acceleration @4 :SensorVec;
    magnetic @5 :SensorVec;
    orientation @6 :SensorVec;
    gyro @7 :SensorVec;
    pressure @9 :SensorVec;
    magneticUncalibrated @11 :SensorVec;
    gyroUncalibrated @12 :SensorVec;
    proximity @13 :Float32;
    light @14 :Float32;
    temperature @15 :Float32;
  }
  source @8 :SensorSource;
  uncalibrated @10 :Bool;

  struct SensorVec {
    v @0 :List(Float32);
    status @1 :Int8;
  }

  enum SensorSource {
    android @0;
    iOS @1;
    fiber @2;
    velodyne @3;
    bno055 @4;
    lsm6ds3 @5;
    bmp280 @6;
    mmc3416x @7;
    bmx055 @8;
    rpr0521 @9;
    lsm6ds3trc @10;
    mmc5603nj @11;
  }
}

struct OperatingSystemLogEntry {
  id @0 :UInt8;
  ts @1 :UInt64;
  priority @2 :UInt8;
  pid @3 :Int32;
  tid @4 :Int32;
  tag @5 :Text;
  message @6 :Text;
}

struct EncodeData {
  idx @0 :Device.EncodeIndex;
  data @1 :Data;
  header @2 :Data;
  unixTimestampNanos @3 :UInt64;
  width @4 :UInt32;
  height @5 :UInt32;
}

struct SoundPressure {
  soundPressure @0 :Float32;
  soundPressureWeightedDb @1 :Float32;
  filteredSoundPressureWeightedDb @2 :Float32;
  soundPressureWeighted @3 :Float32;
}

struct AudioData {
  data @0 :Data;
  sampleRate @1 :UInt32;
}

struct Touch {
  sec @0 :Int64;
  usec @1 :Int64;
  type @2 :UInt8;
  code @3 :Int32;
  value @4 :Int32;
}

struct UploaderState {
  immediateQueueSize @0 :UInt32;
  immediateQueueCount @1 :UInt32;
  rawQueueSize @2 :UInt32;
  rawQueueCount @3 :UInt32;
  lastTime @4 :Float32;
  lastSpeed @5 :Float32;
  lastFilename @6 :Text;
}

struct NetworkInfo {
  technology @0 :Text;
  operator @1 :Text;
  band @2 :Text;
  channel @3 :UInt16;
  extra @4 :Text;
  state @5 :Text;
}

struct NetworkStats {
  wwanTx @0 :Int64;
  wwanRx @1 :Int64;
}

struct ThermalZone {
  name @0 :Text;
  temp @1 :Float32;
}

struct PandaCanState {
  busOff @0 :Bool;
  busOffCnt @1 :UInt32;
  errorWarning @2 :Bool;
  errorPassive @3 :Bool;
  lastError @4 :LecErrorCode;
  lastStoredError @5 :LecErrorCode;
  lastDataError @6 :LecErrorCode;
  lastDataStoredError @7 :LecErrorCode;
  receiveErrorCnt @8 :UInt8;
  transmitErrorCnt @9 :UInt8;
  totalErrorCnt @10 :UInt32;
  totalTxLostCnt @11 :UInt32;
  totalRxLostCnt @12 :UInt32;
  totalTxCnt @13 :UInt32;
  totalRxCnt @14 :UInt32;
  totalFwdCnt @15 :UInt32;
  canSpeed @16 :UInt16;
  canDataSpeed @17 :UInt16;
  canfdEnabled @18 :Bool;
  brsEnabled @19 :Bool;
  canfdNonIso @20 :Bool;
  irq0CallRate @21 :UInt32;
  irq1CallRate @22 :UInt32;
  irq2CallRate @23 :UInt32;
  canCoreResetCnt @24 :UInt32;

  enum LecErrorCode {
    noError @0;
    stuffError @1;
    formError @2;
    ackError @3;
    bit1Error @4;
    bit0Error @5;
    crcError @6;
    noChange @7;
  }
}

struct AndroidBuildInfo {
  board @0 :Text;
  bootloader @1 :Text;
  brand @2 :Text;
  device @3 :Text;
  display @4 :Text;
  fingerprint @5 :Text;
  hardware @6 :Text;
  host @7 :Text;
  id @8 :Text;
  manufacturer @9 :Text;
  model @10 :Text;
  product @11 :Text;
  radioVersion @12 :Text;
  serial @13 :Text;
  supportedAbis @14 :List(Text);
  tags @15 :Text;
  time @16 :Int64;
  type @17 :Text;
  user @18 :Text;
  versionCodename @19 :Text;
  versionRelease @20 :Text;
  versionSdk @21 :Int32;
  versionSecurityPatch @22 :Text;
}

struct AndroidSensor {
  id @0 :Int32;
  name @1 :Text;
  vendor @2 :Text;
  version @3 :Int32;
  handle @4 :Int32;
  type @5 :Int32;
  maxRange @6 :Float32;
  resolution @7 :Float32;
  power @8 :Float32;
  minDelay @9 :Int32;
  fifoReservedEventCount @10 :UInt32;
  fifoMaxEventCount @11 :UInt32;
  stringType @12 :Text;
  maxDelay @13 :Int32;
}

struct IosBuildInfo {
  appVersion @0 :Text;
  appBuild @1 :UInt32;
  osVersion @2 :Text;
  deviceModel @3 :Text;
}

struct AndroidCaptureResult {
  sensitivity @0 :Int32;
  frameDuration @1 :Int64;
  exposureTime @2 :Int64;
  rollingShutterSkew @3 :UInt64;
  colorCorrectionTransform @4 :List(Int32);
  colorCorrectionGains @5 :List(Float32);
  displayRotation @6 :Int8;
}

struct LiveUI {
  rearViewCam @0 :Bool;
  alertText1 @1 :Text;
  alertText2 @2 :Text;
  awarenessStatus @3 :Float32;
}

struct UiLayoutState {
  activeApp @0 :App;
  sidebarCollapsed @1 :Bool;
  mapEnabled @2 :Bool;
  mockEngaged @3 :Bool;

  enum App {
    home @0;
    music @1;
    nav @2;
    settings @3;
    none @4;
  }
}

struct LiveEventData {
  name @0 :Text;
  value @1 :Int32;
}

struct EthernetPacket {
  pkt @0 :Data;
  ts @1 :Float32;
}

struct CellInfo {
  timestamp @0 :UInt64;
  repr @1 :Text;
}

struct WifiScan {
  bssid @0 :Text;
  ssid @1 :Text;
  capabilities @2 :Text;
  frequency @3 :Int32;
  level @4 :Int32;
  timestamp @5 :Int64;
  centerFreq0 @6 :Int32;
  centerFreq1 @7 :Int32;
  channelWidth @8 :ChannelWidth;
  operatorFriendlyName @9 :Text;
  venueName @10 :Text;
  is80211mcResponder @11 :Bool;
  passpoint @12 :Bool;
  distanceCm @13 :Int32;
  distanceSdCm @14 :Int32;

  enum ChannelWidth {
    w20Mhz @0;
    w40Mhz @1;
    w80Mhz @2;
    w160Mhz @3;
    w80Plus80Mhz @4;
  }
}

struct AudioFeedback {
  audio @0 :AudioData;
  blockNum @1 :UInt16;
}
