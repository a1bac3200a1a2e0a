@0xe062375834e024b3;

# What was logged before 2021, and by nobody since: visual odometry, lidar, Android's own GNSS.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place.

using Navigation = import "navigation.capnp";

struct OrbslamCorrection {
  correctionMonoTime @0 :UInt64;
  prePositionECEF @1 :List(Float64);
  postPositionECEF @2 :List(Float64);
  prePoseQuatECEF @3 :List(Float32);
  postPoseQuatECEF @4 :List(Float32);
  numInliers @5 :UInt32;
}

struct OrbOdometry {
  startMonoTime @0 :UInt64;
  endMonoTime @1 :UInt64;
  f @2 :List(Float64);
  err @3 :Float64;
  inliers @4 :Int32;
  matches @5 :List(Int16);
}

struct OrbFeatures {
  timestampEof @0 :UInt64;
  xs @1 :List(Float32);
  ys @2 :List(Float32);
  descriptors @3 :Data;
  octaves @4 :List(Int8);
  timestampLastEof @5 :UInt64;
  matches @6 :List(Int16);
}

struct OrbFeaturesSummary {
  timestampEof @0 :UInt64;
  timestampLastEof @1 :UInt64;
  featureCount @2 :UInt16;
  matchCount @3 :UInt16;
  computeNs @4 :UInt64;
}

struct OrbKeyFrame {
  id @0 :UInt64;
  pos @1 :Navigation.ECEFPoint;
  dpos @2 :List(Navigation.ECEFPoint);
  descriptors @3 :Data;
}

struct OrbObservation {
  observationMonoTime @0 :UInt64;
  normalizedCoordinates @1 :List(Float32);
  locationECEF @2 :List(Float64);
  matchDistance @3 :UInt32;
}

struct CalibrationFeatures {
  frameId @0 :UInt32;
  p0 @1 :List(Float32);
  p1 @2 :List(Float32);
  status @3 :List(Int8);
}

struct UiNavigationEvent {
  type @0 :Type;
  status @1 :Status;
  distanceTo @2 :Float32;
  endRoadPoint32 @3 :Navigation.ECEFPoint32;
  endRoadPoint @4 :Navigation.ECEFPoint;

  enum Type {
    none @0;
    laneChangeLeft @1;
    laneChangeRight @2;
    mergeLeft @3;
    mergeRight @4;
    turnLeft @5;
    turnRight @6;
  }

  enum Status {
    none @0;
    passive @1;
    approaching @2;
    active @3;
  }
}

struct NavUpdate {
  isNavigating @0 :Bool;
  curSegment @1 :Int32;
  segments @2 :List(Segment);

  struct LatLng {
    lat @0 :Float64;
    lng @1 :Float64;
  }

  struct Segment {
    from @0 :LatLng;
    to @1 :LatLng;
    updateTime @2 :Int32;
    distance @3 :Int32;
    crossTime @4 :Int32;
    exitNo @5 :Int32;
    instruction @6 :Instruction;
    parts @7 :List(LatLng);
  }

  enum Instruction {
    turnLeft @0;
    turnRight @1;
    keepLeft @2;
    keepRight @3;
    straight @4;
    roundaboutExitNumber @5;
    roundaboutExit @6;
    roundaboutTurnLeft @7;
    unkn8 @8;
    roundaboutStraight @9;
    unkn10 @10;
    roundaboutTurnRight @11;
    unkn12 @12;
    roundaboutUturn @13;
    unkn14 @14;
    arrive @15;
    exitLeft @16;
    exitRight @17;
    unkn18 @18;
    uturn @19;
  }
}

struct TrafficEvent {
  type @0 :Type;
  distance @1 :Float32;
  action @2 :Action;
  resuming @3 :Bool;

  enum Type {
    stopSign @0;
    lightRed @1;
    lightYellow @2;
    lightGreen @3;
    stopLight @4;
  }

  enum Action {
    none @0;
    yield @1;
    stop @2;
    resumeReady @3;
  }
}

struct LidarPts {
  r @0 :List(UInt16);
  theta @1 :List(UInt16);
  reflect @2 :List(UInt8);
  idx @3 :UInt64;
  pkt @4 :Data;
}

struct AndroidGnss {
  union {
    measurements @0 :Measurements;
    navigationMessage @1 :NavigationMessage;
  }

  struct Measurements {
    clock @0 :Clock;
    measurements @1 :List(Measurement);

    struct Clock {
      timeNanos @0 :Int64;
      hardwareClockDiscontinuityCount @1 :Int32;
      hasTimeUncertaintyNanos @2 :Bool;
      timeUncertaintyNanos @3 :Float64;
      hasLeapSecond @4 :Bool;
      leapSecond @5 :Int32;
      hasFullBiasNanos @6 :Bool;
      fullBiasNanos @7 :Int64;
      hasBiasNanos @8 :Bool;
      biasNanos @9 :Float64;
      hasBiasUncertaintyNanos @10 :Bool;
      biasUncertaintyNanos @11 :Float64;
      hasDriftNanosPerSecond @12 :Bool;
      driftNanosPerSecond @13 :Float64;
      hasDriftUncertaintyNanosPerSecond @14 :Bool;
      driftUncertaintyNanosPerSecond @15 :Float64;
    }

    struct Measurement {
      svId @0 :Int32;
      constellation @1 :Constellation;
      timeOffsetNanos @2 :Float64;
      state @3 :Int32;
      receivedSvTimeNanos @4 :Int64;
      receivedSvTimeUncertaintyNanos @5 :Int64;
      cn0DbHz @6 :Float64;
      pseudorangeRateMetersPerSecond @7 :Float64;
      pseudorangeRateUncertaintyMetersPerSecond @8 :Float64;
      accumulatedDeltaRangeState @9 :Int32;
      accumulatedDeltaRangeMeters @10 :Float64;
      accumulatedDeltaRangeUncertaintyMeters @11 :Float64;
      hasCarrierFrequencyHz @12 :Bool;
      carrierFrequencyHz @13 :Float32;
      hasCarrierCycles @14 :Bool;
      carrierCycles @15 :Int64;
      hasCarrierPhase @16 :Bool;
      carrierPhase @17 :Float64;
      hasCarrierPhaseUncertainty @18 :Bool;
      carrierPhaseUncertainty @19 :Float64;
      hasSnrInDb @20 :Bool;
      snrInDb @21 :Float64;
      multipathIndicator @22 :MultipathIndicator;
    }

    enum Constellation {
      unknown @0;
      gps @1;
      sbas @2;
      glonass @3;
      qzss @4;
      beidou @5;
      galileo @6;
    }

    enum MultipathIndicator {
      unknown @0;
      detected @1;
      notDetected @2;
    }
  }

  struct NavigationMessage {
    type @0 :Int32;
    svId @1 :Int32;
    messageId @2 :Int32;
    submessageId @3 :Int32;
    data @4 :Data;
    status @5 :Status;

    enum Status {
      unknown @0;
      parityPassed @1;
      parityRebuilt @2;
    }
  }
}
