/**
 * `node tests/bench/snmp/main.ts [--seconds N] [--rounds N] [--switches N] [--json]`
 *
 * What polling costs: CPU per value (all threads of the polling process) of our engine, of npm net-snmp and of a C client on Debian's libsnmp,
 * side by side against the same simulated switches. Absolute figures are this machine's; the ratios are what is promised.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ClientResult, columns, type Mode, rows } from "./workload.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    switches: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});

interface Client {
  readonly name: string;
  readonly modes: readonly Mode[];
  /** Program and arguments, given mode and first port. */
  readonly command: (mode: Mode, firstPort: number) => readonly [string, ...string[]];
}

/** Cost of our engine relative to a peer that is promised at most. */
const targets: readonly { readonly mode: Mode; readonly peer: string; readonly atMost: number }[] = [
  { mode: "2c", peer: "npm net-snmp subtree", atMost: 0.1 },
  { mode: "2c", peer: "libsnmp asynchronous walk", atMost: 0.75 },
  { mode: "3", peer: "libsnmp asynchronous walk", atMost: 0.75 },
];

function script(name: string): (mode: Mode, firstPort: number) => readonly [string, ...string[]] {
  return (mode, firstPort) => [process.execPath, join(here, name), mode, options.seconds, String(firstPort), options.switches];
}

/** The C client, built here; undefined where libsnmp-dev or a compiler is missing. */
function buildLibsnmp(folder: string): string | undefined {
  if (!existsSync("/usr/include/net-snmp/net-snmp-includes.h")) return undefined;
  const program = join(folder, "libsnmp-walk");
  try {
    execFileSync("gcc", ["-O2", "-o", program, join(here, "libsnmp-walk.c"), "-lnetsnmp"], { stdio: "inherit" });
    return program;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return undefined;
  }
}

function clientsWith(libsnmp: string | undefined): readonly Client[] {
  const oids = columns.map(({ oid }) => `.${oid}`);
  const walk =
    (repetitions: number) =>
    (mode: Mode, firstPort: number): readonly [string, ...string[]] => [
      libsnmp ?? "",
      mode,
      options.seconds,
      String(firstPort),
      options.switches,
      String(rows.length),
      String(repetitions),
      ...oids,
    ];
  return [
    { name: "our engine", modes: ["2c", "3"], command: script("own-client.ts") },
    { name: "npm net-snmp subtree", modes: ["2c", "3"], command: script("npm-client.ts") },
    ...(libsnmp === undefined
      ? []
      : [
          { name: "libsnmp asynchronous walk", modes: ["2c", "3"] as const, command: walk(25) },
          { name: "libsnmp GETBULK 20 columns x 3", modes: ["2c", "3"] as const, command: walk(3) },
        ]),
  ];
}

async function withSwitches<T>(mode: Mode, work: (firstPort: number) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [join(here, "switches.ts"), mode, options.switches], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    return await work(Number(line));
  } finally {
    child.stdin.end();
    await once(child, "exit");
  }
}

async function runClient([program, ...args]: readonly [string, ...string[]]): Promise<ClientResult> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  const result = JSON.parse(lines.at(-1) ?? "{}") as ClientResult;
  if (result.wrong !== 0) throw new Error(`${program} ${args.slice(0, 2).join(" ")}: ${result.wrong} wrong answers`);
  return result;
}

interface Line {
  readonly mode: Mode;
  readonly client: string;
  readonly usPerValue: number;
  readonly usPerValueOfRounds: readonly number[];
  readonly valuesPerRequest: number;
  readonly valuesPerSecond: number;
}

/** Rounds alternate between the clients, so that what else the machine does meets all alike. */
async function runMode(mode: Mode, clients: readonly Client[]): Promise<readonly Line[]> {
  const results = new Map<string, ClientResult[]>();
  await withSwitches(mode, async (firstPort) => {
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const { name, command } of clients) results.set(name, [...(results.get(name) ?? []), await runClient(command(mode, firstPort))]);
    }
  });
  return [...results].map(([client, rounds]) => {
    const costs = rounds.map(({ cpuMs, values }) => (cpuMs * 1000) / values);
    return {
      mode,
      client,
      usPerValue: median(costs),
      usPerValueOfRounds: costs,
      valuesPerRequest: median(rounds.map(({ values, requests }) => values / requests)),
      valuesPerSecond: median(rounds.map(({ values, wallMs }) => (values / wallMs) * 1000)),
    };
  });
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Ratio to a peer: the median over the rounds of both in the same round. */
function ratio(lines: readonly Line[], mode: Mode, peer: string): number | undefined {
  const own = lines.find((line) => line.mode === mode && line.client === "our engine");
  const other = lines.find((line) => line.mode === mode && line.client === peer);
  if (own === undefined || other === undefined) return undefined;
  return median(own.usPerValueOfRounds.map((cost, round) => cost / (other.usPerValueOfRounds[round] ?? Number.NaN)));
}

const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-snmp-"));
try {
  const libsnmp = buildLibsnmp(folder);
  const clients = clientsWith(libsnmp);
  const lines = [...(await runMode("2c", clients)), ...(await runMode("3", clients))];
  const ratios = targets.map((target) => ({ ...target, ratio: ratio(lines, target.mode, target.peer) }));
  if (options.json) console.log(JSON.stringify({ lines, ratios }, null, 2));
  else {
    console.log(
      `${options.switches} switches x ${rows.length} ports x ${columns.length} columns, ${options.rounds} rounds of ${options.seconds} s`,
    );
    if (libsnmp === undefined) console.log("libsnmp is left out: it needs gcc and Debian's libsnmp-dev");
    for (const { mode, client, usPerValue, valuesPerRequest, valuesPerSecond, usPerValueOfRounds } of lines) {
      const rounds = usPerValueOfRounds.map((cost) => cost.toFixed(3)).join(" ");
      console.log(
        `${mode === "3" ? "v3 SHA/AES" : "v2c       "}  ${client.padEnd(32)} ${usPerValue.toFixed(3)} us CPU a value  (${rounds})  ${valuesPerRequest.toFixed(1)} values a request  ${(valuesPerSecond / 1e6).toFixed(2)} M values/s`,
      );
    }
    for (const { mode, peer, atMost, ratio: measured } of ratios) {
      const verdict = measured === undefined ? "not measured" : `${measured.toFixed(3)} x  ${measured <= atMost ? "kept" : "MISSED"}`;
      console.log(`promise: ${mode === "3" ? "v3" : "v2c"} at most ${atMost} x ${peer}: ${verdict}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
