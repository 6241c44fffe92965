import type { Filter, FromHost, Subscription } from "./protocol.ts";

/** Bounds of what the flow host may say; it is untrusted. */
const maxSubscriptions = 4_000;
const maxTypes = 1_000;
const maxMissing = 200;
const maxUnits = 600;

type Fields = Readonly<Record<string, unknown>>;

/** Reads one message of the flow host. @returns undefined = not one: dropped and counted */
export function parseHostMessage(text: string): FromHost | undefined {
  const fields = parseObject(text);
  const kind = fields?.["t"];
  // Own members only: "toString" is none of ours, and "__proto__" no function.
  if (fields === undefined || typeof kind !== "string" || !Object.hasOwn(readers, kind)) return undefined;
  return readers[kind]?.(fields);
}

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    // Not JSON: the caller counts it.
    return undefined;
  }
}

const readers: Readonly<Record<string, (fields: Fields) => FromHost | undefined>> = {
  ready: (f) => ({ t: "ready", types: texts(f["types"], maxTypes, 80), nodeRed: text(f["nodeRed"], 20), tookMs: number(f["tookMs"]) }),
  pong: (f) => ({
    t: "pong",
    n: number(f["n"]),
    created: number(f["created"]),
    heapBytes: number(f["heapBytes"]),
    dropped: Object.fromEntries(
      Object.entries(isFields(f["dropped"]) ? f["dropped"] : {})
        .slice(0, maxUnits)
        .map(([unit, count]) => [unit.slice(0, 80), number(count)]),
    ),
  }),
  deployed: (f) => ({
    t: "deployed",
    n: number(f["n"]),
    missing: texts(f["missing"], maxMissing, 128),
    created: number(f["created"]),
    ...(typeof f["error"] === "string" ? { error: text(f["error"], 500) } : {}),
  }),
  ack: (f) => ({ t: "ack", frames: Math.max(0, Math.min(number(f["frames"]), 8)) }),
  subscribe: (f) => {
    const list = f["list"];
    if (!Array.isArray(list) || list.length > maxSubscriptions) return undefined;
    return { t: "subscribe", list: list.flatMap((entry) => asSubscription(entry) ?? []) };
  },
  order: (f) => {
    if (!isFields(f["arguments"])) return undefined;
    const [service, node, operation] = [text(f["service"], 80), text(f["node"], 128), text(f["operation"], 40)];
    return { t: "order", n: number(f["n"]), service, node, operation, arguments: f["arguments"] };
  },
  log: (f) => ({ t: "log", level: number(f["level"]), unit: text(f["unit"], 80), node: text(f["node"], 128), text: text(f["text"], 500) }),
  status: (f) => ({
    t: "status",
    unit: text(f["unit"], 80),
    node: text(f["node"], 128),
    fill: text(f["fill"], 16),
    shape: text(f["shape"], 16),
    text: text(f["text"], 200),
  }),
  result: (f) => ({
    t: "result",
    n: number(f["n"]),
    value: f["value"],
    ...(typeof f["error"] === "string" ? { error: text(f["error"], 500) } : {}),
  }),
  editor: (f) => ({ t: "editor", n: number(f["n"]), ...(typeof f["error"] === "string" ? { error: text(f["error"], 500) } : {}) }),
  connection: (f) => {
    const event = f["event"];
    return event === "end" || event === "destroy" ? { t: "connection", connection: number(f["connection"]), event } : undefined;
  },
  window: (f) => ({ t: "window", connection: number(f["connection"]), bytes: Math.max(0, number(f["bytes"])) }),
};

function asSubscription(value: unknown): Subscription | undefined {
  if (!isFields(value) || !isFields(value["filter"])) return undefined;
  const filter = asFilter(value["filter"]);
  if (filter === undefined) return undefined;
  return { node: text(value["node"], 128), service: text(value["service"], 80), filter };
}

function asFilter(f: Fields): Filter | undefined {
  const kind = f["kind"];
  const equipment = text(f["equipment"], 80);
  if (kind === "event" || kind === "alarm" || kind === "check" || kind === "inventory" || kind === "gap")
    return { kind, equipment, match: text(f["match"], 128) };
  if (kind !== "metric") return undefined;
  const metric = text(f["metric"], 128);
  if (metric === "") return undefined;
  return {
    kind,
    equipment,
    metric,
    table: text(f["table"], 128),
    row: text(f["row"], 256),
    send: f["send"] === "change" ? "change" : "every",
    deadband: Math.max(0, number(f["deadband"])),
    minIntervalS: Math.max(0, number(f["minIntervalS"])),
    aggregate: oneOf(f["aggregate"], ["none", "min", "max", "avg", "last", "sum"] as const),
    windowS: Math.min(86_400, Math.max(1, number(f["windowS"]))),
    counter: oneOf(f["counter"], ["rate", "increment", "absolute"] as const),
  };
}

/** The first is what counts when it is none of them. */
function oneOf<const T extends readonly string[]>(value: unknown, choices: T): T[number] {
  return choices.find((choice) => choice === value) ?? (choices[0] as T[number]);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function text(value: unknown, length: number): string {
  return typeof value === "string" ? value.slice(0, length) : "";
}

function texts(value: unknown, count: number, length: number): readonly string[] {
  return Array.isArray(value) ? value.slice(0, count).map((entry) => text(entry, length)) : [];
}
