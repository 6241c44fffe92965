import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { programOf, ReleaseKit, sha256 } from "./release-kit.ts";

const launch = join(import.meta.dirname, "../../build/systemd/launch");
const child = join(import.meta.dirname, "updating-child.ts");
/** 200 for a long run. */
const kills = Number(process.env.GATEHOUSE_UPDATE_KILLS ?? 5);
/** Does not compress, so that there is something to download, to unpack and to be killed in. */
const body = Array.from({ length: 30_000 }, (_, i) => sha256(Buffer.from([i, i >> 8]))).join("");

it(
  `starts the old or the new program, whole, after each of ${kills} kill -9 at random moments of an update`,
  async () => {
    const kit = new ReleaseKit();
    try {
      const factory = kit.path("factory");
      writeFileSync(factory, programOf("1.0.0", body), { mode: 0o755 });
      kit.release("1.1.0", programOf("1.1.0", body.replaceAll("ab", "cd")));
      const url = await kit.serve();
      const seen: Record<string, number> = {};
      let folder = 0;
      // Those that came to their end before they were killed are no kills; bounded, should that be all of them.
      for (let turn = 0, landed = 0; landed < kills && turn < 4 * kills; turn++) {
        const stateDir = kit.path(`gateway-${folder}`);
        mkdirSync(join(stateDir, "slots"), { recursive: true, mode: 0o700 });
        const said = await killed([stateDir, url, kit.path("repository/metadata/1.root.json"), factory]);
        const line = await started(stateDir, factory);
        expect(["program 1.0.0 as run", "program 1.1.0 as run"]).toContain(line);
        seen[`${line.slice(8, 13)} runs, ${said}`] = (seen[`${line.slice(8, 13)} runs, ${said}`] ?? 0) + 1;
        // It came to its end: another gateway.
        if (said !== "killed") folder += 1;
        else landed += 1;
      }
      process.stdout.write(`${JSON.stringify(seen)} on ${folder + 1} gateways\n`);
    } finally {
      await kit.end();
    }
  },
  60_000 + kills * 10_000,
);

/** Starts the updater and kills it some time after it began; or it came to its end before. */
async function killed(args: readonly string[]): Promise<string> {
  const one = spawn(process.execPath, [child, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(one, "close");
  const lines: string[] = [];
  const complaints: string[] = [];
  one.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  one.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trim().split("\n")));
  // A child that dies before it says a word is a failure to be shown, not a reason to wait.
  await Promise.race([once(one.stdout, "data"), ended]);
  // The length of a whole update here, so that every part of it is met.
  const timer = setTimeout(() => one.kill("SIGKILL"), Math.random() * 400);
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (code !== null && code !== 0) throw new Error(`the updater ended with ${code}: ${complaints.join("").slice(-2_000)}`);
  if (signal === "SIGKILL") return "killed";
  const last = lines.at(-1) ?? "";
  return last.startsWith("ready") ? "killed" : last;
}

/** What the launcher starts: the first line the program says. */
async function started(stateDir: string, factory: string): Promise<string> {
  const environment = {
    GATEHOUSE_STATE: stateDir,
    GATEHOUSE_FACTORY: factory,
    GATEHOUSE_LOOK_S: "0.02",
    RUNTIME_DIRECTORY: join(stateDir, "run"),
  };
  const { stdout } = await promisify(execFile)("sh", [launch], { env: { ...process.env, ...environment } });
  return stdout.trim();
}
