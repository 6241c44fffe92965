/** What the telemetry process and the flow host say to each other. The host's half is untrusted: see host-message.ts for how it is read. */

/** One Node-RED node, tab, group or subflow as it stands in an export. */
export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly wires?: readonly (readonly string[])[];
  readonly [property: string]: unknown;
}

/** A service, a plain flow of the NOC, or one technician's tab: what is deployed, limited and blamed as a whole. */
export interface UnitFlow {
  /** Service id; `local` for everything a technician owns. */
  readonly id: string;
  readonly nodes: readonly FlowNode[];
  readonly messagesPerS: number;
}

/** What a subscription wants; all of it is decided in the telemetry process. */
export interface MetricFilter {
  readonly kind: "metric";
  readonly equipment: string;
  readonly metric: string;
  readonly table: string;
  readonly row: string;
  readonly send: "every" | "change";
  readonly deadband: number;
  readonly minIntervalS: number;
  readonly aggregate: "none" | "min" | "max" | "avg" | "last" | "sum";
  readonly windowS: number;
  readonly counter: "rate" | "increment" | "absolute";
}

export interface EventFilter {
  readonly kind: "event" | "alarm" | "check" | "inventory" | "gap";
  readonly equipment: string;
  readonly match: string;
}

export type Filter = MetricFilter | EventFilter;

/** One node's wish. `node` is unique in the child. */
export interface Subscription {
  readonly node: string;
  readonly service: string;
  readonly filter: Filter;
}

/** What a subscriber gets. */
export interface Delivery {
  readonly node: string;
  readonly msg: Readonly<Record<string, unknown>>;
}

export type ToHost =
  | {
      readonly t: "start";
      readonly gateway: string;
      readonly units: readonly UnitFlow[];
      readonly credentials: unknown;
      readonly settings: unknown;
      readonly credentialSecret: string;
      /** What flows remembered, JSON by unit. */
      readonly contexts: Readonly<Record<string, string>>;
      readonly safe: boolean;
      readonly maxLogPerS: number;
    }
  | { readonly t: "ping"; readonly n: number }
  | { readonly t: "deploy"; readonly n: number; readonly upsert: readonly UnitFlow[]; readonly remove: readonly string[] }
  | { readonly t: "deliver"; readonly b: readonly Delivery[] }
  | {
      readonly t: "answer";
      readonly n: number;
      readonly value?: unknown;
      readonly error?: { readonly code: string; readonly message: string };
    }
  | { readonly t: "command"; readonly n: number; readonly service: string; readonly operation: string; readonly arguments: unknown }
  | { readonly t: "editor"; readonly n: number; readonly open: boolean }
  | { readonly t: "connection"; readonly connection: number; readonly event: "open" | "end" | "destroy"; readonly write: boolean }
  | { readonly t: "window"; readonly connection: number; readonly bytes: number }
  | { readonly t: "stop" };

export type FromHost =
  | { readonly t: "ready"; readonly types: readonly string[]; readonly nodeRed: string; readonly tookMs: number }
  | {
      readonly t: "pong";
      readonly n: number;
      readonly created: number;
      readonly dropped: Readonly<Record<string, number>>;
      readonly heapBytes: number;
    }
  | { readonly t: "deployed"; readonly n: number; readonly missing: readonly string[]; readonly error?: string; readonly created: number }
  | { readonly t: "ack"; readonly frames: number }
  | { readonly t: "subscribe"; readonly list: readonly Subscription[] }
  | {
      readonly t: "order";
      readonly n: number;
      readonly service: string;
      readonly node: string;
      readonly operation: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    }
  | { readonly t: "log"; readonly level: number; readonly unit: string; readonly node: string; readonly text: string }
  | {
      readonly t: "status";
      readonly unit: string;
      readonly node: string;
      readonly fill: string;
      readonly shape: string;
      readonly text: string;
    }
  | { readonly t: "result"; readonly n: number; readonly value?: unknown; readonly error?: string }
  | { readonly t: "editor"; readonly n: number; readonly error?: string }
  | { readonly t: "connection"; readonly connection: number; readonly event: "end" | "destroy" }
  | { readonly t: "window"; readonly connection: number; readonly bytes: number };

/** The tab a NOC-owned unit lives on, and the beginning of the ids of its nodes. */
export function tabOf(unit: string): string {
  return `s_${unit}`;
}

/** Ids that belong to the NOC: no local node may take one. */
export function isReservedId(id: string): boolean {
  return id.startsWith("s_") || id.startsWith("t_");
}

/** Unit that a node id belongs to: `s_wan__probe` -> `wan`; everything else is a technician's. */
export function unitOfId(id: string): string {
  if (!id.startsWith("s_")) return "local";
  const end = id.indexOf("__");
  return end < 0 ? id.slice(2) : id.slice(2, end);
}

export const localUnit = "local";
/** Frames of deliveries that the host may owe an acknowledgement for. */
export const deliveryCredit = 8;
export const maxDeliveriesPerFrame = 500;
/** Bytes of one editor connection that may be on their way unacknowledged, in each direction. */
export const editorWindowBytes = 128 * 1024;
