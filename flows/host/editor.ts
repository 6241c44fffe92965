import { createServer, type Server } from "node:http";
import type { FlowNode } from "../protocol.ts";
import { EditorSocket } from "./editor-socket.ts";
import { type FlowRuntime, setNeedsPermission } from "./flow-runtime.ts";
import type { Line } from "./line.ts";
import { type EditorApi, type Handler, loadEditorApi, loadExpress, type RuntimeApi } from "./node-red.ts";
import { localNodesOf, ManagedFlowError, RefusedFlowError, refusalOf } from "./two-owners.ts";

type SetFlows = RuntimeApi["flows"]["setFlows"];

/** The editor on demand: started without restarting flows (46 ms the first time, 2 ms later), never listening. */
export class EditorHost {
  readonly #runtime: FlowRuntime;
  readonly #line: Line;
  readonly #settings: object;
  readonly #sockets = new Map<number, EditorSocket>();
  readonly #server: Server = createServer({ keepAliveTimeout: 30_000 });
  #api: EditorApi | undefined;
  #isOpen = false;

  constructor(parts: { readonly runtime: FlowRuntime; readonly line: Line; readonly settings: object }) {
    this.#runtime = parts.runtime;
    this.#line = parts.line;
    this.#settings = parts.settings;
  }

  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#api ??= this.#load();
    // Its WebSocket server leaves this listener behind when it is stopped.
    this.#server.removeAllListeners("upgrade");
    await this.#api.start();
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#api?.stop();
    this.#server.removeAllListeners("upgrade");
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }

  connect(connection: number): void {
    const line = this.#line;
    const socket = new EditorSocket({
      send: (bytes) => line.sendEditor(connection, bytes),
      taken: (bytes) => line.send({ t: "window", connection, bytes }),
      ended: () => line.send({ t: "connection", connection, event: "end" }),
      destroyed: () => {
        this.#sockets.delete(connection);
        line.send({ t: "connection", connection, event: "destroy" });
      },
    });
    this.#sockets.set(connection, socket);
    socket.on("error", () => socket.destroy());
    if (this.#isOpen) this.#server.emit("connection", socket);
    else socket.destroy();
  }

  socket(connection: number): EditorSocket | undefined {
    return this.#sockets.get(connection);
  }

  #load(): EditorApi {
    const api = loadEditorApi();
    api.init(this.#settings, this.#server, this.#runtime.api.storage, this.#guarded());
    // Buttons of nodes (inject, debug) and our pickers.
    api.httpAdmin.use(this.#runtime.api.httpAdmin);
    setNeedsPermission(api.auth.needsPermission as (permission: string) => (...args: unknown[]) => void);
    const app = loadExpress()();
    app.disable("x-powered-by");
    const long: Handler = (_request, response, next) => {
      response.set("x-content-type-options", "nosniff");
      response.set("referrer-policy", "no-referrer");
      next();
    };
    app.use(long);
    app.use("/editor/flows", inWords);
    app.use("/editor", api.httpAdmin);
    app.use((_request: unknown, response: { writeHead(status: number, headers: object): { end(): void } }) =>
      response.writeHead(421, { connection: "close" }).end(),
    );
    this.#server.on("request", app);
    return api;
  }

  /** The runtime as the editor may use it: tabs of the NOC stay as they are, whatever it sends. */
  #guarded(): unknown {
    const runtime = this.#runtime.api;
    const refuse = async () => {
      throw new ManagedFlowError("not from the editor: deploy your tabs instead");
    };
    const own: Readonly<Record<string, unknown>> = {
      setFlows: (options: Parameters<SetFlows>[0]) => this.#deployLocal(options),
      addFlow: refuse,
      updateFlow: refuse,
      deleteFlow: refuse,
      setState: refuse,
    };
    const flows = new Proxy(runtime.flows, { get: (target, name) => own[String(name)] ?? Reflect.get(target, name) });
    return new Proxy(runtime, { get: (target, name) => (name === "flows" ? flows : Reflect.get(target, name)) });
  }

  async #deployLocal(options: Parameters<SetFlows>[0]): Promise<{ readonly rev: string }> {
    const current = this.#runtime.api._.flows.getFlows();
    if (options.deploymentType === "reload" || options.flows === undefined) return { rev: current?.rev ?? "" };
    const sent = options.flows.flows;
    if (!Array.isArray(sent)) throw new RefusedFlowError("not a set of flows");
    if (options.flows.rev !== undefined && options.flows.rev !== current?.rev)
      throw Object.assign(new Error("the flows on this gateway have changed meanwhile"), { status: 409, code: "version_mismatch" });
    const local = localNodesOf(sent, this.#runtime.managedNodes());
    try {
      const { nodes } = (await this.#line.order("editor", "", "local.check", { nodes: local, user: userOf(options.user) })) as {
        readonly nodes: readonly FlowNode[];
      };
      await this.#line.order("editor", "", "local.deploy", { nodes });
    } catch (error) {
      throw refusalOf(error);
    }
    return { rev: this.#runtime.api._.flows.getFlows()?.rev ?? "" };
  }
}

/** Why a deployment is refused is shown to people as it comes: as a sentence, not as JSON. */
const inWords: Handler = (_request, response, next) => {
  const json = response.json.bind(response);
  response.json = (body) => {
    const { code, message } = (body ?? {}) as { readonly code?: unknown; readonly message?: unknown };
    // A conflict of versions is for the editor's own code.
    if (response.statusCode < 400 || response.statusCode === 409 || typeof code !== "string" || typeof message !== "string") {
      json(body);
      return;
    }
    response.set("content-type", "text/plain; charset=utf-8");
    response.send(message);
  };
  next();
};

function userOf(user: unknown): string {
  const name = typeof user === "object" && user !== null ? (user as { username?: unknown }).username : undefined;
  return typeof name === "string" ? name : "unknown";
}
