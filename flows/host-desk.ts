import { isGatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import type { ContextBook } from "./context-book.ts";
import type { Deployer } from "./deployer.ts";
import type { EditorDoor } from "./editor-door.ts";
import type { FlowSet } from "./flow-set.ts";
import type { HostLink } from "./host-link.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import { checkedLocal, localTabs, withoutCredentials } from "./local-tabs.ts";
import { OrderRefused } from "./order-refused.ts";
import type { Orders } from "./orders.ts";
import type { FlowNode } from "./protocol.ts";
import type { ServiceReports } from "./service-reports.ts";
import type { FlowSettings } from "./settings.ts";
import type { UnitStore } from "./unit-store.ts";

const maxOpen = 4_000;
const maxSettingsBytes = 64 * 1024;
const maxPickerRows = 5_000;

export interface DeskParts {
  readonly logger: Logger;
  readonly settings: FlowSettings;
  readonly set: FlowSet;
  readonly store: UnitStore;
  readonly orders: Orders;
  readonly door: EditorDoor;
  readonly deployer: Deployer;
  readonly reports: ServiceReports;
  readonly contexts: ContextBook;
  readonly secrets: KnownSecrets;
  /** Told before they are kept, encrypted as they come. */
  readonly onCredentials: (kept: unknown) => void;
  readonly registry: () => ReadonlySet<string> | undefined;
  readonly pickers: (what: string, equipment: string) => readonly unknown[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Answers the child's orders: those of flows by the fixed list of `Orders`, those of its editor here. */
export class HostDesk {
  readonly #parts: DeskParts;
  #open = 0;
  #lost = 0;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Orders not even looked at: too many at once. */
  get lost(): number {
    return this.#lost;
  }

  /** Never waits, never throws: the answer goes back over the pipe. */
  receive(
    order: { readonly n: number; readonly service: string; readonly operation: string; readonly arguments: Fields },
    link: HostLink,
    signal: AbortSignal,
  ): void {
    if (this.#open >= maxOpen) {
      this.#lost += 1;
      link.send({ t: "answer", n: order.n, error: { code: "E_BUSY", message: `more than ${maxOpen} orders at once` } });
      return;
    }
    this.#open += 1;
    this.#carryOut(order, link, signal)
      .then(
        (value) => link.send({ t: "answer", n: order.n, value }),
        (error: unknown) => link.send({ t: "answer", n: order.n, error: this.#said(error, order.operation) }),
      )
      .finally(() => {
        this.#open -= 1;
      });
  }

  #said(error: unknown, operation: string): { readonly code: string; readonly message: string } {
    if (error instanceof OrderRefused) return { code: error.code, message: error.message };
    if (isGatewayError(error)) return { code: error.code, message: error.message };
    // A bug of ours: the flow is told no more than that, we are told everything.
    this.#parts.logger.error(
      { operation, error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      "an order of a flow failed",
    );
    return { code: "E_INTERNAL", message: "the gateway failed to do it" };
  }

  async #carryOut(
    order: { readonly service: string; readonly operation: string; readonly arguments: Fields },
    link: HostLink,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (order.service !== "editor") return this.#parts.orders.carryOut(order.service, order.operation, order.arguments, signal);
    const { door, store, deployer } = this.#parts;
    switch (order.operation) {
      case "token.verify":
        return door.verify(order.arguments["token"]);
      case "pick":
        return this.#parts.pickers(textOf(order.arguments, "what"), textOf(order.arguments, "equipment")).slice(0, maxPickerRows);
      case "local.check":
        return { nodes: this.#checked(order.arguments) };
      case "local.deploy":
        return deployer.exclusively(() => this.deployLocal(this.#checkedNodes(order.arguments["nodes"]), link));
      case "context.keep": {
        const { contexts, set } = this.#parts;
        contexts.keep(order.arguments["contexts"] as Fields, (unit) => unit === "global" || (set.isUnit(unit) && !set.bans.has(unit)));
        return undefined;
      }
      case "settings.save":
      case "credentials.save": {
        const key = order.operation === "settings.save" ? "settings" : "credentials";
        const value = order.arguments[key];
        if (JSON.stringify(value ?? null).length > maxSettingsBytes)
          throw new OrderRefused("E_TOO_LARGE", `${key} are larger than ${maxSettingsBytes} bytes`);
        if (key === "credentials") this.#parts.onCredentials(value);
        store.saveJson(key, value);
        return undefined;
      }
      default:
        throw new OrderRefused("E_OPERATION", "there is no such operation");
    }
  }

  #checked(fields: Fields): readonly FlowNode[] {
    const person = textOf(fields, "user");
    // The child is not believed: somebody must really be signed in with the right to write.
    if (!this.#parts.door.mayWrite(person)) throw new OrderRefused("E_SCOPE", "your sign-in does not allow to change flows");
    return this.#checkedNodes(fields["nodes"]);
  }

  #checkedNodes(nodes: unknown): readonly FlowNode[] {
    const checked = checkedLocal(nodes, { settings: this.#parts.settings, registry: this.#parts.registry() });
    this.#parts.secrets.ofNodes(checked);
    return checked;
  }

  /** Applies a technician's tabs, sees every node there, or goes back to what was. @throws OrderRefused */
  async deployLocal(nodes: readonly FlowNode[], link: HostLink): Promise<void> {
    const { set, reports } = this.#parts;
    const before = set.local;
    const usable = () => true;
    const shown = { ...set.localFlow(usable), nodes };
    const report = await link.deploy([shown], []);
    const missing = report.missing[0];
    if (missing !== undefined || report.error !== undefined) {
      await link.deploy([{ ...shown, nodes: before }], []);
      const node = nodes.find(({ id }) => id === missing);
      throw new OrderRefused(
        "E_UNHEALTHY",
        report.error ?? `node ${node?.type ?? ""} ${missing} could not be created; your previous flows run on`,
      );
    }
    this.keepLocal(nodes);
    reports.local("flows of a technician were deployed", { tabs: localTabs(set).slice(0, 50) });
  }

  keepLocal(nodes: readonly FlowNode[]): void {
    try {
      this.#parts.set.saveLocal(withoutCredentials(nodes));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new OrderRefused("E_TOO_LARGE", error.message);
    }
  }
}

/** The child may send anything: an object in the place of a text has no text. */
function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}
