@0xeb38102f35f9ebc0;

# What driving models say: paths, lane lines, leads, poses; the first one's and the newest's.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place.

struct XYZTData {
  x @0 :List(Float32);
  y @1 :List(Float32);
  z @2 :List(Float32);
  t @3 :List(Float32);
  xStd @4 :List(Float32);
  yStd @5 :List(Float32);
  zStd @6 :List(Float32);
}

struct LeadDataV2 {
  prob @0 :Float32;
  t @1 :Float32;
  xyva @2 :List(Float32);
  xyvaStd @3 :List(Float32);
}

struct LeadDataV3 {
  prob @0 :Float32;
  probTime @1 :Float32;
  t @2 :List(Float32);
  x @3 :List(Float32);
  xStd @4 :List(Float32);
  y @5 :List(Float32);
  yStd @6 :List(Float32);
  v @7 :List(Float32);
  vStd @8 :List(Float32);
  a @9 :List(Float32);
  aStd @10 :List(Float32);
}

struct Pose {
  trans @0 :List(Float32);
  rot @1 :List(Float32);
  transStd @2 :List(Float32);
  rotStd @3 :List(Float32);
}

struct LateralPlannerSolution {
  x @0 :List(Float32);
  y @1 :List(Float32);
  yaw @2 :List(Float32);
  yawRate @3 :List(Float32);
  xStd @4 :List(Float32);
  yStd @5 :List(Float32);
  yawStd @6 :List(Float32);
  yawRateStd @7 :List(Float32);
}

struct LaneLineMeta {
  leftY @0 :Float32;
  rightY @1 :Float32;
  leftProb @2 :Float32;
  rightProb @3 :Float32;
}

struct PolyPath {
  xCoefficients @0 :List(Float32);
  yCoefficients @1 :List(Float32);
  zCoefficients @2 :List(Float32);
}

struct UiPlan {
  position @0 :XYZTData;
  accel @1 :List(Float32);
  frameId @2 :UInt32;
}

struct NavModelData {
  frameId @0 :UInt32;
  modelExecutionTime @1 :Float32;
  dspExecutionTime @2 :Float32;
  features @3 :List(Float32);
  position @4 :XYData;
  desirePrediction @5 :List(Float32);
  locationMonoTime @6 :UInt64;

  struct XYData {
    x @0 :List(Float32);
    y @1 :List(Float32);
    xStd @2 :List(Float32);
    yStd @3 :List(Float32);
  }
}

# The first driving model, until 2021.
struct ModelData {
  frameId @0 :UInt32;
  path @1 :PathData;
  leftLane @2 :PathData;
  rightLane @3 :PathData;
  lead @4 :LeadData;
  settings @5 :ModelSettings;
  freePath @6 :List(Float32);
  leadFuture @7 :LeadData;
  speed @8 :List(Float32);
  timestampEof @9 :UInt64;
  meta @10 :MetaData;
  longitudinal @11 :LongitudinalData;
  frameAge @12 :UInt32;
  frameDropPerc @13 :Float32;
  modelExecutionTime @14 :Float32;
  rawPred @15 :Data;
  gpuExecutionTime @16 :Float32;

  struct PathData {
    points @0 :List(Float32);
    prob @1 :Float32;
    std @2 :Float32;
    stds @3 :List(Float32);
    poly @4 :List(Float32);
    validLen @5 :Float32;
  }

  struct LeadData {
    dist @0 :Float32;
    prob @1 :Float32;
    std @2 :Float32;
    relVel @3 :Float32;
    relVelStd @4 :Float32;
    relY @5 :Float32;
    relYStd @6 :Float32;
    relA @7 :Float32;
    relAStd @8 :Float32;
  }

  struct ModelSettings {
    bigBoxX @0 :UInt16;
    bigBoxY @1 :UInt16;
    bigBoxWidth @2 :UInt16;
    bigBoxHeight @3 :UInt16;
    boxProjection @4 :List(Float32);
    yuvCorrection @5 :List(Float32);
    inputTransform @6 :List(Float32);
  }

  struct MetaData {
    engagedProb @0 :Float32;
    desirePrediction @1 :List(Float32);
    brakeDisengageProb @2 :Float32;
    gasDisengageProb @3 :Float32;
    steerOverrideProb @4 :Float32;
    desireState @5 :List(Float32);
  }

  struct LongitudinalData {
    speeds @0 :List(Float32);
    accelerations @1 :List(Float32);
    distances @2 :List(Float32);
  }
}

# The driver monitoring model, until 2022.
struct DriverState {
  frameId @0 :UInt32;
  descriptor @1 :List(Float32);
  std @2 :Float32;
  faceOrientation @3 :List(Float32);
  facePosition @4 :List(Float32);
  faceProb @5 :Float32;
  leftEyeProb @6 :Float32;
  rightEyeProb @7 :Float32;
  leftBlinkProb @8 :Float32;
  rightBlinkProb @9 :Float32;
  irPwr @10 :Float32;
  faceOrientationStd @11 :List(Float32);
  facePositionStd @12 :List(Float32);
  sunglassesProb @13 :Float32;
  modelExecutionTime @14 :Float32;
  rawPredictions @15 :Data;
  dspExecutionTime @16 :Float32;
  poorVision @17 :Float32;
  partialFace @18 :Float32;
  distractedPose @19 :Float32;
  distractedEyes @20 :Float32;
  eyesOnRoad @21 :Float32;
  phoneUse @22 :Float32;
  occludedProb @23 :Float32;
  readyProb @24 :List(Float32);
  notReadyProb @25 :List(Float32);
}
