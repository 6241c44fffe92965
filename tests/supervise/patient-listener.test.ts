import { createSocket } from "node:dgram";
import { describe, expect, it, onTestFinished } from "vitest";
import { udpPortHolder } from "../../runtime/host/port-holder.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import { PatientListener } from "../../runtime/patient-listener.ts";
import type { Unit } from "../../runtime/ports/unit.ts";
import { EngineKit } from "../alarms/alarm-kit.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

/** Serves until the abort, where its port is free. */
class Receiver implements Unit {
  readonly name = "traps";
  tries = 0;
  trouble: GatewayError | Error | undefined;

  async run(signal: AbortSignal): Promise<void> {
    this.tries += 1;
    if (this.trouble !== undefined) throw this.trouble;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}

function listening(holder: string | undefined) {
  const clock = new VirtualClock();
  const logger = new CollectingLogger();
  const receiver = new Receiver();
  const holderOf = async () => holder;
  const listener = new PatientListener(receiver, { section: "traps", what: "traps", port: 162, clock, logger, holderOf });
  const stop = new AbortController();
  return { clock, logger, receiver, listener, stop, start: () => listener.run(stop.signal) };
}

describe("a receiver whose port is taken", () => {
  it("goes on trying once a minute, says once who has the port, and when it has it itself", async () => {
    const { clock, logger, receiver, listener, stop, start } = listening("snmptrapd (process 812)");
    receiver.trouble = new GatewayError("host.port-in-use");
    const running = start();
    await clock.advance(600_000);
    expect(receiver.tries).toBe(11);
    expect(listener.state.problem).toMatchObject({ text: "traps are not received: UDP port 162 is taken by snmptrapd (process 812)" });
    receiver.trouble = undefined;
    await clock.advance(70_000);
    expect(listener.state.problem).toBe("none");
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "info"]);
    stop.abort(new Error("over"));
    await running;
  });

  it("says what is missing where a port may not be used at all", async () => {
    const { clock, receiver, listener, stop, start } = listening(undefined);
    receiver.trouble = new GatewayError("host.denied", { message: "cannot receive on UDP 0.0.0.0:162; ports below 1024 need a right" });
    const running = start();
    await clock.advance(1_000);
    expect(listener.state.problem).toMatchObject({ text: expect.stringContaining("need a right") });
    stop.abort(new Error("over"));
    await clock.advance(1_000);
    await running;
  });

  it("crashes as ever for anything else", async () => {
    const { receiver, start } = listening(undefined);
    receiver.trouble = new TypeError("a bug");
    await expect(start()).rejects.toThrow("a bug");
  });

  it("is an alarm of the gateway while it lasts", () => {
    let problem: "none" | { readonly text: string; readonly repair: string } = { text: "traps are not received", repair: "Stop it" };
    const kit = new EngineKit({ receivers: () => [{ path: "traps", problem }] });
    kit.pass(10_000);
    expect(kit.engine.list.active()).toMatchObject([
      { type: "receiverDown", path: "traps", severity: "major", text: "traps are not received" },
    ]);
    problem = "none";
    kit.pass(10_000);
    expect(kit.engine.list.active()).toEqual([]);
  });
});

it("who has a UDP port is told by name, where the kernel tells", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void socket.close());
  const holder = await udpPortHolder(socket.address().port);
  expect(holder).toMatch(new RegExp(` \\(process ${process.pid}\\)$`));
});
