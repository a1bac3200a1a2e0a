@0x9e63b1d70c85fa24;

# Events: why the driving software engaged, refused, warned or disengaged.
#
# Two structs of one layout: the numbering of EventName started over on 2024-10-03 (0.9.8).
#
# Every ordinal stands with its true type, because the place of a field on the wire follows from
# all the ordinals before it, and no ordinal ever changed its place. So one set of files reads the
# logs of every era since 2018. Names are the newest ones; "was" lists the older ones. A field of
# a type not described here is a placeholder of the right kind: AnyPointer for a struct or a list,
# UInt16 for an enum.

struct CarEvent {
  name @0 :EventName;
  enable @1 :Bool;
  noEntry @2 :Bool;
  warning @3 :Bool;
  userDisable @4 :Bool;
  softDisable @5 :Bool;
  immediateDisable @6 :Bool;
  preEnable @7 :Bool;
  permanent @8 :Bool;
  overrideLongitudinal @9 :Bool;  # was alert, override
  overrideLateral @10 :Bool;

  enum EventName {
    canError @0;
    steerUnavailable @1;
    brakeUnavailable @2;
    gasUnavailable @3;
    wrongGear @4;
    doorOpen @5;
    seatbeltNotLatched @6;
    espDisabled @7;
    wrongCarMode @8;
    steerTempUnavailable @9;
    reverseGear @10;
    buttonCancel @11;
    buttonEnable @12;
    pedalPressed @13;
    cruiseDisabled @14;
    radarCanError @15;
    dataNeeded @16;
    speedTooLow @17;
    outOfSpace @18;
    overheat @19;
    calibrationIncomplete @20;
    calibrationInvalid @21;
    controlsMismatch @22;
    pcmEnable @23;
    pcmDisable @24;
    noTarget @25;
    radarFault @26;
    modelCommIssue @27;
    brakeHold @28;
    parkBrake @29;
    manualRestart @30;
    lowSpeedLockout @31;
    plannerError @32;
    ipasOverride @33;
    joystickDebug @34;  # was debugAlert
    steerTempUnavailableSilent @35;  # was steerTempUnavailableUserOverride
    resumeRequired @36;
    preDriverDistracted @37;
    promptDriverDistracted @38;
    driverDistracted @39;
    geofence @40;
    driverMonitorOn @41;
    driverMonitorOff @42;
    preDriverUnresponsive @43;
    promptDriverUnresponsive @44;
    driverUnresponsive @45;
    belowSteerSpeed @46;
    calibrationProgress @47;
    lowBattery @48;
    invalidGiraffeHonda @49;
    paramsdTemporaryError @50;  # was vehicleModelInvalid
    accFaulted @51;  # was controlsFailed
    sensorDataInvalid @52;
    commIssue @53;
    tooDistracted @54;
    posenetInvalid @55;
    soundsUnavailable @56;
    preLaneChangeLeft @57;
    preLaneChangeRight @58;
    laneChange @59;
    invalidGiraffeToyota @60;
    internetConnectivityNeeded @61;  # was internetConnectionNeeded
    communityFeatureDisallowed @62;
    lowMemory @63;
    stockAeb @64;
    ldw @65;  # was ldwRight
    carUnrecognized @66;  # was ldwLeft
    radarCommIssue @67;
    driverMonitorLowAcc @68;
    invalidLkasSetting @69;
    speedTooHigh @70;
    laneChangeBlocked @71;
    relayMalfunction @72;
    preEnableStandstill @73;  # was gasPressed, pedalPressedPreEnable
    stockFcw @74;
    startup @75;
    startupNoCar @76;
    startupNoControl @77;
    startupMaster @78;
    fcw @79;
    steerSaturated @80;
    whitePandaUnsupported @81;  # was hardwareUnsupported
    startupOneplus @82;  # was startupWhitePanda, startupGreyPanda
    commIssueWarning @83;  # was canErrorPersistent
    belowEngageSpeed @84;
    noGps @85;
    focusRecoverActive @86;
    wrongCruiseMode @87;
    neosUpdateRequired @88;
    modeldLagging @89;
    deviceFalling @90;
    fanMalfunction @91;
    cameraMalfunction @92;
    modelLagWarning @93;
    gpsMalfunction @94;
    processNotRunning @95;
    dashcamMode @96;
    startupFuzzyFingerprint @97;
    selfdriveInitializing @98;  # was controlsInitializing
    usbError @99;
    roadCameraError @100;  # was cameraError
    driverCameraError @101;
    wideRoadCameraError @102;
    locationdTemporaryError @103;  # was startupDebug, localizerMalfunction
    startupNoFw @104;
    highCpuUsage @105;
    cruiseMismatch @106;
    lkasDisabled @107;
    gasPressedOverride @108;
    commIssueAvgFreq @109;
    cameraFrameRate @110;
    canBusMissing @111;
    selfdrivedLagging @112;  # was controlsdLagging
    resumeBlocked @113;
    steerOverride @114;
    steerTimeLimit @115;  # was gmAccFaultedTemp, accFaultedTemp
    vehicleSensorsInvalid @116;
    calibrationRecalibrating @117;
    locationdPermanentError @118;
    paramsdPermanentError @119;
    actuatorsApiUnavailable @120;
    espActive @121;
    personalityChanged @122;
    aeb @123;
    longitudinalManeuver @124;
    startupNoSecOcKey @125;
  }
}

