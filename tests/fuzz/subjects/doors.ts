import { connect } from "node:net";
import { join } from "node:path";
import { cookieOf, headLength, parseHead } from "../../../runtime/console/request-head.ts";
import { controlServer } from "../../../runtime/host/control-server.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { alarmHandlers } from "../../../runtime/roles/alarm-handlers.ts";
import { checkHandlers } from "../../../runtime/roles/check-handlers.ts";
import { historyHandlers } from "../../../runtime/roles/history-handlers.ts";
import { updateHandlers } from "../../../runtime/roles/update-handlers.ts";
import { EngineKit } from "../../alarms/alarm-kit.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { type FuzzSubject, taken, text } from "../subject.ts";
import { folderFor } from "./documents.ts";

/** One connection to a socket in the file system: all that is sent, all that comes back. */
function exchange(path: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (piece) => {
      answer += piece;
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(answer) : reject(error),
    );
    socket.on("close", () => resolve(answer));
    socket.end(bytes);
  });
}

async function openControl() {
  const folder = folderFor("control");
  const stop = new AbortController();
  const { engine } = new EngineKit();
  const handlers = {
    status: async () => ({ ok: true }),
    ...alarmHandlers(engine),
    ...checkHandlers(() => undefined),
    ...historyHandlers(() => undefined, new SystemClock(() => true)),
    ...updateHandlers(() => undefined),
  };
  let failure: unknown;
  const clock = new SystemClock(() => true);
  const running = controlServer({ folder: folder.path, handlers, clock, logger: silentLogger })
    .run(stop.signal)
    .catch((error: unknown) => {
      failure = error;
    });
  const path = join(folder.path, "control.sock");
  const call = (operation: string, args: object = {}) => text(`${JSON.stringify({ operation, arguments: args })}\n`);
  const by = { by: "ana", reason: "x" };
  const valid = [
    ...[call("status"), call("alarms"), call("alarm-history", { fromMs: 1, toMs: 2, limit: 5, equipment: "sw-1" })],
    call("alarm-shelve", { ...by, equipment: "sw-1", type: "link-down", untilMs: 1_900_000_000_000 }),
    call("maintenance-start", { ...by, fromMs: 1, toMs: 1_900_000_000_000, equipment: "sw-1" }),
    ...[call("maintenance-end", { id: "x" }), call("alarm-unshelve", { id: "x" }), call("alarm-close", { key: "x", by: "ana" })],
    call("check-run", { type: "icmp", target: "192.0.2.1", timeoutMs: 100, settings: {} }),
    ...[call("history-read", { fromMs: 1, toMs: 2, metric: "x" }), call("update-request", { version: "1.2.3", allowOlder: true })],
  ];
  const read = async (bytes: Uint8Array) => {
    const answer = await exchange(path, bytes);
    if (failure !== undefined) throw failure;
    if (answer !== "" && typeof (JSON.parse(answer) as { ok?: unknown }).ok !== "boolean") throw new Error(`answered ${answer}`);
  };
  const check = async () => {
    if (!(await exchange(path, call("status"))).startsWith('{"ok":true')) throw new Error("it no longer answers");
  };
  const close = async () => {
    stop.abort(new Error("done"));
    await running;
    folder.end();
  };
  return { valid, form: "json" as const, read, check, close };
}

function readHead(bytes: Uint8Array): void {
  if (headLength(bytes) < 0) return;
  cookieOf(parseHead(bytes)?.headers.get("cookie"), "gatehouse_console");
}

/** Doors of the gateway: the control socket, the console. */
export const doorSubjects: readonly FuzzSubject[] = [
  {
    name: "control socket",
    share: 0.3,
    files: [
      "runtime/host/control-server.ts",
      "runtime/roles/alarm-handlers.ts",
      "runtime/roles/check-handlers.ts",
      "runtime/roles/history-handlers.ts",
      "runtime/roles/update-handlers.ts",
    ],
    open: openControl,
  },
  {
    name: "console, head of a request",
    files: ["runtime/console/request-head.ts"],
    open: () => ({
      valid: [text("GET /api/overview?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nCookie: gatehouse_console=abc; b=c\r\n\r\nrest")],
      form: "text",
      read: taken(readHead),
    }),
  },
];
