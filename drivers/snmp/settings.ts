/** Settings of one equipment under the snmp driver, with defaults filled in. */
export interface SnmpSettings {
  readonly timeoutMs: number;
  readonly retries: number;
  /** Metric sets switched on or off by name, whatever probing finds or the set's own default is. */
  readonly sets: Readonly<Record<string, boolean>>;
  /** Speed of links in bit/s by row key, where the device does not know it. */
  readonly speeds: Readonly<Record<string, number>>;
  readonly maxRowsPerTable: number;
  readonly maxTables: number;
  readonly maxSeries: number;
  readonly slowIntervalMs: number;
  readonly rareIntervalMs: number;
  readonly inventoryIntervalMs: number;
  /** Loopbacks, virtual twins and other rows that are left out by default are polled too. */
  readonly keepSkippedRows: boolean;
  readonly allowSet: boolean;
}

export const defaultSettings: SnmpSettings = Object.freeze({
  timeoutMs: 2_000,
  retries: 2,
  sets: {},
  speeds: {},
  maxRowsPerTable: 5_000,
  maxTables: 64,
  maxSeries: 50_000,
  slowIntervalMs: 300_000,
  rareIntervalMs: 900_000,
  inventoryIntervalMs: 86_400_000,
  keepSkippedRows: false,
  allowSet: false,
});

/** JSON Schema (draft 2020-12) of Equipment.settings for `driver: snmp`. */
export const settingsSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  properties: {
    timeoutMs: integer(250, 10_000, defaultSettings.timeoutMs, "Time to wait for one answer; the session learns shorter and longer ones."),
    retries: integer(0, 5, defaultSettings.retries, "How often a request is repeated before the poll of a table is given up."),
    sets: {
      type: "object",
      description: "Metric sets by name: true switches an optional set on, false switches a set off.",
      additionalProperties: { type: "boolean" },
      propertyNames: { pattern: "^[a-z0-9][a-z0-9-]{0,62}$" },
      maxProperties: 128,
      default: {},
    },
    speeds: {
      type: "object",
      description: "Link speeds in bit/s by interface name, where the device reports none or a wrong one.",
      additionalProperties: { type: "number", minimum: 1, maximum: 1e13 },
      maxProperties: 5_000,
      default: {},
    },
    maxRowsPerTable: integer(1, 100_000, defaultSettings.maxRowsPerTable, "Rows beyond this are not polled; an event names the table."),
    maxTables: integer(1, 1_000, defaultSettings.maxTables, "Tables beyond this are not polled; an event names them."),
    maxSeries: integer(
      1,
      1_000_000,
      defaultSettings.maxSeries,
      "Series (rows x columns) of this equipment; tables beyond it are not polled.",
    ),
    slowIntervalMs: integer(1_000, 86_400_000, defaultSettings.slowIntervalMs, "How often slow tables (storage, supplies) are read."),
    rareIntervalMs: integer(10_000, 86_400_000, defaultSettings.rareIntervalMs, "How often names are verified and rare tables read."),
    inventoryIntervalMs: integer(
      60_000,
      604_800_000,
      defaultSettings.inventoryIntervalMs,
      "How often the inventory is read without a reason.",
    ),
    keepSkippedRows: { type: "boolean", description: "Poll loopbacks, virtual twins and empty volumes too.", default: false },
    allowSet: { type: "boolean", description: "Allow SNMP SET by command (auto-heal services).", default: false },
  },
};

function integer(minimum: number, maximum: number, defaultValue: number, description: string): Record<string, unknown> {
  return { type: "integer", minimum, maximum, default: defaultValue, description };
}

/** Fills in defaults. The settings were validated against the schema when the configuration was loaded; what is not of its type is ignored. */
export function parseSettings(settings: Readonly<Record<string, unknown>> | undefined): SnmpSettings {
  const given = settings ?? {};
  if (Object.keys(given).length === 0) return defaultSettings;
  return Object.freeze({
    timeoutMs: numberOr(given.timeoutMs, defaultSettings.timeoutMs),
    retries: numberOr(given.retries, defaultSettings.retries),
    sets: entriesOf(given.sets, (value): value is boolean => typeof value === "boolean"),
    speeds: entriesOf(given.speeds, (value): value is number => typeof value === "number" && value > 0),
    maxRowsPerTable: numberOr(given.maxRowsPerTable, defaultSettings.maxRowsPerTable),
    maxTables: numberOr(given.maxTables, defaultSettings.maxTables),
    maxSeries: numberOr(given.maxSeries, defaultSettings.maxSeries),
    slowIntervalMs: numberOr(given.slowIntervalMs, defaultSettings.slowIntervalMs),
    rareIntervalMs: numberOr(given.rareIntervalMs, defaultSettings.rareIntervalMs),
    inventoryIntervalMs: numberOr(given.inventoryIntervalMs, defaultSettings.inventoryIntervalMs),
    keepSkippedRows: given.keepSkippedRows === true,
    allowSet: given.allowSet === true,
  });
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

function entriesOf<T>(value: unknown, isEntry: (entry: unknown) => entry is T): Readonly<Record<string, T>> {
  if (typeof value !== "object" || value === null) return {};
  const entries: [string, T][] = [];
  for (const [name, entry] of Object.entries(value)) if (isEntry(entry)) entries.push([name, entry]);
  return Object.freeze(Object.fromEntries(entries));
}
