/** Names of well-known integer states, by the enumeration's name (`unit: "enum:NAME"`). Sources: IF-MIB, HOST-RESOURCES-MIB, EtherLike-MIB. */
const enumerations: Readonly<Record<string, readonly string[]>> = {
  ifOperStatus: ["", "up", "down", "testing", "unknown", "dormant", "not present", "lower layer down"],
  ifAdminStatus: ["", "up", "down", "testing"],
  hrDeviceStatus: ["", "unknown", "running", "warning", "testing", "down"],
  hrPrinterStatus: ["", "other", "unknown", "idle", "printing", "warm-up"],
  hrSWRunStatus: ["", "running", "runnable", "not runnable", "invalid"],
  dot3StatsDuplexStatus: ["", "unknown", "half duplex", "full duplex"],
  upsOutputSource: ["", "other", "none", "normal", "bypass", "battery", "booster", "reducer"],
  upsBatteryStatus: ["", "unknown", "normal", "low", "depleted"],
  entStateOper: ["", "unknown", "disabled", "enabled", "testing"],
};

/** The name of a state; undefined = not one of the well-known. */
export function stateName(enumeration: string, value: number): string | undefined {
  const name = enumerations[enumeration]?.[value];
  return name === "" ? undefined : name;
}
