import { beforeAll, describe, expect, it } from "vitest";
import type { CommandResponse } from "../../../runtime/model/authority.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import { ResponseSender } from "../../../runtime/northbound/command-desk/response-sender.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { Bench } from "./desk-bench.ts";
import { type NocPens, nocPens, order } from "./noc-pen.ts";

let noc: NocPens;
beforeAll(async () => {
  noc = await nocPens();
});

describe("the command desk", () => {
  it("runs an order once, says how it goes, and remembers the answer", async () => {
    const bench = new Bench(noc);
    const id = await bench.send("test.read");
    expect(bench.result(id)).toEqual({ id, status: "ok", output: { n: 7 } });
    expect(bench.stand.said).toEqual([{ st: "accepted" }, { st: "running" }, { st: "running", pct: 50, out: { half: true } }]);
    expect(bench.stand.audit).toMatchObject([{ id, operation: "test.read", actor: "anna", from: "noc", status: "ok" }]);
    await bench.stand.stop();
  });

  it("answers a repetition from the journal, in the next session and after a reboot as well", async () => {
    const bench = new Bench(noc);
    const made = order("test.read", bench.stand.nowS, bench.nonce);
    await bench.again(made);
    bench.nonce = bench.stand.nonce.renew();
    await bench.again({ ...made, nonce: bench.nonce });
    await bench.reboot(5_000);
    await bench.again({ ...made, nonce: bench.nonce });
    expect(bench.ran).toEqual([made.id]);
    expect(bench.stand.results).toEqual([made.id]);
    await bench.stand.stop();
  });

  it.each([-30 * 86_400_000, 400 * 86_400_000])("runs an order once although the wall clock steps by %d ms", async (stepMs) => {
    const bench = new Bench(noc);
    const first = await bench.send("test.hang");
    const made = order("test.read", bench.stand.nowS, bench.nonce);
    await bench.again(made);
    bench.clock.stepWall(stepMs);
    await bench.again(made);
    bench.hang.resolve();
    await bench.stand.pass(1_000);
    expect(bench.ran).toEqual([first, made.id]);
    await bench.stand.stop();
  });

  it("never runs again what was running when the gateway stopped, and says that its outcome is not known", async () => {
    const bench = new Bench(noc);
    const made = order("test.hang", bench.stand.nowS, bench.nonce);
    await bench.again(made);
    await bench.reboot(1_000);
    expect(bench.result(made.id)).toMatchObject({ status: "error", error: { code: "command.interrupted" } });
    await bench.again({ ...made, nonce: bench.nonce });
    expect(bench.ran).toEqual([made.id]);
    await bench.stand.stop();
  });

  it("runs what it had accepted before a reboot, unless its time is over or nobody can tell", async () => {
    for (const [afterMs, quality, ran] of [
      [10_000, "synced", 1],
      [600_000, "synced", 0],
      [10_000, "unanchored", 0],
    ] as const) {
      const bench = new Bench(noc);
      for (let hanging = 0; hanging < 4; hanging++) await bench.send("test.hang");
      const id = await bench.send("test.read");
      expect(bench.stand.desk.status()).toMatchObject({ queued: 1, running: 4 });
      bench.ran.length = 0;
      await bench.reboot(afterMs, quality);
      expect(bench.ran).toEqual(ran === 1 ? [id] : []);
      expect(bench.result(id)?.status).toBe(ran === 1 ? "ok" : "expired");
      await bench.stand.stop();
    }
  });

  it("refuses what it does not know, what is called harmless, and arguments that make no sense, all at once", async () => {
    const bench = new Bench(noc);
    const unknown = await bench.send("test.nothing");
    const understated = await bench.send("test.write", { risk: "read" });
    const senseless = await bench.send("test.read", { args: { n: "many", x: 1 } });
    expect(bench.result(unknown)).toMatchObject({ status: "denied", error: { code: "command.refused" } });
    expect(bench.result(understated)?.error?.message).toBe("test.write is write, not read");
    expect(bench.result(senseless)?.error?.message).toMatch(/\/n must be integer.*\(x\)|\(x\).*\/n must be integer/);
    expect(bench.ran).toEqual([]);
    await bench.stand.stop();
  });

  it("respects the local lock for all but reading, and remembers the refusal", async () => {
    const bench = new Bench(noc);
    bench.stand.lock.lock("maria", "cabinet open");
    const made = order("test.write", bench.stand.nowS, bench.nonce, { risk: "write" });
    await bench.again(made);
    const read = await bench.send("test.read");
    bench.stand.lock.unlock();
    await bench.again(made);
    expect(bench.result(made.id)).toMatchObject({
      status: "denied",
      error: { code: "command.locked", message: expect.stringContaining("cabinet open") },
    });
    expect(bench.ran).toEqual([read]);
    await bench.stand.stop();
  });

  it("reports what failed, survives an operation with a bug, and bounds what comes out", async () => {
    const bench = new Bench(noc);
    const failed = await bench.send("test.fail");
    const bug = await bench.send("test.bug");
    const huge = await bench.send("test.huge");
    expect(bench.result(failed)).toMatchObject({ status: "error", error: { code: "driver.timeout", retryable: true } });
    expect(bench.result(bug)?.error?.message).not.toContain("undefined");
    expect(bench.result(huge)?.error?.code).toBe("driver.limit");
    expect(bench.result(await bench.send("test.read"))?.status).toBe("ok");
    await bench.stand.stop();
  });

  it("aborts what takes too long, and refuses when too many wait", async () => {
    const bench = new Bench(noc);
    const slow = await bench.send("test.hang");
    for (let hanging = 0; hanging < 3 + 64; hanging++) await bench.send("test.hang");
    const over = await bench.send("test.read");
    expect(bench.result(over)?.error?.code).toBe("command.busy");
    await bench.stand.pass(61_000);
    expect(bench.result(slow)).toMatchObject({ status: "error", error: { code: "driver.limit" } });
    await bench.stand.stop();
  });

  it("takes an order of someone at the site like one of the noc, without the lock", async () => {
    const bench = new Bench(noc);
    bench.stand.lock.lock("maria", "");
    const command = { id: "01KTECHNICIAN0000000000000", operation: "test.write", risk: "write", arguments: {} } as const;
    const pending = bench.stand.desk.submit(command, { actor: "maria", from: "console" }, new AbortController().signal);
    await bench.stand.pass(10);
    expect(await pending).toMatchObject({ status: "ok" });
    expect(bench.stand.results).toEqual([]);
    expect(bench.stand.audit).toMatchObject([{ actor: "maria", from: "console" }]);
    await bench.stand.stop();
  });
});

