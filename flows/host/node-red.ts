/** The border to Node-RED: its packages have no types, these are the parts of them we use. Pinned to 5.0.7; tests/flows/node-red-contract.test.ts holds them. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { FlowNode } from "../protocol.ts";

const require = createRequire(import.meta.url);

/** A running node, as hooks and getNode give it. */
export interface RunningNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly name?: string;
  readonly _flow?: { readonly path?: string };
}

export interface DeliverEvent {
  readonly source?: { readonly node?: RunningNode };
  readonly destination?: { readonly id: string; readonly node?: RunningNode };
}

/** One line of Node-RED's log. `level`: 10 fatal, 20 error, 30 warn, 40 info, 98 audit. */
export interface LogLine {
  readonly level: number;
  readonly msg?: unknown;
  readonly id?: string;
  readonly z?: string;
  readonly path?: string;
  readonly type?: string;
}

export interface FlowsApi {
  setFlows(options: {
    readonly flows: { readonly flows: readonly FlowNode[]; readonly rev?: string; readonly credentials?: unknown };
    readonly deploymentType: string;
    readonly user?: unknown;
    readonly req?: unknown;
  }): Promise<{ readonly rev: string }>;
  [name: string]: unknown;
}

export interface RuntimeApi {
  init(settings: object, server: unknown, adminApi: unknown): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly flows: FlowsApi;
  readonly storage: unknown;
  readonly httpAdmin: unknown;
  readonly _: {
    readonly nodes: {
      getNode(id: string): RunningNode | null | undefined;
      getNodeList(): readonly { readonly types: readonly string[]; readonly enabled: boolean; readonly err?: unknown }[];
    };
    readonly flows: { getFlows(): { readonly flows: readonly FlowNode[]; readonly rev: string } | undefined };
  };
}

export interface UtilApi {
  init(settings: object): void;
  readonly hooks: { add(name: string, callback: (event: DeliverEvent) => boolean | undefined): void };
  readonly events: {
    on(name: string, listener: (event: never) => void): void;
    once(name: string, listener: (event: never) => void): void;
    removeListener(name: string, listener: (event: never) => void): void;
  };
}

export interface EditorApi {
  init(settings: object, server: unknown, storage: unknown, runtime: unknown): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly auth: { needsPermission(permission: string): Handler };
  readonly httpAdmin: ExpressApp;
}

export type Handler = (request: unknown, response: HttpAnswer, next: () => void) => void;
export interface HttpAnswer {
  sendStatus(status: number): void;
  set(name: string, value: string): void;
  readonly statusCode: number;
  json(body: unknown): void;
  send(text: string): void;
}
export interface ExpressApp {
  (request: unknown, response: unknown): void;
  use(...handlers: unknown[]): void;
  disable(setting: string): void;
}

export const coreNodesDir = dirname(require.resolve("@node-red/nodes"));
export const nodeRedVersion: string = (require("@node-red/runtime/package.json") as { version: string }).version;

/** Counts every node that is made, from before the first one: what a deploy restarted is a fact, not a promise. */
export function countCreations(onCreate: () => void): void {
  const nodes = require("@node-red/runtime/lib/nodes/index.js") as { createNode(...args: unknown[]): unknown };
  const original = nodes.createNode;
  nodes.createNode = (...args: unknown[]) => {
    onCreate();
    return original(...args);
  };
}

/** A store of context as Node-RED makes it; `data` by scope and key. */
export interface ContextStore {
  data: Record<string, unknown>;
}
export const loadMemoryContext = (): ((config: object) => ContextStore) =>
  require("@node-red/runtime/lib/nodes/context/memory.js") as (config: object) => ContextStore;

export const loadUtil = (): UtilApi => require("@node-red/util") as UtilApi;
export const loadRuntime = (): RuntimeApi => require("@node-red/runtime") as RuntimeApi;
/** Costs 4.5 MB: loaded when somebody opens the editor. */
export const loadEditorApi = (): EditorApi => require("@node-red/editor-api") as EditorApi;
export const loadExpress = (): (() => ExpressApp) => require("express") as () => ExpressApp;
