import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { requestControl } from "../../runtime/host/control-client.ts";
import { controlSocketPath } from "../../runtime/host/control-protocol.ts";
import { type ControlHandler, controlServer } from "../../runtime/host/control-server.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";

const clock = new SystemClock(() => true);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-control-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Serves until the test ends; `ended` settles as the unit's run does. */
async function serve(folder: string, handlers: Readonly<Record<string, ControlHandler>>) {
  const stop = new AbortController();
  const ended = controlServer({ folder, handlers, clock, logger: new CollectingLogger() }).run(stop.signal);
  ended.catch(() => undefined);
  onTestFinished(async () => {
    stop.abort(new Error("test over"));
    await ended.catch(() => undefined);
  });
  for (let tries = 0; tries < 500; tries++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(controlSocketPath(folder), () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (up) break;
    await Promise.race([ended, clock.sleep(10, stop.signal)]);
  }
  return { ended, stop };
}

const ask = (folder: string, operation: string, args?: Readonly<Record<string, unknown>>, timeoutMs = 5000) =>
  requestControl({ folder, operation, clock, timeoutMs, ...(args === undefined ? {} : { arguments: args }) });

/** Writes raw bytes and gives what comes back until the end. */
function raw(folder: string, bytes: string, half = true): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket: Socket = connect({ path: controlSocketPath(folder), allowHalfOpen: true }, () =>
      half ? socket.end(bytes) : socket.write(bytes),
    );
    socket.setEncoding("utf8");
    socket.on("data", (part) => {
      text += part;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
    socket.on("end", () => socket.destroy());
  });
}

describe("control socket", () => {
  it("answers an operation with its arguments", async () => {
    const folder = temporaryFolder();
    await serve(folder, { add: async ({ a, b }) => ({ sum: Number(a) + Number(b) }) });
    expect(await ask(folder, "add", { a: 2, b: 3 })).toEqual({ sum: 5 });
  });

  it("is closed to other users: folder 0700, socket 0600", async () => {
    const folder = join(temporaryFolder(), "state");
    await serve(folder, {});
    expect([statSync(folder).mode & 0o777, statSync(join(folder, "control.sock")).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it("passes a refusal on as a GatewayError, without the fields that may be secret", async () => {
    const folder = temporaryFolder();
    await serve(folder, {
      no: () => Promise.reject(new GatewayError("command.refused", { message: "not now", fields: { why: "s3cret" } })),
    });
    await expect(ask(folder, "no")).rejects.toMatchObject({ code: "command.refused", message: "not now" });
    expect(await raw(folder, '{"operation":"no"}\n')).not.toContain("s3cret");
  });

  it("ends with the bug when an operation has one", async () => {
    const folder = temporaryFolder();
    const bug = new TypeError("x is not a function");
    const { ended } = await serve(folder, { bug: () => Promise.reject(bug) });
    await expect(ask(folder, "bug")).rejects.toMatchObject({ code: "host.not-running" });
    await expect(ended).rejects.toBe(bug);
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "hello\n"],
    ["no mapping", "[1]\n"],
    ["no operation", "{}\n"],
    ["an unknown operation", '{"operation":"nope"}\n'],
    ["an operation that every object has", '{"operation":"toString"}\n'],
    ["a prototype", '{"operation":"__proto__"}\n'],
    ["a line without end", `{"operation":"${"x".repeat(200_000)}`],
    ["zeros", "\0\0\0\n"],
  ])("refuses %s and answers the next asker", async (_what, bytes) => {
    const folder = temporaryFolder();
    await serve(folder, { ping: async () => "pong" });
    const answer = await raw(folder, bytes);
    expect(answer === "" || (JSON.parse(answer) as { ok: boolean }).ok === false).toBe(true);
    expect(await ask(folder, "ping")).toBe("pong");
  });

  it("survives askers that connect and say nothing, and drops those beyond eight", async () => {
    const folder = temporaryFolder();
    await serve(folder, { ping: async () => "pong" });
    const silent = Array.from({ length: 20 }, () => connect(controlSocketPath(folder)).on("error", () => undefined));
    await expect(ask(folder, "ping", undefined, 2000)).rejects.toMatchObject({ code: "host.not-running" });
    for (const socket of silent) socket.destroy();
    await expect.poll(() => ask(folder, "ping").catch(() => "not yet"), { timeout: 60_000 }).toBe("pong");
  });

  it("says that no gateway runs where there is no socket, a dead one, or a file", async () => {
    const folder = temporaryFolder();
    await expect(ask(folder, "status")).rejects.toMatchObject({ code: "host.not-running" });
    writeFileSync(join(folder, "control.sock"), "");
    await expect(ask(folder, "status")).rejects.toMatchObject({ code: "host.not-running" });
  });

  it("gives up on a gateway that does not answer in time", async () => {
    const folder = temporaryFolder();
    await serve(folder, { slow: (_args, signal) => clock.sleep(60_000, signal) });
    await expect(ask(folder, "slow", undefined, 100)).rejects.toMatchObject({
      code: "host.not-running",
      message: "the gateway did not answer within 100 ms",
    });
  });

  it("does not serve a folder that another gateway serves", async () => {
    const folder = temporaryFolder();
    await serve(folder, { ping: async () => "first" });
    const second = controlServer({ folder, handlers: {}, clock, logger: new CollectingLogger() });
    await expect(second.run(new AbortController().signal)).rejects.toMatchObject({ code: "buffer.busy" });
    expect(await ask(folder, "ping")).toBe("first");
  });

  it("serves a folder whose path is longer than a socket's name may be", async () => {
    const folder = join(temporaryFolder(), "a".repeat(60), "b".repeat(60));
    mkdirSync(folder, { recursive: true });
    const before = process.cwd();
    process.chdir(join(folder, ".."));
    onTestFinished(() => process.chdir(before));
    await serve(folder, { ping: async () => "pong" });
    expect(await ask(folder, "ping")).toBe("pong");
  });

  it("ends when it is told to, with askers still connected", async () => {
    const folder = temporaryFolder();
    const { ended, stop } = await serve(folder, { slow: (_args, signal) => clock.sleep(60_000, signal) });
    const asking = ask(folder, "slow");
    asking.catch(() => undefined);
    await clock.sleep(50, new AbortController().signal);
    stop.abort(new Error("shutdown"));
    await ended;
    await expect(asking).rejects.toBeInstanceOf(GatewayError);
  });
});
