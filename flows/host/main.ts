import { Socket } from "node:net";
import type { Clock } from "#ports/clock.ts";
import { type ToHost, unitOfId } from "../protocol.ts";
import { nodeInStack, unitOfTab, writeExit, writeFatal } from "./blame.ts";
import { Bridge } from "./bridge.ts";
import { RememberedContext } from "./context-store.ts";
import { EditorHost } from "./editor.ts";
import { FlowRuntime } from "./flow-runtime.ts";
import { MessageLimiter } from "./limiter.ts";
import { Line } from "./line.ts";
import { type LogLine, nodeRedVersion } from "./node-red.ts";
import { nodeRedSettings } from "./settings.ts";
import { wordsOf } from "./words.ts";

const pipeDescriptor = 3;
/** sysexits.h EX_SOFTWARE. */
const bugExitCode = 70;
const stopWithinMs = 3_000;

type Start = Extract<ToHost, { readonly t: "start" }>;

interface Host {
  readonly runtime: FlowRuntime;
  readonly bridge: Bridge;
  readonly editor: EditorHost;
  readonly context: RememberedContext;
}

/** The flow host's life: from the first message on the inherited pipe until that pipe is gone. @param nodesDir our palette */
export function runFlowHost(platform: { readonly clock: Clock; readonly nodesDir: string }): void {
  const { clock } = platform;
  const limiter = new MessageLimiter(clock);
  let host: Host | undefined;
  const line = new Line(new Socket({ fd: pipeDescriptor, readable: true, writable: true }), {
    onMessage: (message) => {
      if (message.t === "start") {
        if (host === undefined) host = startHost(message, { ...platform, limiter, line });
      } else if (message.t === "ping") {
        const { heapUsed, external } = process.memoryUsage();
        line.send({
          t: "pong",
          n: message.n,
          created: host?.runtime.created ?? 0,
          dropped: limiter.dropped(),
          heapBytes: heapUsed + external,
        });
      } else if (message.t === "stop") void stop(host, clock);
      else if (host !== undefined) dispatch(message, host, line);
    },
    onEditor: (connection, bytes) => host?.editor.socket(connection)?.received(bytes),
    // Whoever started us is gone: flows must not run on their own.
    onEnd: () => process.exit(0),
  });
  lastWords(line, () => host?.runtime);
}

/** A flow's slip in a promise is told and survived; anything else ends the process with its culprit named. */
function lastWords(line: Line, runtime: () => FlowRuntime | undefined): void {
  const unitOfNode = (id: string) => runtime()?.unitOfNode(id) ?? (id.startsWith("s_") ? unitOfId(id) : undefined);
  // The command line's own handler prints for people; here nobody reads.
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => {
    writeFatal(error, unitOfNode);
    process.exit(bugExitCode);
  });
  process.on("exit", (code) => writeExit(code, unitOfNode));
  process.on("unhandledRejection", (reason) => {
    const stack = wordsOf(reason);
    const node = nodeInStack(stack) ?? "";
    line.send({ t: "log", level: 20, unit: unitOfNode(node) ?? "", node, text: `unhandled rejection: ${stack.slice(0, 300)}` });
  });
  // No handler for SIGTERM: its default action ends even a process whose event loop is stuck.
}

function startHost(
  start: Start,
  parts: { readonly clock: Clock; readonly nodesDir: string; readonly limiter: MessageLimiter; readonly line: Line },
): Host {
  const { clock, line, limiter } = parts;
  const bridge = new Bridge(line, clock);
  const runtime = new FlowRuntime({ clock, limiter });
  runtime.adopt(start.units);
  const context = new RememberedContext({
    ...{ clock, kept: start.contexts },
    tell: (contexts) => line.order("editor", "", "context.keep", { contexts }),
  });
  const settings = nodeRedSettings({
    nodesDir: parts.nodesDir,
    credentialSecret: start.credentialSecret,
    safe: start.safe,
    bridge,
    contextModule: context.module,
    storage: {
      flows: () => runtime.nodes(),
      credentials: () => start.credentials,
      settings: () => start.settings,
      saveCredentials: (credentials) => void line.order("editor", "", "credentials.save", { credentials }).catch(() => undefined),
      saveSettings: (saved) => void line.order("editor", "", "settings.save", { settings: saved }).catch(() => undefined),
    },
    verifyToken: async (token) => (await line.order("editor", "", "token.verify", { token })) as never,
    onLog: logForwarder(line, clock, start.maxLogPerS) as (entry: object) => void,
  });
  const beganMs = clock.monotonicMs();
  const onStatus = (event: { readonly id: string; readonly status?: { fill?: unknown; shape?: unknown; text?: unknown } }) =>
    line.send({
      t: "status",
      unit: runtime.unitOfNode(event.id) ?? "",
      node: event.id,
      fill: wordsOf(event.status?.fill ?? "").slice(0, 40),
      shape: wordsOf(event.status?.shape ?? "").slice(0, 40),
      text: wordsOf(event.status?.text ?? "").slice(0, 200),
    });
  const started = runtime.started();
  const run = async () => {
    const types = await runtime.start(settings, { onStatus: onStatus as (event: never) => void });
    await started;
    line.send({ t: "ready", types, nodeRed: nodeRedVersion, tookMs: clock.monotonicMs() - beganMs });
  };
  // What fails here is a bug of ours or a broken installation: the process ends with it as its last words.
  void run();
  void context.run(new AbortController().signal);
  return { runtime, bridge, context, editor: new EditorHost({ runtime, line, settings }) };
}

/** At most so many lines a second: a flow that fails at each message must not keep the telemetry process busy. */
function logForwarder(line: Line, clock: Clock, maxPerS: number): (entry: LogLine) => void {
  let secondMs = Number.NEGATIVE_INFINITY;
  let sent = 0;
  return (entry) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - secondMs >= 1000) {
      secondMs = nowMs;
      sent = 0;
    }
    // Node-RED's own chatter is not the telemetry process' business.
    if (entry.level > 30) return;
    sent += 1;
    if (sent > maxPerS) return;
    const tab = entry.path?.split("/", 1)[0] ?? entry.z;
    const text = textOf(entry.msg);
    line.send({
      t: "log",
      level: entry.level,
      unit: tab === undefined ? "" : unitOfTab(tab),
      node: entry.id ?? "",
      text: text.slice(0, 500),
    });
  };
}

/** Errors of function nodes come from another realm: they are no `instanceof Error` here. */
function textOf(msg: unknown): string {
  if (typeof msg === "string") return msg;
  const said = typeof msg === "object" && msg !== null ? (msg as { readonly message?: unknown }).message : undefined;
  return typeof said === "string" ? said : JSON.stringify(msg ?? "");
}

function dispatch(message: ToHost, { runtime, bridge, editor }: Host, line: Line): void {
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
        (error: unknown) => line.send({ t: "editor", n: message.n, error: String(error) }),
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

async function stop(host: Host | undefined, clock: Clock): Promise<void> {
  const tooLong = clock.sleep(stopWithinMs, new AbortController().signal);
  await Promise.race([host?.context.tellNow().then(() => host.runtime.api.stop()), tooLong]);
  process.exit(0);
}
