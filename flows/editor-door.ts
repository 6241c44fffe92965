import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Editor, EditorConnection, EditorPerson, EditorSession, EditorState } from "#ports/editor.ts";
import type { Entropy } from "#ports/entropy.ts";
import { EditorConnections } from "./editor-connections.ts";
import type { HostLink } from "./host-link.ts";

const maxTokens = 64;
const idleTokenMs = 3_600_000;
const longestTokenMs = 8 * 3_600_000;
const openTimeoutMs = 20_000;
const readPermissions = ["read"];
/** Tabs of one's own, buttons of nodes, the sidebar; no palette, no projects, no state of the runtime. */
const writePermissions = ["read", "flows.write", "inject.write", "debug.write", "settings.write", "context.write"];

interface Token {
  readonly who: EditorPerson;
  readonly untilMs: number;
  usedAtMs: number;
}

export interface EditorDoorParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly idleMs: number;
  readonly running: (signal: AbortSignal) => Promise<HostLink>;
  readonly link: () => HostLink | undefined;
  readonly unavailable: () => string | undefined;
}

/** The editor as the console and the tunnel see it: opened when somebody comes, closed when nobody is there. */
export class EditorDoor implements Editor {
  readonly connections: EditorConnections;
  readonly #parts: EditorDoorParts;
  readonly #tokens = new Map<string, Token>();
  readonly #answers = new Map<number, (error: string | undefined) => void>();
  #state: "closed" | "starting" | "open" = "closed";
  #opening: Promise<void> | undefined;
  #lastByteMs = 0;
  #next = 0;

  constructor(parts: EditorDoorParts) {
    this.#parts = parts;
    this.connections = new EditorConnections(parts.link, () => {
      this.#lastByteMs = parts.clock.monotonicMs();
    });
  }

  state(): EditorState {
    const reason = this.#parts.unavailable();
    const common = { connections: this.connections.count, people: this.connections.people() };
    if (reason !== undefined) return { state: "unavailable", reason, ...common };
    const isOpen = this.#state === "open";
    return { state: this.#state, ...common, ...(isOpen ? { idleMs: this.#parts.clock.monotonicMs() - this.#lastByteMs } : {}) };
  }

  async open(who: EditorPerson, signal: AbortSignal): Promise<EditorSession> {
    const reason = this.#parts.unavailable();
    if (reason !== undefined) throw new GatewayError("flow.unavailable", { message: `the editor cannot be opened: ${reason}` });
    await this.#ensureOpen(signal);
    const token = Buffer.from(this.#parts.entropy.bytes(32)).toString("base64url");
    const nowMs = this.#parts.clock.monotonicMs();
    this.#forgetOld(nowMs);
    if (this.#tokens.size >= maxTokens) this.#tokens.delete([...this.#tokens.keys()][0] ?? "");
    this.#tokens.set(token, { who, untilMs: nowMs + longestTokenMs, usedAtMs: nowMs });
    return { path: `/editor/?access_token=${token}`, token, expiresInMs: longestTokenMs };
  }

  handOver(connection: EditorConnection, head: Uint8Array, who: EditorPerson): void {
    connection.pause();
    const isReady = this.#state === "open" || this.#parts.unavailable() !== undefined;
    if (isReady) {
      this.connections.add(connection, head, who.person);
      return;
    }
    // Closed for idleness while a browser still had it open: it opens again.
    this.#ensureOpen(new AbortController().signal).then(
      () => this.connections.add(connection, head, who.person),
      () => this.connections.add(connection, head, who.person),
    );
  }

  close(person?: string): void {
    for (const [token, { who }] of this.#tokens) if (person === undefined || who.person === person) this.#tokens.delete(token);
    this.connections.close(person);
    if (this.connections.count === 0) this.#shut();
  }

  /** The child asks who a token belongs to. @returns null = nobody */
  verify(token: unknown): { readonly username: string; readonly permissions: readonly string[] } | null {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#forgetOld(nowMs);
    const known = typeof token === "string" ? this.#tokens.get(token) : undefined;
    if (known === undefined) return null;
    known.usedAtMs = nowMs;
    return { username: known.who.person, permissions: known.who.scope === "flows.write" ? writePermissions : readPermissions };
  }

  /** @returns whether somebody with the right to change flows is signed in as `person` */
  mayWrite(person: string): boolean {
    return [...this.#tokens.values()].some(({ who }) => who.person === person && who.scope === "flows.write");
  }

  answered(n: number, error: string | undefined): void {
    this.#answers.get(n)?.(error);
    this.#answers.delete(n);
  }

  /** Once a second: closes what nobody uses. */
  look(): void {
    if (this.#state !== "open") return;
    if (this.#parts.clock.monotonicMs() - this.#lastByteMs < this.#parts.idleMs) return;
    this.connections.close();
    this.#shut();
  }

  hostGone(): void {
    this.#state = "closed";
    this.#opening = undefined;
    for (const answer of this.#answers.values()) answer("the flow host is gone");
    this.#answers.clear();
    this.connections.close();
  }

  #shut(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#next += 1;
    this.#parts.link()?.send({ t: "editor", n: this.#next, open: false });
  }

  #forgetOld(nowMs: number): void {
    for (const [token, { untilMs, usedAtMs }] of this.#tokens)
      if (nowMs > untilMs || nowMs - usedAtMs > idleTokenMs) this.#tokens.delete(token);
  }

  #ensureOpen(signal: AbortSignal): Promise<void> {
    if (this.#state === "open") {
      this.#lastByteMs = this.#parts.clock.monotonicMs();
      return Promise.resolve();
    }
    this.#opening ??= this.#start(signal).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { clock, running } = this.#parts;
    this.#state = "starting";
    const stop = new AbortController();
    const late = clock.sleep(openTimeoutMs, stop.signal).then(
      () => "it did not open in time",
      () => undefined,
    );
    try {
      const link = await running(signal);
      this.#next += 1;
      const n = this.#next;
      const answer = new Promise<string | undefined>((resolve) => this.#answers.set(n, resolve));
      link.send({ t: "editor", n, open: true });
      const error = await Promise.race([answer, late]);
      if (error !== undefined) throw new GatewayError("flow.unavailable", { message: `the editor did not start: ${error}` });
      this.#state = "open";
      this.#lastByteMs = clock.monotonicMs();
    } finally {
      stop.abort(new Error("opened"));
      if (this.#state === "starting") this.#state = "closed";
    }
  }
}
