@0xb0c9a7e3d41f5821;

# Event, the one message that a log is made of: a time, and a union of everything that is logged.
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place. So one set of files reads the
# logs of every era since 2018. Names are the newest ones; "was" lists the older ones. A field of
# a type not described here is a placeholder of the right kind: AnyPointer for a struct or a list,
# UInt16 for an enum.
# Member names of Event are the ones people know: a service that was renamed in August 2026 stands
# under the name that it had for years, with the newest one in the comment.

using Car = import "car.capnp";
using Control = import "control.capnp";
using Device = import "device.capnp";
using Events = import "events.capnp";
using Machine = import "machine.capnp";
using Model = import "model.capnp";
using Navigation = import "navigation.capnp";
using Retired = import "retired.capnp";
using Selfdrive = import "selfdrive.capnp";

struct Event {
  logMonoTime @0 :UInt64;  # ns; logs are not sorted by it
  valid @67 :Bool = true;

  union {
    initData @1 :Device.InitData;
    roadCameraState @2 :Device.FrameData;  # also frame, narrowRoadCameraState
    gpsNMEA @3 :Navigation.GPSNMEAData;
    sensorEvent @4 :Machine.SensorEventData;
    can @5 :List(Device.CanData);
    deviceState @6 :Device.DeviceState;  # also thermal
    controlsState @7 :Selfdrive.ControlsState;  # also live100
    liveEvent @8 :List(Machine.LiveEventData);
    model @9 :Model.ModelData;
    features @10 :Retired.CalibrationFeatures;
    sensorEvents @11 :List(Machine.SensorEventData);
    pandaState @12 :Device.PandaState;  # also health
    radarState @13 :Selfdrive.RadarState;  # also live20
    liveUI @14 :Machine.LiveUI;
    roadEncodeIdx @15 :Device.EncodeIndex;  # also encodeIdx, narrowRoadEncodeIdx
    liveTracks16 @16 :List(Control.LiveTracks);  # also liveTracks
    sendcan @17 :List(Device.CanData);
    logMessage @18 :Text;
    liveCalibration @19 :Selfdrive.LiveCalibrationData;  # also extrinsicsCalibration
    operatingSystemLog @20 :Machine.OperatingSystemLogEntry;  # also androidLogEntry, androidLog
    gpsLocation @21 :Device.GpsLocationData;
    carState @22 :Car.CarState;
    carControl @23 :Car.CarControl;
    longitudinalPlan @24 :Selfdrive.LongitudinalPlan;  # also plan
    liveLocation @25 :Navigation.LiveLocationData;
    ethernetData @26 :List(Machine.EthernetPacket);
    navUpdate @27 :Retired.NavUpdate;
    cellInfo @28 :List(Machine.CellInfo);
    wifiScan @29 :List(Machine.WifiScan);
    androidGnss @30 :Retired.AndroidGnss;
    qcomGnss @31 :Navigation.QcomGnss;
    lidarPts @32 :Retired.LidarPts;
    procLog @33 :Machine.ProcLog;
    ubloxGnss @34 :Navigation.UbloxGnss;
    clocks @35 :Device.Clocks;
    liveMpc @36 :Control.LiveMpcData;
    liveLongitudinalMpc @37 :Control.LiveLongitudinalMpcData;
    navStatus @38 :Navigation.NavStatus;
    ubloxRaw @39 :Data;
    gpsPlannerPoints @40 :Navigation.GPSPlannerPoints;
    gpsPlannerPlan @41 :Navigation.GPSPlannerPlan;
    applanixRaw @42 :Data;
    trafficEvents @43 :List(Retired.TrafficEvent);  # also trafficSigns
    liveLocationTiming @44 :Navigation.LiveLocationData;
    orbslamCorrection @45 :Retired.OrbslamCorrection;
    liveLocationCorrected @46 :Navigation.LiveLocationData;
    orbObservation @47 :List(Retired.OrbObservation);
    gpsLocationExternal @48 :Device.GpsLocationData;
    location @49 :Navigation.LiveLocationData;
    uiNavigationEvent @50 :Retired.UiNavigationEvent;
    liveLocationKalman51 @51 :Navigation.LiveLocationData;  # also liveLocationKalmanLegacy, liveLocationKalman
    testJoystick @52 :Selfdrive.Joystick;
    orbOdometry @53 :Retired.OrbOdometry;
    orbFeatures @54 :Retired.OrbFeatures;
    applanixLocation @55 :Navigation.LiveLocationData;
    orbKeyFrame @56 :Retired.OrbKeyFrame;
    uiLayoutState @57 :Machine.UiLayoutState;
    orbFeaturesSummary @58 :Retired.OrbFeaturesSummary;
    driverState @59 :Model.DriverState;  # also driverMonitoring
    boot @60 :Device.Boot;
    liveParameters @61 :Selfdrive.LiveParametersData;  # also vehicleParameters
    liveMapData @62 :Selfdrive.LiveMapData;
    cameraOdometry @63 :Selfdrive.CameraOdometry;
    lateralPlan @64 :Selfdrive.LateralPlan;  # also pathPlan
    kalmanOdometry @65 :Navigation.KalmanOdometry;
    thumbnail @66 :Device.Thumbnail;
    carEvents @68 :List(Events.CarEvent);  # also events, onroadEvents
    carParams @69 :Car.CarParams;
    driverCameraState @70 :Device.FrameData;  # also frontFrame, cabinCameraState
    driverMonitoringState71 @71 :Selfdrive.DriverMonitoringState71;  # also monitorState
    liveLocationKalman @72 :Selfdrive.LiveLocationKalman;
    sentinel @73 :Device.Sentinel;
    wideRoadCameraState @74 :Device.FrameData;  # also wideFrame
    modelV2 @75 :Selfdrive.ModelDataV2;
    driverEncodeIdx @76 :Device.EncodeIndex;  # also frontEncodeIdx, cabinEncodeIdx
    wideRoadEncodeIdx @77 :Device.EncodeIndex;  # also wideEncodeIdx
    managerState @78 :Device.ManagerState;
    uploaderState @79 :Machine.UploaderState;
    peripheralState @80 :Device.PeripheralState;
    pandaStates @81 :List(Device.PandaState);
    navInstruction @82 :Navigation.NavInstruction;
    navRoute @83 :Navigation.NavRoute;
    navThumbnail @84 :Device.Thumbnail;
    errorLogMessage @85 :Text;
    roadEncodeData @86 :Machine.EncodeData;  # also narrowRoadEncodeData
    driverEncodeData @87 :Machine.EncodeData;  # also cabinEncodeData
    wideRoadEncodeData @88 :Machine.EncodeData;
    qRoadEncodeData @89 :Machine.EncodeData;  # also qNarrowRoadEncodeData
    qRoadEncodeIdx @90 :Device.EncodeIndex;  # also qNarrowRoadEncodeIdx
    gnssMeasurements @91 :Navigation.GnssMeasurements;
    driverStateV2 @92 :Selfdrive.DriverStateV2;
    userBookmark @93 :Selfdrive.UserBookmark;  # also userFlag
    liveTorqueParameters @94 :Selfdrive.LiveTorqueParametersData;  # also lateralTorqueParameters
    magnetometer @95 :Machine.SensorEventData;
    lightSensor @96 :Machine.SensorEventData;
    temperatureSensor @97 :Machine.SensorEventData;
    accelerometer @98 :Machine.SensorEventData;
    gyroscope @99 :Machine.SensorEventData;
    gyroscope2 @100 :Machine.SensorEventData;
    accelerometer2 @101 :Machine.SensorEventData;
    uiDebug @102 :Device.UIDebug;
    soundPressure @103 :Machine.SoundPressure;  # also microphone
    navModel @104 :Model.NavModelData;
    mapRenderState @105 :Navigation.MapRenderState;
    uiPlan @106 :Model.UiPlan;
    selfdriveStateSP @107 :Selfdrive.SelfdriveStateSP;  # also customReserved0
    modelManagerSP @108 :AnyPointer;  # also customReserved1
    longitudinalPlanSP @109 :AnyPointer;  # also customReserved2
    onroadEventsSP @110 :Events.OnroadEventsSP;  # also customReserved3
    carParamsSP @111 :AnyPointer;  # also customReserved4
    carControlSP @112 :AnyPointer;  # also customReserved5
    backupManagerSP @113 :AnyPointer;  # also customReserved6
    carStateSP @114 :AnyPointer;  # also customReserved7
    liveMapDataSP @115 :AnyPointer;  # also customReserved8
    modelDataV2SP @116 :AnyPointer;  # also customReserved9
    livestreamRoadEncodeIdx @117 :Device.EncodeIndex;  # also livestreamNarrowRoadEncodeIdx
    livestreamWideRoadEncodeIdx @118 :Device.EncodeIndex;
    livestreamDriverEncodeIdx @119 :Device.EncodeIndex;  # also livestreamCabinEncodeIdx
    livestreamRoadEncodeData @120 :Machine.EncodeData;  # also livestreamNarrowRoadEncodeData
    livestreamWideRoadEncodeData @121 :Machine.EncodeData;
    livestreamDriverEncodeData @122 :Machine.EncodeData;  # also livestreamCabinEncodeData
    temperatureSensor2 @123 :Machine.SensorEventData;
    customReservedRawData0 @124 :Data;
    customReservedRawData1 @125 :Data;
    customReservedRawData2 @126 :Data;
    carOutput @127 :Car.CarOutput;
    drivingModelData @128 :Selfdrive.DrivingModelData;
    livePose @129 :Selfdrive.LivePose;  # also deviceMotion
    selfdriveState @130 :Selfdrive.SelfdriveState;
    liveTracks @131 :Control.RadarData;  # also radarTracks
    driverAssistance @132 :Selfdrive.DriverAssistance;
    alertDebug @133 :Selfdrive.DebugAlert;
    onroadEvents @134 :List(Events.OnroadEvent);
    touch @135 :List(Machine.Touch);
    customReserved10 @136 :AnyPointer;
    customReserved11 @137 :AnyPointer;
    customReserved12 @138 :AnyPointer;
    customReserved13 @139 :AnyPointer;
    customReserved14 @140 :AnyPointer;
    customReserved15 @141 :AnyPointer;
    customReserved16 @142 :AnyPointer;
    customReserved17 @143 :AnyPointer;
    customReserved18 @144 :AnyPointer;
    customReserved19 @145 :AnyPointer;
    liveDelay @146 :Selfdrive.LiveDelayData;  # also lateralDelay
    rawAudioData @147 :Machine.AudioData;
    bookmarkButton @148 :Selfdrive.UserBookmark;
    audioFeedback @149 :Machine.AudioFeedback;
    lateralManeuverPlan @150 :AnyPointer;
    driverMonitoringState @151 :Selfdrive.DriverMonitoringState;
    chestnutState @152 :AnyPointer;
    chestnutGpuState @153 :AnyPointer;
    livestreamAudio @154 :Machine.AudioData;
  }
}
