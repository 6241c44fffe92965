import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createLogger, type RootLogger } from "../../runtime/host/logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

function setUp(format: "json" | "text", level: "error" | "warn" | "info" | "debug" = "info") {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-log-"));
  const file = join(folder, "log");
  const descriptor = openSync(file, "a");
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  const clock = new VirtualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  const logger = createLogger({ level, format, descriptor, clock });
  return { clock, logger, lines: (count: number) => linesOf(file, logger, count) };
}

/** What was written, as soon as it is `count` lines: a write may still be under way. */
async function linesOf(file: string, logger: RootLogger, count: number): Promise<readonly string[]> {
  logger.flush();
  const read = () => readFileSync(file, "utf8").split("\n").slice(0, -1);
  await expect.poll(() => read().length, { timeout: 60_000, interval: 5 }).toBeGreaterThanOrEqual(count);
  return read();
}

describe("logger", () => {
  it("writes one JSON object a line, with the clock's time and the fields of its parents", async () => {
    const { logger, lines } = setUp("json");
    logger.child({ equipment: "sw-1" }).warn({ code: "driver.timeout", retries: 2, late: undefined }, "equipment does not answer");
    expect((await lines(1)).map((line) => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: "2026-01-02T03:04:05.678Z",
        equipment: "sw-1",
        code: "driver.timeout",
        retries: 2,
        message: "equipment does not answer",
      },
    ]);
  });

  it("writes text for people, and nothing in a field can look like another line", async () => {
    const { logger, lines } = setUp("text");
    logger.info({ port: 1162, name: "a\nb\u001b[31m" }, "listening");
    expect(await lines(1)).toEqual(['03:04:05.678 info  listening  port=1162 name="a\\nb\\u001b[31m"']);
  });

  it("leaves out what is below its level, which may change while it runs", async () => {
    const { logger, lines } = setUp("json", "warn");
    logger.info({}, "first");
    logger.setLevel("debug");
    logger.debug({}, "second");
    logger.setLevel("error");
    logger.warn({}, "third");
    expect((await lines(1)).map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(["second"]);
  });

  it("hides fields whose name says that they are secret", async () => {
    const { logger, lines } = setUp("json");
    logger.info({ community: "s3cret", password: "s3cret", apiToken: "s3cret", authKey: "s3cret", equipment: "sw-1" }, "x");
    expect((await lines(1)).join()).not.toContain("s3cret");
    expect((await lines(1)).join()).toContain("sw-1");
  });

  it("does not let a field pose as time, level or message", async () => {
    const { logger, lines } = setUp("json");
    logger.info({ level: "error", message: "all is lost", time: "never" }, "x");
    expect(JSON.parse((await lines(1))[0] ?? "")).toMatchObject({ level: "info", message: "x", levelField: "error" });
  });

  it("cuts long texts", async () => {
    const { logger, lines } = setUp("json");
    logger.info({ detail: "x".repeat(100_000) }, "x");
    expect((await lines(1))[0]?.length).toBeLessThan(2300);
  });

  it("lets a sentence through 120 times a minute, then says how often it was held back", async () => {
    const { logger, lines, clock } = setUp("json");
    for (let time = 0; time < 1000; time++) logger.warn({ time }, "equipment does not answer");
    logger.warn({}, "another sentence");
    expect(await lines(121)).toHaveLength(121);
    await clock.advance(60_000);
    logger.warn({}, "equipment does not answer");
    expect(JSON.parse((await lines(122)).at(-1) ?? "")).toMatchObject({ message: "equipment does not answer", suppressedLines: 880 });
  });

  it("does not end the program when nobody reads the log any more", () => {
    const source = `
      import { createLogger } from ${JSON.stringify(join(import.meta.dirname, "../../runtime/host/logger.ts"))};
      import { SystemClock } from ${JSON.stringify(join(import.meta.dirname, "../../runtime/host/system-clock.ts"))};
      const clock = new SystemClock(() => true);
      const logger = createLogger({ level: "debug", format: "json", descriptor: 1, clock });
      for (let n = 0; n < 2000; n++) { logger.debug({ n }, "line"); if (n % 100 === 0) await clock.sleep(1, new AbortController().signal); }
      logger.flush();
      process.stderr.write("survived");`;
    const { stderr, status } = spawnSync(
      "sh",
      ["-c", `exec 3>&1; { "$0" --input-type=module-typescript -e "$1"; echo "status $?" >&2; } | true`, process.execPath, source],
      { encoding: "utf8" },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "survivedstatus 0\n" });
  });
});
