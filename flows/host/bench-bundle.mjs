// runtime/roles/flow-host.ts
import { join as join2 } from "node:path";

// flows/host/main.ts
import { Socket } from "node:net";

// flows/protocol.ts
function isReservedId(id) {
  return id.startsWith("s_") || id.startsWith("t_");
}
function unitOfId(id) {
  if (!id.startsWith("s_")) return "local";
  const end = id.indexOf("__");
  return end < 0 ? id.slice(2) : id.slice(2, end);
}
var localUnit = "local";
var editorWindowBytes = 128 * 1024;

// flows/host/blame.ts
import { writeSync } from "node:fs";
var crumbDescriptor = 4;
var crumbLength = 256;
var fatalOffset = 512;
var fatalLength = 3e3;
var utf8 = new TextEncoder();
function unitOf(node) {
  const path = node?._flow?.path;
  return unitOfTab(path === void 0 ? node?.z ?? "global" : path.split("/", 1)[0] ?? "global");
}
function unitOfTab(tab) {
  return tab.startsWith("s_") ? unitOfId(tab) : `local/${tab}`;
}
var Crumb = class {
  #last = "";
  #bytes = new Uint8Array(crumbLength);
  touch(node) {
    const key = node.type === "function" ? node.id : unitOf(node);
    if (key === this.#last) return;
    this.#last = key;
    this.#bytes.fill(0);
    utf8.encodeInto(
      JSON.stringify({ unit: unitOf(node).slice(0, 80), node: node.id.slice(0, 80), type: node.type.slice(0, 40) }),
      this.#bytes
    );
    writeSync(crumbDescriptor, this.#bytes, 0, crumbLength, 0);
  }
};
function nodeInStack(stack) {
  return /Function node:([A-Za-z0-9_.-]+)/.exec(stack)?.[1];
}
function writeFatal(error, unitOfNode) {
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  const node = nodeInStack(stack);
  const words = { unit: node === void 0 ? void 0 : unitOfNode(node), node, message: stack.slice(0, 800) };
  const bytes = new Uint8Array(fatalLength);
  utf8.encodeInto(JSON.stringify(words), bytes);
  writeSync(crumbDescriptor, bytes, 0, fatalLength, fatalOffset);
}

// flows/frames.ts
var maxFrameBytes = 8 * 1024 * 1024;
var headerBytes = 5;
var utf82 = new TextEncoder();
var text = new TextDecoder();
function messageFrame(json) {
  const body = utf82.encode(json);
  return framed(0, [body], body.length);
}
function editorFrame(connection, bytes) {
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, connection);
  return framed(1, [number, bytes], 4 + bytes.length);
}
function framed(kind, parts, length) {
  const frame = new Uint8Array(headerBytes + length);
  new DataView(frame.buffer).setUint32(0, length + 1);
  frame[4] = kind;
  let offset = headerBytes;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}
var FrameReader = class {
  #onFrame;
  #parts = [];
  #held = 0;
  #broken = false;
  constructor(onFrame) {
    this.#onFrame = onFrame;
  }
  /** @returns false once the peer broke the framing: drop it */
  push(bytes) {
    if (this.#broken) return false;
    this.#parts.push(bytes);
    this.#held += bytes.length;
    while (this.#held >= headerBytes) {
      const length = this.#announced();
      if (length < 1 || length > maxFrameBytes) {
        this.#broken = true;
        this.#parts = [];
        return false;
      }
      if (this.#held < 4 + length) break;
      this.#emit(this.#take(4 + length));
    }
    return true;
  }
  #announced() {
    const first = this.#parts[0];
    if (first === void 0 || first.length < headerBytes) this.#parts = [this.#take(this.#held)];
    this.#held = this.#parts.reduce((sum, part) => sum + part.length, 0);
    const whole = this.#parts[0];
    return whole === void 0 ? 0 : new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  }
  #take(count) {
    const first = this.#parts[0];
    this.#held -= count;
    if (first !== void 0 && first.length >= count) {
      if (first.length === count) this.#parts.shift();
      else this.#parts[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const taken = new Uint8Array(count);
    let offset = 0;
    while (offset < count) {
      const part = this.#parts.shift() ?? new Uint8Array(0);
      const piece = part.subarray(0, count - offset);
      taken.set(piece, offset);
      offset += piece.length;
      if (piece.length < part.length) this.#parts.unshift(part.subarray(piece.length));
    }
    return taken;
  }
  #emit(frame) {
    const payload = frame.subarray(headerBytes);
    if (frame[4] === 0) this.#onFrame({ kind: "message", text: text.decode(payload) });
    else if (frame[4] === 1 && payload.length >= 4)
      this.#onFrame({
        kind: "editor",
        connection: new DataView(payload.buffer, payload.byteOffset).getUint32(0),
        bytes: payload.subarray(4)
      });
  }
};