describe("answers", () => {
  it("travel in pieces when they are long, again when the line was cut, and once more when asked for", async () => {
    const clock = new VirtualClock();
    const output = { text: "y".repeat(100_000) };
    const sent: CommandResponse[] = [];
    const reported: string[] = [];
    let isUp = false;
    const sender = new ResponseSender({
      clock,
      format: (response) => {
        sent.push(response);
        return new Uint8Array(1);
      },
      publish: async () => {
        if (!isUp) throw new GatewayError("uplink.lost", { message: "no line" });
      },
      onReported: (id) => void reported.push(id),
      unreported: () => ["A"],
      result: (id) => ({ id, status: "ok", output }),
    });
    const stop = new AbortController();
    const running = sender.run(stop.signal);
    sender.result("A");
    await clock.advance(5_000);
    expect(reported).toEqual([]);
    isUp = true;
    await clock.advance(5_000);
    expect(reported).toEqual(["A"]);
    const pieces = sent.filter((one) => one.part !== undefined);
    const whole = new Uint8Array(pieces[0]?.part?.size ?? 0);
    for (const { part } of pieces) if (part !== undefined) whole.set(Buffer.from(part.data, "base64"), part.off);
    expect(JSON.parse(Buffer.from(whole).toString())).toEqual(output);
    expect(sent.at(-1)).toMatchObject({ fin: true, st: "ok", out: { blob: { size: whole.length } } });
    stop.abort(new Error("over"));
    await clock.advance(1);
    await running;
  });
});
