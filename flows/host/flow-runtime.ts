import type { Clock } from "#ports/clock.ts";
import { type FlowNode, localUnit, type UnitFlow, unitOfId } from "../protocol.ts";
import { Crumb, unitOf } from "./blame.ts";
import type { MessageLimiter } from "./limiter.ts";
import { countCreations, loadRuntime, loadUtil, type RuntimeApi, type UtilApi } from "./node-red.ts";

/** Node-RED says that a deploy is done by an event; it always comes, even when a type is missing. */
const deployTimeoutMs = 30_000;
const structural = new Set(["tab", "subflow", "group"]);

export interface DeployReport {
  /** Expected nodes that are not there: their constructor threw. */
  readonly missing: readonly string[];
  readonly error?: string;
  /** Nodes created since the start, in all units. */
  readonly created: number;
}

/** Node-RED's runtime without its editor: starts, deploys one unit at a time, and says which nodes are really there. */
export class FlowRuntime {
  readonly api: RuntimeApi;
  readonly #util: UtilApi;
  readonly #clock: Clock;
  readonly #limiter: MessageLimiter;
  readonly #units = new Map<string, UnitFlow>();
  #created = 0;
  #lastDeploy: Promise<unknown> = Promise.resolve();

  constructor(parts: { readonly clock: Clock; readonly limiter: MessageLimiter }) {
    this.#clock = parts.clock;
    this.#limiter = parts.limiter;
    countCreations(() => {
      this.#created += 1;
    });
    this.#util = loadUtil();
    this.api = loadRuntime();
  }

  get created(): number {
    return this.#created;
  }

  /** Everything that is deployed, the NOC's units first. */
  nodes(): readonly FlowNode[] {
    return [...this.#units.values()].flatMap(({ nodes }) => nodes);
  }

  managedNodes(): readonly FlowNode[] {
    return [...this.#units.values()].filter(({ id }) => id !== localUnit).flatMap(({ nodes }) => nodes);
  }

  adopt(units: readonly UnitFlow[]): void {
    for (const unit of units) {
      this.#units.set(unit.id, unit);
      this.#limiter.setRate(unit.id, unit.messagesPerS);
    }
  }

  /** @returns types of all nodes that can be used */
  async start(settings: object, listeners: { onStatus(event: never): void }): Promise<readonly string[]> {
    this.#util.init(settings);
    this.api.init(settings, {}, lateAdminApi);
    this.#hook();
    this.#util.events.on("node-status", listeners.onStatus);
    await this.api.start();
    return this.api._.nodes.getNodeList().flatMap(({ types, enabled, err }) => (enabled && err === undefined ? types : []));
  }

  /** Resolves when the flows of the start run. */
  started(): Promise<void> {
    return new Promise((resolve) => {
      this.#util.events.once("flows:started", () => resolve());
      // Safe mode, a missing type: nothing will start, and that is how it shall be told.
      this.#util.events.on("runtime-event", (event: { readonly payload?: { readonly error?: string } }) => {
        if (event.payload?.error !== undefined) resolve();
      });
    });
  }

  /** One after the other; only the units named are touched. */
  deploy(upsert: readonly UnitFlow[], remove: readonly string[]): Promise<DeployReport> {
    const deploying = this.#lastDeploy.then(() => this.#deploy(upsert, remove));
    this.#lastDeploy = deploying.catch(() => undefined);
    return deploying;
  }

  unitOfNode(id: string): string | undefined {
    const node = this.api._.nodes.getNode(id);
    if (node !== null && node !== undefined) return unitOf(node);
    return id.startsWith("s_") ? unitOfId(id) : undefined;
  }

  async #deploy(upsert: readonly UnitFlow[], remove: readonly string[]): Promise<DeployReport> {
    for (const id of remove) {
      this.#units.delete(id);
      this.#limiter.forget(id);
    }
    this.adopt(upsert);
    const error = await this.#apply();
    const expected = upsert.flatMap(({ nodes }) => nodes).filter(isInstantiated(upsert));
    const missing = expected.filter(({ id }) => !this.api._.nodes.getNode(id)).map(({ id }) => id);
    return { missing: missing.slice(0, 100), created: this.#created, ...(error === undefined ? {} : { error }) };
  }

  /** @returns what went wrong as a whole */
  async #apply(): Promise<string | undefined> {
    const stop = new AbortController();
    let finish: (error: string | undefined) => void = () => undefined;
    const done = new Promise<string | undefined>((resolve) => {
      finish = resolve;
    });
    let problem: string | undefined;
    const listener = (event: { readonly id: string; readonly payload?: { readonly error?: string } }) => {
      if (event.id === "runtime-state" && event.payload?.error !== undefined) problem = event.payload.error;
      if (event.id === "runtime-deploy") finish(problem);
    };
    this.#util.events.on("runtime-event", listener);
    this.#clock.sleep(deployTimeoutMs, stop.signal).then(
      () => finish("the runtime did not finish the deploy"),
      () => undefined,
    );
    try {
      await this.api.flows.setFlows({ flows: { flows: this.nodes() }, deploymentType: "flows", user: { username: "noc" } });
      return await done;
    } catch (error) {
      // A border: whatever Node-RED throws is a failed deploy with its reason.
      return error instanceof Error ? error.message : String(error);
    } finally {
      stop.abort(new Error("deployed"));
      this.#util.events.removeListener("runtime-event", listener);
    }
  }

  #hook(): void {
    const crumb = new Crumb();
    crumb.followTimers();
    this.#util.hooks.add("preDeliver.gatehouse", (event) => (this.#limiter.admit(unitOf(event.source?.node)) ? undefined : false));
    this.#util.hooks.add("onReceive.gatehouse", (event) => {
      if (event.destination?.node !== undefined) crumb.touch(event.destination.node);
      return undefined;
    });
  }
}

/** Node-RED makes no object for these. */
function isInstantiated(units: readonly UnitFlow[]): (node: FlowNode) => boolean {
  const subflows = new Set(units.flatMap(({ nodes }) => nodes.filter(({ type }) => type === "subflow").map(({ id }) => id)));
  const off = new Set(
    units.flatMap(({ nodes }) => nodes.filter(({ type, disabled }) => type === "tab" && disabled === true).map(({ id }) => id)),
  );
  return ({ type, d, z }) =>
    !structural.has(type) && !type.startsWith("subflow:") && d !== true && !(z !== undefined && (subflows.has(z) || off.has(z)));
}

/** Nodes ask for permissions when they are loaded; the editor may come hours later, or never. */
let needsPermission: ((permission: string) => (...args: unknown[]) => void) | undefined;

export function setNeedsPermission(given: typeof needsPermission): void {
  needsPermission = given;
}

const lateAdminApi = {
  auth: {
    needsPermission: (permission: string) => {
      let handler: ((...args: unknown[]) => void) | undefined;
      return (request: unknown, response: { sendStatus(status: number): void }, next: () => void) => {
        handler ??= needsPermission?.(permission);
        if (handler === undefined) response.sendStatus(503);
        else handler(request, response, next);
      };
    },
  },
  adminApp: { get: () => undefined, post: () => undefined, put: () => undefined, delete: () => undefined },
  server: {},
};