// flows/host/line.ts
var maxOpenOrders = 500;
var maxWaitingBytes = 4 * 1024 * 1024;
var OrderError = class extends Error {
  code;
  constructor(code, message) {
    super(message);
    this.name = "OrderError";
    this.code = code;
  }
};
var Line = class {
  #socket;
  #open = /* @__PURE__ */ new Map();
  #next = 0;
  #lost = 0;
  constructor(socket, handlers) {
    this.#socket = socket;
    const reader = new FrameReader((frame) => {
      if (frame.kind === "editor") handlers.onEditor(frame.connection, frame.bytes);
      else this.#received(JSON.parse(frame.text), handlers.onMessage);
    });
    socket.on("data", (bytes) => reader.push(bytes));
    socket.on("error", handlers.onEnd);
    socket.on("close", handlers.onEnd);
  }
  /** Logs and statuses lost because the telemetry process did not read. */
  get lost() {
    return this.#lost;
  }
  send(message) {
    if (this.#socket.writableLength > maxWaitingBytes && (message.t === "log" || message.t === "status")) {
      this.#lost += 1;
      return;
    }
    this.#socket.write(messageFrame(JSON.stringify(message)));
  }
  sendEditor(connection, bytes) {
    this.#socket.write(editorFrame(connection, bytes));
  }
  /** @throws OrderError */
  order(service, node, operation, args) {
    if (this.#open.size >= maxOpenOrders) return Promise.reject(new OrderError("E_BUSY", `more than ${maxOpenOrders} orders are open`));
    this.#next += 1;
    const n = this.#next;
    this.send({ t: "order", n, service, node, operation, arguments: args });
    return new Promise((resolve, reject) => this.#open.set(n, { resolve, reject }));
  }
  #received(message, onMessage) {
    if (message.t !== "answer") {
      onMessage(message);
      return;
    }
    const order = this.#open.get(message.n);
    this.#open.delete(message.n);
    if (message.error === void 0) order?.resolve(message.value);
    else order?.reject(new OrderError(message.error.code, message.error.message));
  }
};

// flows/host/bridge.ts
var maxSubscriptions = 4e3;
var maxCommands = 500;
var settleMs = 20;
var Bridge = class {
  #line;
  #clock;
  #subscribers = /* @__PURE__ */ new Map();
  #commands = /* @__PURE__ */ new Map();
  #told = false;
  constructor(line, clock) {
    this.#line = line;
    this.#clock = clock;
  }
  /** Milliseconds since the Unix epoch. */
  now() {
    return this.#clock.now().wallMs;
  }
  /** @returns the end of the subscription */
  subscribe(node, filter, onMessage) {
    if (this.#subscribers.size >= maxSubscriptions) throw new OrderError("E_LIMIT", `more than ${maxSubscriptions} subscriptions`);
    this.#subscribers.set(node.id, { subscription: { node: node.id, service: unitOf(node), filter }, onMessage });
    this.#tellSoon();
    return () => {
      this.#subscribers.delete(node.id);
      this.#tellSoon();
    };
  }
  /** Asks the telemetry process for something; it decides. @throws OrderError */
  order(node, operation, args) {
    return this.#line.order(node === void 0 ? "editor" : unitOf(node), node?.id ?? "", operation, args);
  }
  onCommand(node, operation, onCommand) {
    const key = `${unitOf(node)}/${operation}`;
    if (this.#commands.has(key)) throw new OrderError("E_DUPLICATE", `there is a command "${operation}" in this service already`);
    if (this.#commands.size >= maxCommands) throw new OrderError("E_LIMIT", `more than ${maxCommands} commands`);
    this.#commands.set(key, onCommand);
    return () => void this.#commands.delete(key);
  }
  commandResult(handle, value, error) {
    this.#line.send({ t: "result", n: handle.id, value, ...error === void 0 ? {} : { error } });
  }
  /** Calls again and again until it is ended. */
  every(ms, call) {
    const stop2 = new AbortController();
    const beat = async () => {
      while (!stop2.signal.aborted) {
        await this.#clock.sleep(ms, stop2.signal);
        call();
      }
    };
    beat().catch(() => void 0);
    return () => stop2.abort(new Error("the node is closed"));
  }
  deliver(deliveries) {
    for (const { node, msg } of deliveries) this.#subscribers.get(node)?.onMessage({ ...msg });
  }
  command(n, service, operation, args) {
    const onCommand = this.#commands.get(`${service}/${operation}`);
    if (onCommand === void 0) this.#line.send({ t: "result", n, error: "no such command" });
    else onCommand(args, { id: n });
  }
  /** `{{payload}}`, `{{labels.ifName}}` of a text; what is not there becomes nothing. */
  render(text2, msg) {
    return text2.replaceAll(/\{\{\s*([A-Za-z0-9_.]{1,80})\s*\}\}/g, (_all, path) => {
      let value = msg;
      for (const part of path.split("."))
        value = typeof value === "object" && value !== null && Object.hasOwn(value, part) ? value[part] : void 0;
      if (value === void 0 || value === null) return "";
      return (typeof value === "object" ? JSON.stringify(value) : String(value)).slice(0, 500);
    });
  }
  #tellSoon() {
    if (this.#told) return;
    this.#told = true;
    const tell = () => {
      this.#told = false;
      this.#line.send({ t: "subscribe", list: [...this.#subscribers.values()].map(({ subscription }) => subscription) });
    };
    this.#clock.sleep(settleMs, new AbortController().signal).then(tell, tell);
  }
};

// flows/host/editor.ts
import { createServer } from "node:http";

// flows/host/editor-socket.ts
import { Duplex } from "node:stream";
var EditorSocket = class extends Duplex {
  remoteAddress = "console";
  encrypted = false;
  #wires;
  #credit = editorWindowBytes;
  #waiting;
  constructor(wires) {
    super({ allowHalfOpen: true });
    this.#wires = wires;
  }
  received(bytes) {
    if (this.destroyed) return;
    this.push(Buffer.from(bytes));
    this.#wires.taken(bytes.length);
  }
  receivedEnd() {
    if (!this.destroyed) this.push(null);
  }
  /** The browser took so many bytes. */
  grant(bytes) {
    this.#credit += bytes;
    this.#flush();
  }
  _read() {
  }
  _write(chunk, _encoding, done) {
    this.#waiting = { bytes: chunk, done };
    this.#flush();
  }
  _final(done) {
    this.#wires.ended();
    done();
  }
  _destroy(error, done) {
    this.#wires.destroyed();
    done(error);
  }
  #flush() {
    const waiting = this.#waiting;
    if (waiting === void 0 || this.#credit <= 0) return;
    const now = waiting.bytes.subarray(0, Math.min(this.#credit, 32768));
    const rest = waiting.bytes.subarray(now.length);
    this.#credit -= now.length;
    this.#wires.send(now);
    if (rest.length > 0) {
      this.#waiting = { bytes: rest, done: waiting.done };
      this.#flush();
      return;
    }
    this.#waiting = void 0;
    waiting.done();
  }
  // What http and ws ask of a net.Socket; time is the telemetry process's business.
  setTimeout() {
    return this;
  }
  setNoDelay() {
    return this;
  }
  setKeepAlive() {
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  destroySoon() {
    this.end(() => this.destroy());
  }
};

// flows/host/node-red.ts
import { createRequire } from "node:module";
import { dirname } from "node:path";
var require2 = createRequire(import.meta.url);
var coreNodesDir = dirname(require2.resolve("@node-red/nodes"));
var nodeRedVersion = require2("@node-red/runtime/package.json").version;
function countCreations(onCreate) {
  const nodes = require2("@node-red/runtime/lib/nodes/index.js");
  const original = nodes.createNode;
  nodes.createNode = (...args) => {
    onCreate();
    return original(...args);
  };
}
var loadUtil = () => require2("@node-red/util");
var loadRuntime = () => require2("@node-red/runtime");
var loadEditorApi = () => require2("@node-red/editor-api");
var loadExpress = () => require2("express");

// flows/host/flow-runtime.ts
var deployTimeoutMs = 3e4;
var structural = /* @__PURE__ */ new Set(["tab", "subflow", "group"]);
var FlowRuntime = class {
  api;
  #util;
  #clock;
  #limiter;
  #units = /* @__PURE__ */ new Map();
  #created = 0;
  #lastDeploy = Promise.resolve();
  constructor(parts) {
    this.#clock = parts.clock;
    this.#limiter = parts.limiter;
    countCreations(() => {
      this.#created += 1;
    });
    this.#util = loadUtil();
    this.api = loadRuntime();
  }
  get created() {
    return this.#created;
  }
  /** Everything that is deployed, the NOC's units first. */
  nodes() {
    return [...this.#units.values()].flatMap(({ nodes }) => nodes);
  }
  managedNodes() {
    return [...this.#units.values()].filter(({ id }) => id !== localUnit).flatMap(({ nodes }) => nodes);
  }
  adopt(units) {
    for (const unit of units) {
      this.#units.set(unit.id, unit);
      this.#limiter.setRate(unit.id, unit.messagesPerS);
    }
  }
  /** @returns types of all nodes that can be used */
  async start(settings, listeners) {
    this.#util.init(settings);
    this.api.init(settings, {}, lateAdminApi);
    this.#hook();
    this.#util.events.on("node-status", listeners.onStatus);
    await this.api.start();
    return this.api._.nodes.getNodeList().flatMap(({ types, enabled, err }) => enabled && err === void 0 ? types : []);
  }
  /** Resolves when the flows of the start run. */
  started() {
    return new Promise((resolve) => {
      this.#util.events.once("flows:started", () => resolve());
      this.#util.events.on("runtime-event", (event) => {
        if (event.payload?.error !== void 0) resolve();
      });
    });
  }
  /** One after the other; only the units named are touched. */
  deploy(upsert, remove) {
    const deploying = this.#lastDeploy.then(() => this.#deploy(upsert, remove));
    this.#lastDeploy = deploying.catch(() => void 0);
    return deploying;
  }
  unitOfNode(id) {
    const node = this.api._.nodes.getNode(id);
    if (node !== null && node !== void 0) return unitOf(node);
    return id.startsWith("s_") ? unitOfId(id) : void 0;
  }
  async #deploy(upsert, remove) {
    for (const id of remove) {
      this.#units.delete(id);
      this.#limiter.forget(id);
    }
    this.adopt(upsert);
    const error = await this.#apply();
    const expected = upsert.flatMap(({ nodes }) => nodes).filter(isInstantiated(upsert));
    const missing = expected.filter(({ id }) => !this.api._.nodes.getNode(id)).map(({ id }) => id);
    return { missing: missing.slice(0, 100), created: this.#created, ...error === void 0 ? {} : { error } };
  }
  /** @returns what went wrong as a whole */
  async #apply() {
    const stop2 = new AbortController();
    let finish = () => void 0;
    const done = new Promise((resolve) => {
      finish = resolve;
    });
    let problem;
    const listener = (event) => {
      if (event.id === "runtime-state" && event.payload?.error !== void 0) problem = event.payload.error;
      if (event.id === "runtime-deploy") finish(problem);
    };
    this.#util.events.on("runtime-event", listener);
    this.#clock.sleep(deployTimeoutMs, stop2.signal).then(
      () => finish("the runtime did not finish the deploy"),
      () => void 0
    );
    try {
      await this.api.flows.setFlows({ flows: { flows: this.nodes() }, deploymentType: "flows", user: { username: "noc" } });
      return await done;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      stop2.abort(new Error("deployed"));
      this.#util.events.removeListener("runtime-event", listener);
    }
  }
  #hook() {
    const crumb = new Crumb();
    this.#util.hooks.add("preDeliver.gatehouse", (event) => this.#limiter.admit(unitOf(event.source?.node)) ? void 0 : false);
    this.#util.hooks.add("onReceive.gatehouse", (event) => {
      if (event.destination?.node !== void 0) crumb.touch(event.destination.node);
      return void 0;
    });
  }
};
function isInstantiated(units) {
  const subflows = new Set(units.flatMap(({ nodes }) => nodes.filter(({ type }) => type === "subflow").map(({ id }) => id)));
  const off = new Set(
    units.flatMap(({ nodes }) => nodes.filter(({ type, disabled }) => type === "tab" && disabled === true).map(({ id }) => id))
  );
  return ({ type, d, z }) => !structural.has(type) && !type.startsWith("subflow:") && d !== true && !(z !== void 0 && (subflows.has(z) || off.has(z)));
}
var needsPermission;
function setNeedsPermission(given) {
  needsPermission = given;
}
var lateAdminApi = {
  auth: {
    needsPermission: (permission) => {
      let handler;
      return (request, response, next) => {
        handler ??= needsPermission?.(permission);
        if (handler === void 0) response.sendStatus(503);
        else handler(request, response, next);
      };
    }
  },
  adminApp: { get: () => void 0, post: () => void 0, put: () => void 0, delete: () => void 0 },
  server: {}
};

// flows/host/two-owners.ts
var layoutKeys = /* @__PURE__ */ new Set(["x", "y", "w", "h", "nodes", "locked", "info", "wires_", "credentials"]);
var ManagedFlowError = class extends Error {
  status = 403;
  code = "managed_flow";
};
var RefusedFlowError = class extends Error {
  status = 400;
  code = "refused_flow";
};
function localNodesOf(sent, managed) {
  const known = new Map(managed.map((node) => [node.id, node]));
  const seen = /* @__PURE__ */ new Set();
  const local = [];
  for (const node of sent) {
    const stored = known.get(node.id);
    if (stored !== void 0) {
      seen.add(node.id);
      refuseChange(node, stored);
    } else if (isReservedId(node.id))
      throw new ManagedFlowError(`"${nameOf(node)}" has an id that belongs to services of the NOC; copy it to a tab of your own`);
    else if (node.z !== void 0 && isReservedId(node.z))
      throw new ManagedFlowError(
        `"${nameOf(node)}" lies on a tab of the NOC ("${nameOf(known.get(node.z))}"), which is locked; put it on a tab of your own`
      );
    else local.push(node);
  }
  const gone = managed.find(({ id }) => !seen.has(id));
  if (gone !== void 0)
    throw new ManagedFlowError(
      `"${nameOf(gone)}" belongs to a service of the NOC and cannot be deleted here; ask the NOC to deactivate the service`
    );
  return local;
}
function refuseChange(sent, stored) {
  for (const [key, value] of Object.entries(sent)) {
    if (layoutKeys.has(key)) {
      if (key === "credentials" && value !== void 0) throw new ManagedFlowError(`credentials of "${nameOf(stored)}" belong to the NOC`);
      continue;
    }
    if (canonical(value) !== canonical(stored[key]))
      throw new ManagedFlowError(
        `"${nameOf(stored)}" belongs to a service of the NOC and is locked (${key} was changed); copy it to a tab of your own`
      );
  }
}
function nameOf(node) {
  if (node === void 0) return "a tab";
  const name = node["label"] ?? node["name"];
  return typeof name === "string" && name !== "" ? name : `${node.type} ${node.id}`;
}
function canonical(value) {
  if (value === void 0 || value === null || value === "" || value === false) return "";
  if (Array.isArray(value)) return value.length === 0 ? "" : `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, inner]) => canonical(inner) !== "");
    return entries.length === 0 ? "" : `{${entries.sort(([a], [b]) => a < b ? -1 : 1).map(([key, inner]) => `${key}:${canonical(inner)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
function refusalOf(error) {
  return new RefusedFlowError(error instanceof OrderError || error instanceof Error ? error.message : String(error));
}

// flows/host/editor.ts
var EditorHost = class {
  #runtime;
  #line;
  #settings;
  #sockets = /* @__PURE__ */ new Map();
  #server = createServer({ keepAliveTimeout: 3e4 });
  #api;
  #isOpen = false;
  constructor(parts) {
    this.#runtime = parts.runtime;
    this.#line = parts.line;
    this.#settings = parts.settings;
  }
  async open() {
    if (this.#isOpen) return;
    this.#api ??= this.#load();
    this.#server.removeAllListeners("upgrade");
    await this.#api.start();
    this.#isOpen = true;
  }
  async close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#api?.stop();
    this.#server.removeAllListeners("upgrade");
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }
  connect(connection) {
    const line = this.#line;
    const socket = new EditorSocket({
      send: (bytes) => line.sendEditor(connection, bytes),
      taken: (bytes) => line.send({ t: "window", connection, bytes }),
      ended: () => line.send({ t: "connection", connection, event: "end" }),
      destroyed: () => {
        this.#sockets.delete(connection);
        line.send({ t: "connection", connection, event: "destroy" });
      }
    });
    this.#sockets.set(connection, socket);
    socket.on("error", () => socket.destroy());
    if (this.#isOpen) this.#server.emit("connection", socket);
    else socket.destroy();
  }
  socket(connection) {
    return this.#sockets.get(connection);
  }
  #load() {
    const api = loadEditorApi();
    api.init(this.#settings, this.#server, this.#runtime.api.storage, this.#guarded());
    api.httpAdmin.use(this.#runtime.api.httpAdmin);
    setNeedsPermission(api.auth.needsPermission);
    const app = loadExpress()();
    app.disable("x-powered-by");
    const long = (_request, response, next) => {
      response.set("x-content-type-options", "nosniff");
      response.set("referrer-policy", "no-referrer");
      next();
    };
    app.use(long);
    app.use("/editor", api.httpAdmin);
    app.use(
      (_request, response) => response.writeHead(421, { connection: "close" }).end()
    );
    this.#server.on("request", app);
    return api;
  }
  /** The runtime as the editor may use it: tabs of the NOC stay as they are, whatever it sends. */
  #guarded() {
    const runtime = this.#runtime.api;
    const refuse = async () => {
      throw new ManagedFlowError("not from the editor: deploy your tabs instead");
    };
    const own = {
      setFlows: (options) => this.#deployLocal(options),
      addFlow: refuse,
      updateFlow: refuse,
      deleteFlow: refuse,
      setState: refuse
    };
    const flows = new Proxy(runtime.flows, { get: (target, name) => own[String(name)] ?? Reflect.get(target, name) });
    return new Proxy(runtime, { get: (target, name) => name === "flows" ? flows : Reflect.get(target, name) });
  }
  async #deployLocal(options) {
    const current = this.#runtime.api._.flows.getFlows();
    if (options.deploymentType === "reload" || options.flows === void 0) return { rev: current?.rev ?? "" };
    const sent = options.flows.flows;
    if (!Array.isArray(sent)) throw new RefusedFlowError("not a set of flows");
    if (options.flows.rev !== void 0 && options.flows.rev !== current?.rev)
      throw Object.assign(new Error("the flows on this gateway have changed meanwhile"), { status: 409, code: "version_mismatch" });
    const local = localNodesOf(sent, this.#runtime.managedNodes());
    try {
      const { nodes } = await this.#line.order("editor", "", "local.check", { nodes: local, user: userOf(options.user) });
      await this.#line.order("editor", "", "local.deploy", { nodes });
    } catch (error) {
      throw refusalOf(error);
    }
    return { rev: this.#runtime.api._.flows.getFlows()?.rev ?? "" };
  }
};
function userOf(user) {
  const name = typeof user === "object" && user !== null ? user.username : void 0;
  return typeof name === "string" ? name : "unknown";
}

// flows/host/limiter.ts
var burstS = 5;
var maxBuckets = 512;
var defaultPerS = 200;
var MessageLimiter = class {
  #clock;
  #buckets = /* @__PURE__ */ new Map();
  constructor(clock) {
    this.#clock = clock;
  }
  setRate(unit, perS) {
    const known = this.#buckets.get(unit);
    if (known !== void 0) known.perS = perS;
    else this.#make(unit, perS);
  }
  forget(unit) {
    this.#buckets.delete(unit);
  }
  /** @returns whether one more delivery is within the unit's rate */
  admit(unit) {
    const bucket = this.#buckets.get(unit) ?? this.#make(unit, defaultPerS);
    const nowMs = this.#clock.monotonicMs();
    bucket.tokens = Math.min(bucket.perS * burstS, bucket.tokens + (nowMs - bucket.atMs) * bucket.perS / 1e3);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) {
      bucket.dropped += 1;
      return false;
    }
    bucket.tokens -= 1;
    return true;
  }
  /** Dropped since the start, by unit; only those that dropped. */
  dropped() {
    return Object.fromEntries(
      [...this.#buckets].filter(([, bucket]) => bucket.dropped > 0).map(([unit, bucket]) => [unit, bucket.dropped])
    );
  }
  #make(unit, perS) {
    const bucket = { tokens: perS * burstS, atMs: this.#clock.monotonicMs(), perS, dropped: 0 };
    if (this.#buckets.size < maxBuckets) this.#buckets.set(unit, bucket);
    return bucket;
  }
};

// flows/host/settings.ts
import { join } from "node:path";
var excludedFiles = [
  ...["10-mqtt", "21-httprequest", "21-httpin", "22-websocket", "31-tcpin", "32-udp", "05-tls", "06-httpproxy"],
  ...["90-exec", "10-file", "23-watch", "70-HTML", "70-XML"]
].flatMap((name) => [`${name}.js`, `${name}.html`]);
var folder = import.meta.dirname;
function nodeRedSettings(parts) {
  return {
    userDir: join(folder, "user-dir"),
    coreNodesDir,
    nodesDir: [parts.nodesDir],
    nodesExcludes: excludedFiles,
    storageModule: storageModule(parts.storage),
    credentialSecret: parts.credentialSecret,
    httpAdminRoot: "/editor",
    httpNodeRoot: false,
    disableEditor: false,
    safeMode: parts.safe,
    logging: { ipc: { level: "info", metrics: false, audit: false, handler: () => parts.onLog } },
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
      modules: { allowInstall: false }
    },
    functionExternalModules: false,
    functionGlobalContext: {},
    exportGlobalContextKeys: false,
    envVarExcludes: [".*"],
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    runtimeState: { enabled: false, ui: false },
    contextStorage: { default: { module: "memory" } },
    nodeCloseTimeout: 3e3,
    apiMaxLength: "2mb",
    debugMaxLength: 1e3,
    adminAuth: {
      type: "credentials",
      users: async () => null,
      authenticate: async () => null,
      default: null,
      tokens: parts.verifyToken,
      sessionExpiryTime: 3600
    },
    editorTheme: editorTheme(),
    gatehouse: parts.bridge
  };
}
function editorTheme() {
  return {
    page: { title: "Gatehouse flows", css: join(folder, "theme/gatehouse.css"), favicon: join(folder, "theme/gatehouse.svg") },
    header: { title: "Gatehouse flows", image: join(folder, "theme/gatehouse.svg") },
    deployButton: { type: "simple", label: "Deploy" },
    menu: {
      "menu-item-palette-manager": false,
      "menu-item-edit-palette": false,
      "menu-item-node-red-version": false,
      "menu-item-help": { label: "Help", url: "https://nodered.org/docs" }
    },
    tours: false,
    userMenu: false,
    palette: { editable: false, categories: ["gatehouse", "common", "function", "sequence", "parser", "subflows"] },
    projects: { enabled: false },
    multiplayer: { enabled: false },
    markdownEditor: { mermaid: { enabled: false } },
    codeEditor: { lib: "monaco" }
  };
}
function storageModule(storage) {
  let sessions = {};
  return {
    init: async () => void 0,
    getFlows: async () => storage.flows(),
    // Deployed sets are the telemetry process's: what is sent here was decided there already.
    saveFlows: async () => void 0,
    getCredentials: async () => storage.credentials() ?? {},
    saveCredentials: async (credentials) => storage.saveCredentials(credentials),
    getSettings: async () => storage.settings() ?? {},
    saveSettings: async (settings) => storage.saveSettings(settings),
    getSessions: async () => sessions,
    saveSessions: async (given) => {
      sessions = given;
    },
    getLibraryEntry: async () => [],
    saveLibraryEntry: async () => {
      throw new Error("the library is read-only");
    }
  };
}

// flows/host/main.ts
var pipeDescriptor = 3;
var bugExitCode = 70;
var stopWithinMs = 3e3;
function runFlowHost(platform) {
  const { clock } = platform;
  const limiter = new MessageLimiter(clock);
  let host;
  const line = new Line(new Socket({ fd: pipeDescriptor, readable: true, writable: true }), {
    onMessage: (message) => {
      if (message.t === "start") {
        if (host === void 0) host = startHost(message, { ...platform, limiter, line });
      } else if (message.t === "ping") {
        const { heapUsed, external } = process.memoryUsage();
        line.send({
          t: "pong",
          n: message.n,
          created: host?.runtime.created ?? 0,
          dropped: limiter.dropped(),
          heapBytes: heapUsed + external
        });
      } else if (message.t === "stop") void stop(host, clock);
      else if (host !== void 0) dispatch(message, host, line);
    },
    onEditor: (connection, bytes) => host?.editor.socket(connection)?.received(bytes),
    // Whoever started us is gone: flows must not run on their own.
    onEnd: () => process.exit(0)
  });
  lastWords(line, () => host?.runtime);
}
function lastWords(line, runtime) {
  const unitOfNode = (id) => runtime()?.unitOfNode(id) ?? (id.startsWith("s_") ? unitOfId(id) : void 0);
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => {
    writeFatal(error, unitOfNode);
    process.exit(bugExitCode);
  });
  process.on("unhandledRejection", (reason) => {
    const stack = reason instanceof Error ? reason.stack ?? reason.message : String(reason);
    const node = nodeInStack(stack) ?? "";
    line.send({ t: "log", level: 20, unit: unitOfNode(node) ?? "", node, text: `unhandled rejection: ${stack.slice(0, 300)}` });
  });
}
function startHost(start, parts) {
  const { clock, line, limiter } = parts;
  const bridge = new Bridge(line, clock);
  const runtime = new FlowRuntime({ clock, limiter });
  runtime.adopt(start.units);
  const settings = nodeRedSettings({
    nodesDir: parts.nodesDir,
    credentialSecret: start.credentialSecret,
    safe: start.safe,
    bridge,
    storage: {
      flows: () => runtime.nodes(),
      credentials: () => start.credentials,
      settings: () => start.settings,
      saveCredentials: (credentials) => void line.order("editor", "", "credentials.save", { credentials }).catch(() => void 0),
      saveSettings: (saved) => void line.order("editor", "", "settings.save", { settings: saved }).catch(() => void 0)
    },
    verifyToken: async (token) => await line.order("editor", "", "token.verify", { token }),
    onLog: logForwarder(line, clock, start.maxLogPerS)
  });
  const beganMs = clock.monotonicMs();
  const onStatus = (event) => line.send({
    t: "status",
    unit: runtime.unitOfNode(event.id) ?? "",
    node: event.id,
    fill: String(event.status?.fill ?? ""),
    shape: String(event.status?.shape ?? ""),
    text: String(event.status?.text ?? "").slice(0, 200)
  });
  const started = runtime.started();
  const run = async () => {
    const types = await runtime.start(settings, { onStatus });
    await started;
    line.send({ t: "ready", types, nodeRed: nodeRedVersion, tookMs: clock.monotonicMs() - beganMs });
  };
  void run();
  return { runtime, bridge, editor: new EditorHost({ runtime, line, settings }) };
}
function logForwarder(line, clock, maxPerS) {
  let secondMs = Number.NEGATIVE_INFINITY;
  let sent = 0;
  return (entry) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - secondMs >= 1e3) {
      secondMs = nowMs;
      sent = 0;
    }
    if (entry.level > 30) return;
    sent += 1;
    if (sent > maxPerS) return;
    const tab = entry.path?.split("/", 1)[0] ?? entry.z;
    const text2 = textOf(entry.msg);
    line.send({
      t: "log",
      level: entry.level,
      unit: tab === void 0 ? "" : unitOfTab(tab),
      node: entry.id ?? "",
      text: text2.slice(0, 500)
    });
  };
}
function textOf(msg) {
  if (typeof msg === "string") return msg;
  const said = typeof msg === "object" && msg !== null ? msg.message : void 0;
  return typeof said === "string" ? said : JSON.stringify(msg ?? "");
}
function dispatch(message, { runtime, bridge, editor }, line) {
  switch (message.t) {
    case "deliver":
      bridge.deliver(message.b);
      line.send({ t: "ack", frames: 1 });
      return;
    case "deploy":
      void runtime.deploy(message.upsert, message.remove).then((report) => line.send({ t: "deployed", n: message.n, ...report }));
      return;
    case "command":
      bridge.command(message.n, message.service, message.operation, message.arguments);
      return;
    case "editor":
      void (message.open ? editor.open() : editor.close()).then(
        () => line.send({ t: "editor", n: message.n }),
        (error) => line.send({ t: "editor", n: message.n, error: String(error) })
      );
      return;
    case "connection":
      if (message.event === "open") editor.connect(message.connection);
      else if (message.event === "end") editor.socket(message.connection)?.receivedEnd();
      else editor.socket(message.connection)?.destroy();
      return;
    case "window":
      editor.socket(message.connection)?.grant(message.bytes);
      return;
    default:
      return;
  }
}
async function stop(host, clock) {
  const tooLong = clock.sleep(stopWithinMs, new AbortController().signal);
  await Promise.race([host?.runtime.api.stop(), tooLong]);
  process.exit(0);
}

// runtime/host/system-clock.ts
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

// runtime/model/time.ts
function wallMs(value) {
  return value;
}
function monotonicMs(value) {
  return value;
}

// runtime/host/system-clock.ts
var maxAnchors = 64;
var maxTimerMs = 2147483647;
var originMs = Number(process.hrtime.bigint() / 1000n) / 1e3 - performance.now();
var SystemClock = class {
  #bootId;
  #anchors = [];
  #probe;
  #quality = "unanchored";
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #offsetMs = Number.NaN;
  #systemWall;
  /** Wall minus monotonic time below which no wall clock is believed without proof. */
  #floorOffsetMs = Number.NEGATIVE_INFINITY;
  /** @param systemWall the operating system's wall clock, Unix ms; a test sets it wrong */
  constructor(probe, bootId = readBootId(), systemWall = Date.now) {
    this.#probe = probe;
    this.#bootId = bootId;
    this.#systemWall = systemWall;
  }
  now() {
    const monotonic = this.monotonicMs();
    const shown = this.#systemWall();
    this.#assess(monotonic, shown);
    const wall = this.#quality === "synced" ? shown : Math.max(shown, Math.floor(monotonic + this.#floorOffsetMs));
    return { wallMs: wallMs(wall), monotonicMs: monotonicMs(monotonic), bootId: this.#bootId, quality: this.#quality };
  }
  monotonicMs() {
    return originMs + performance.now();
  }
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const dueMs = this.monotonicMs() + Math.max(ms, 0);
      const arm = (remainingMs) => setTimeout(elapsed, Math.min(Math.max(Math.ceil(remainingMs), 0), maxTimerMs));
      const elapsed = () => {
        const remainingMs = dueMs - this.monotonicMs();
        if (remainingMs > 0) {
          timer = arm(remainingMs);
          return;
        }
        signal.removeEventListener("abort", aborted);
        resolve();
      };
      const aborted = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      let timer = arm(ms);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }
  anchors() {
    return this.#anchors;
  }
  notBefore(floorMs) {
    this.#floorOffsetMs = Math.max(this.#floorOffsetMs, floorMs - this.monotonicMs());
  }
  /** The NOC's or a person's word for the time; believed only while nothing better is there. */
  anchor(anchor) {
    this.#remember(anchor);
    if (this.#quality === "unanchored") this.#quality = "holdover";
  }
  #assess(monotonic, wall) {
    const offsetMs = wall - monotonic;
    const stepped = Math.abs(offsetMs - this.#offsetMs) > 500;
    if (monotonic - this.#checkedAtMs < 1e4 && !stepped) return;
    this.#checkedAtMs = monotonic;
    const synced = this.#probe();
    const wasSynced = this.#quality === "synced";
    if (synced) this.#quality = "synced";
    else if (wasSynced) this.#quality = "holdover";
    if (synced && (!wasSynced || stepped)) {
      this.#remember({ bootId: this.#bootId, monotonicMs: monotonicMs(monotonic), wallMs: wallMs(wall), source: "ntp", errorMs: 50 });
    }
    this.#offsetMs = offsetMs;
  }
  #remember(anchor) {
    this.#anchors.push(anchor);
    if (this.#anchors.length > maxAnchors) this.#anchors.splice(Math.floor(maxAnchors / 2), 1);
  }
};
function readBootId() {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").replaceAll("-", "").slice(0, 8);
  } catch {
    return randomBytes(4).toString("hex");
  }
}

// runtime/roles/flow-host.ts
function runFlowHostRole() {
  runFlowHost({ clock: new SystemClock(() => false), nodesDir: join2(import.meta.dirname, "../../flows/nodes") });
}
export {
  runFlowHostRole
};