struct OnroadEvent {
  name @0 :EventName;
  enable @1 :Bool;
  noEntry @2 :Bool;
  warning @3 :Bool;
  userDisable @4 :Bool;
  softDisable @5 :Bool;
  immediateDisable @6 :Bool;
  preEnable @7 :Bool;
  permanent @8 :Bool;
  overrideLongitudinal @9 :Bool;
  overrideLateral @10 :Bool;

  enum EventName {
    canError @0;
    steerUnavailable @1;
    wrongGear @2;
    doorOpen @3;
    seatbeltNotLatched @4;
    espDisabled @5;
    wrongCarMode @6;
    steerTempUnavailable @7;
    reverseGear @8;
    buttonCancel @9;
    buttonEnable @10;
    pedalPressed @11;
    preEnableStandstill @12;
    gasPressedOverride @13;
    steerOverride @14;
    cruiseDisabled @15;
    speedTooLow @16;
    outOfSpace @17;
    overheat @18;
    calibrationIncomplete @19;
    calibrationInvalid @20;
    calibrationRecalibrating @21;
    controlsMismatch @22;
    pcmEnable @23;
    pcmDisable @24;
    radarFault @25;
    brakeHold @26;
    parkBrake @27;
    manualRestart @28;
    joystickDebug @29;
    longitudinalManeuver @30;
    steerTempUnavailableSilent @31;
    resumeRequired @32;
    driverDistracted1 @33;  # was preDriverDistracted
    driverDistracted2 @34;  # was promptDriverDistracted
    driverDistracted3 @35;  # was driverDistracted
    driverUnresponsive1 @36;  # was preDriverUnresponsive
    driverUnresponsive2 @37;  # was promptDriverUnresponsive
    driverUnresponsive3 @38;  # was driverUnresponsive
    belowSteerSpeed @39;
    lowBattery @40;
    accFaulted @41;
    sensorDataInvalid @42;
    commIssue @43;
    commIssueAvgFreq @44;
    tooDistracted @45;
    posenetInvalid @46;
    soundsUnavailable @47;
    preLaneChangeLeft @48;
    preLaneChangeRight @49;
    laneChange @50;
    lowMemory @51;
    stockAeb @52;
    ldw @53;
    carUnrecognized @54;
    invalidLkasSetting @55;
    speedTooHigh @56;
    laneChangeBlocked @57;
    relayMalfunction @58;
    stockFcw @59;
    startup @60;
    startupNoCar @61;
    startupNoControl @62;
    startupNoSecOcKey @63;
    startupMaster @64;
    fcw @65;
    steerSaturated @66;
    belowEngageSpeed @67;
    noGps @68;
    wrongCruiseMode @69;
    modeldLagging @70;
    deviceFalling @71;
    fanMalfunction @72;
    cameraMalfunction @73;
    cameraFrameRate @74;
    processNotRunning @75;
    dashcamMode @76;
    selfdriveInitializing @77;
    usbError @78;
    cruiseMismatch @79;
    canBusMissing @80;
    selfdrivedLagging @81;
    resumeBlocked @82;
    steerTimeLimit @83;
    vehicleSensorsInvalid @84;
    locationdTemporaryError @85;
    locationdPermanentError @86;
    paramsdTemporaryError @87;
    paramsdPermanentError @88;
    actuatorsApiUnavailable @89;
    espActive @90;
    personalityChanged @91;
    aeb @92;
    radarTempUnavailable @93;
    steerDisengage @94;
    userBookmark @95;  # was userFlag
    excessiveActuation @96;
    audioFeedback @97;
    stockLkas @98;
    lateralManeuver @99;
    bigModelLoading @100;
    bigModelReady @101;
    bigModelFailed @102;
    carNotReady @103;
    userBookmarkNotPaired @104;
  }
}

# sunnypilot's own events, beside the others. Until 2025-03-28 the list stood where the struct does.
struct OnroadEventsSP {
  events @0 :List(OnroadEventSP);
}

struct OnroadEventSP {
  name @0 :EventName;
  enable @1 :Bool;
  noEntry @2 :Bool;
  warning @3 :Bool;
  userDisable @4 :Bool;
  softDisable @5 :Bool;
  immediateDisable @6 :Bool;
  preEnable @7 :Bool;
  permanent @8 :Bool;
  overrideLongitudinal @9 :Bool;
  overrideLateral @10 :Bool;

  enum EventName {
    lkasEnable @0;
    lkasDisable @1;
    manualSteeringRequired @2;
    manualLongitudinalRequired @3;
    silentLkasEnable @4;
    silentLkasDisable @5;
    silentBrakeHold @6;
    silentWrongGear @7;
    silentReverseGear @8;
    silentDoorOpen @9;
    silentSeatbeltNotLatched @10;
    silentParkBrake @11;
    controlsMismatchLateral @12;
    hyundaiRadarTracksConfirmed @13;
    experimentalModeSwitched @14;
    wrongCarModeAlertOnly @15;
    pedalPressedAlertOnly @16;
    laneTurnLeft @17;
    laneTurnRight @18;
    speedLimitPreActive @19;
    speedLimitActive @20;
    speedLimitChanged @21;
    speedLimitPending @22;
    e2eChime @23;
    laneChangeRoadEdge @24;
    bigModelReady @25;
  }
}
