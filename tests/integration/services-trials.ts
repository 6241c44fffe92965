/** Where the test's own servers are: ports on 127.0.0.1, and an address that is another host's. */
export interface Places {
  readonly app: number;
  readonly tls: number;
  readonly udp: number;
  readonly network: string;
}

interface Variant {
  readonly change: Readonly<Record<string, unknown>>;
  /** What the other value of the parameter makes of the same fault: another severity, or no alarm of that type. */
  readonly severity?: string;
}

/** One service, the fault's alarm, and what other parameters make of the same fault. */
export interface Trial {
  readonly service: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly alarm: string;
  readonly severity: string;
  readonly variants: readonly [Variant, Variant];
  /** The fault is there from the start, and what `break` does takes it away. */
  readonly isReversed?: true;
  readonly needsNetwork?: true;
}

export function trialsAt(places: Places): readonly Trial[] {
  return [
    {
      service: "link-errors",
      parameters: { equipment: "sw-1", errorsPerS: 5, clearBelow: 1 },
      ...{ alarm: "linkErrors", severity: "minor" },
      variants: [{ change: { errorsPerS: 1_000 } }, { change: { severity: "critical" }, severity: "critical" }],
    },
    {
      service: "ups-guardian",
      parameters: { equipment: "ups-1", onBatteryS: 0 },
      ...{ alarm: "onBattery", severity: "major" },
      variants: [{ change: { onBatteryS: 3_600 } }, { change: { severity: "critical" }, severity: "critical" }],
    },
    {
      service: "printer-supplies",
      parameters: { equipment: "printer-1", supplyPercent: 10 },
      ...{ alarm: "supplyLow", severity: "warning" },
      variants: [{ change: { supplyPercent: 2, emptyPercent: 0 } }, { change: { supplyPercent: 6 }, severity: "warning" }],
    },
    {
      service: "nas-guardian",
      parameters: { equipment: "nas-1", usedPercent: 85 },
      ...{ alarm: "volumeFull", severity: "major" },
      variants: [{ change: { usedPercent: 99 } }, { change: { volume: "/elsewhere" } }],
    },
    {
      service: "poe-auto-heal",
      parameters: { device: "cam-1", switch: "sw-1", portIndex: "1.12", silentPolls: 2, offS: 2, bootS: 10, perDay: 1 },
      ...{ alarm: "autoHealFailed", severity: "major" },
      variants: [{ change: { silentPolls: 100 } }, { change: { portIndex: "1.20", severity: "critical" }, severity: "critical" }],
    },
    {
      service: "bandwidth-contract",
      parameters: { equipment: "fw-1", interface: "igb1", inMbit: 0.1, outMbit: 0.1, windowS: 5 },
      ...{ alarm: "lineOverloaded", severity: "minor", isReversed: true },
      variants: [{ change: { inMbit: 100_000, outMbit: 100_000 } }, { change: { severity: "warning" }, severity: "warning" }],
    },
    {
      service: "failover-watch",
      parameters: { equipment: "fw-1", primary: "igb1", secondary: "igb0", windowS: 10 },
      ...{ alarm: "primaryLineDown", severity: "major" },
      variants: [{ change: { primary: "igb0", secondary: "igb1" } }, { change: { equipment: "sw-1", primary: "igb1" } }],
    },
    {
      service: "guest-wifi-health",
      parameters: { equipment: "ap-1", windowS: 5, channelPercent: 60 },
      ...{ alarm: "channelCrowded", severity: "minor" },
      variants: [{ change: { channelPercent: 100 } }, { change: { severity: "major" }, severity: "major" }],
    },
    {
      service: "config-change-watch",
      parameters: { equipment: "nas-1", holdMin: 0.2 },
      ...{ alarm: "configurationChanged", severity: "warning" },
      variants: [{ change: { restarts: false } }, { change: { severity: "minor" }, severity: "minor" }],
    },
    {
      service: "room-climate",
      parameters: { equipment: "sw-1", warnCelsius: 50, alarmCelsius: 60 },
      ...{ alarm: "temperatureHigh", severity: "major" },
      variants: [{ change: { warnCelsius: 80, alarmCelsius: 90 } }, { change: { severity: "critical" }, severity: "critical" }],
    },
    {
      service: "saas-experience",
      parameters: { applications: [{ name: "Shop", url: `http://127.0.0.1:${places.app}/` }], everyS: 10, runs: 1 },
      ...{ alarm: "applicationDown", severity: "major" },
      variants: [{ change: { runs: 20 } }, { change: { severity: "critical" }, severity: "critical" }],
    },
    {
      service: "certificate-expiry",
      parameters: { servers: [{ target: `127.0.0.1:${places.tls}` }], everyMin: 0.1 },
      ...{ alarm: "certificateExpires", severity: "major" },
      variants: [{ change: { alarmDays: 1, warnDays: 2 } }, { change: { severity: "minor" }, severity: "minor" }],
    },
    {
      service: "voip-readiness",
      // Only no answer at all is as bad as that: a busy machine's own jitter must not be the fault.
      parameters: { responder: `127.0.0.1:${places.udp}`, everyS: 10, minMos: 1.5, clearMos: 1.6 },
      ...{ alarm: "voiceQuality", severity: "minor" },
      variants: [{ change: { minMos: 1 } }, { change: { severity: "critical" }, severity: "critical" }],
    },
    {
      service: "internet-quality-watch",
      parameters: { targets: [{ host: places.network, kind: "line" }], everyS: 5, runs: 1 },
      ...{ alarm: "internetQuality", severity: "major", needsNetwork: true },
      variants: [{ change: { runs: 20 } }, { change: { severity: "critical" }, severity: "critical" }],
    },
    {
      service: "backup-freshness",
      parameters: { url: `http://${places.network}:8080/`, member: "last", everyMin: 0.1 },
      ...{ alarm: "backupStale", severity: "major", needsNetwork: true },
      variants: [{ change: { maxAgeHours: 720 } }, { change: { severity: "minor" }, severity: "minor" }],
    },
  ];
}
