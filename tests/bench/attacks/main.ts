/**
 * The attack catalogue (RELIABILITY 3, classes C, E, F): every attack of the test suite, counted by class; the attacks on signed orders once more against
 * a gateway of its own process behind mosquitto; a flow that floods a real gateway (E7); a fleet that lost its broker (C15, the real link on virtual time).
 * Prints one table; ends with 1 if anything was accepted or skipped. GATEHOUSE_BINARY and GATEHOUSE_NOC_BINARY name packaged programs to be attacked.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer } from "../../peers.ts";
import { crowd, crowdLimit, crowdSize } from "./crowd.ts";
import { flood, floodLimitMiB } from "./flood.ts";
import { attackLive } from "./live.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

interface Row {
  readonly id: string;
  readonly what: string;
  /** Test files, and which of their tests are attacks. */
  readonly files: readonly string[];
  readonly names?: RegExp;
}

const rows: readonly Row[] = [
  {
    id: "C2-C4",
    what: "silent line, no PUBACK, wrong PUBACK",
    files: ["tests/cloud-bridge/uplink/session.test.ts"],
    names: /PUBACK|keep-alive|half-open/,
  },
  {
    id: "C",
    what: "refused CONNACK, SUBACK; broker without QoS 1",
    files: ["tests/cloud-bridge/uplink/attempt.test.ts"],
    names: /CONNACK|SUBACK|refused|QoS|unreachable|URL/,
  },
  {
    id: "C",
    what: "hostile broker: floods, lengths, mutated packets",
    files: ["tests/cloud-bridge/uplink/hostile.test.ts", "tests/cloud-bridge/uplink/packet-gate.test.ts"],
  },
  {
    id: "C",
    what: "wrong authority, name, TLS version, plain text",
    files: ["tests/cloud-bridge/uplink/tls.test.ts"],
    names: /refuses|fails|accepts/,
  },
  { id: "C", what: "broker dies, forgets, forbids; two gateways of one name", files: ["tests/integration/uplink-outage.test.ts"] },
  { id: "C", what: "other gateway's topics and session, foreign certificate", files: ["tests/integration/enrolled-uplink.test.ts"] },
  {
    id: "C",
    what: "cloned state in two places",
    files: ["tests/security/enrolled-site.test.ts", "tests/cloud-bridge/noc/identity-watch.test.ts"],
    names: /cloned|suspected|certain/,
  },
  {
    id: "C1 C3 C5",
    what: "flapping line, narrow line, PUBACK after twenty seconds",
    files: ["tests/northbound/lines.test.ts"],
    names: /64 kbit|up five seconds|without anybody telling|every PUBACK/,
  },
  {
    id: "C9",
    what: "tiny Receive Maximum, tiny packets",
    files: ["tests/cloud-bridge/uplink/session.test.ts", "tests/northbound/drain.test.ts", "tests/northbound/refusals.test.ts"],
    names: /Receive Maximum|receive maximum|larger than the broker|tiny maximum packet/,
  },
  {
    id: "C12-13",
    what: "retained and repeated desired state",
    files: ["tests/northbound/orders/desired-state.test.ts"],
    names: /retained manifest|something else/,
  },
  {
    id: "C17",
    what: "chunks that the NOC or the broker refuses for ever",
    files: ["tests/northbound/refusals.test.ts", "tests/cloud-bridge/noc/ingest-hostile.test.ts"],
  },
  {
    id: "C11 F",
    what: "values of another kind, YAML and heads that cost more than they show",
    files: ["tests/security/hostile-values.test.ts"],
  },
  {
    id: "E1-E6",
    what: "flows that hang, flood, fill memory, end the process",
    files: ["tests/integration/flows-faults.test.ts"],
    names: /hang|ends the process|fills|storm|stopped from outside|throws/,
  },
  { id: "E4", what: "functions that escaped: files, processes, network, environment", files: ["tests/integration/flows-sandbox.test.ts"] },
  {
    id: "E9",
    what: "editor: without token, other scope, other paths",
    files: ["tests/integration/flows-editor.test.ts"],
    names: /without a token|nothing but the editor|refuses/,
  },
  {
    id: "E9",
    what: "console: codes, hosts, origins, heads, brute force",
    files: ["tests/console/console.test.ts"],
    names: /refuse|nobody|once|shuts|one request|%s|not after/,
  },
  {
    id: "E9",
    what: "technicians' tokens and telephone answers",
    files: ["tests/console/technician.test.ts", "tests/security/enrolled-site.test.ts"],
    names: /refused|refuses|only once|never shows|nobody who guesses/,
  },
  {
    id: "F1",
    what: "updates cut before every change of the disk, half-written boot lines",
    files: ["tests/update/cuts.test.ts"],
    names: /the power went before|of boot are cut|half-written|goes on with the part|when boot says/,
  },
  {
    id: "F2",
    what: "updates that cannot start, hang, do not fit their delta",
    files: ["tests/update/cuts.test.ts"],
    names: /cannot start|no sign of life|delta does not do/,
  },
  {
    id: "F",
    what: "updates under attack (rollback, freeze, mix, forged keys)",
    files: ["tests/update/attacks.test.ts"],
    names: /refused|installs nothing/,
  },
  { id: "F6", what: "key rotation, epochs", files: ["tests/northbound/orders/attacks.test.ts"], names: /rotated|epoch/ },
  {
    id: "F9",
    what: "claims guessed, replayed, used twice; renewals forged",
    files: ["tests/cloud-bridge/enrolment/enrolment.test.ts"],
    names: /refuse|once|stops|only|nothing|never/,
  },
  {
    id: "F",
    what: "signed orders: form, header, key, claims, replay",
    files: ["tests/northbound/orders/attacks.test.ts"],
    names: /refused|cannot|nothing/,
  },
];

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly title: string; readonly status: string }[];
  }[];
}

async function suite(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-attacks-"));
  try {
    const out = join(folder, "report.json");
    const files = [...new Set(rows.flatMap((row) => row.files))];
    const args = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--reporter=json", `--outputFile=${out}`, ...files];
    await once(spawn(process.execPath, args, { cwd: root, stdio: "ignore" }), "exit");
    return JSON.parse(readFileSync(out, "utf8")) as Report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!peer("mosquitto").available) throw new Error(peer("mosquitto").reason);
const report = await suite();
let [sumTried, sumAccepted, sumSkipped] = [0, 0, 0];
const line = (cells: readonly (string | number)[]) =>
  console.log(cells.map((cell, at) => (at === 1 ? String(cell).padEnd(66) : String(cell).padEnd(at === 0 ? 10 : 9))).join(""));
line(["class", "attacks", "tried", "refused", "accepted", "skipped"]);
for (const { id, what, files, names } of rows) {
  const tests = report.testResults
    .filter(({ name }) => files.some((file) => name.endsWith(file)))
    .flatMap((file) => file.assertionResults.filter(({ fullName }) => names?.test(fullName) ?? true));
  const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed").length;
  const accepted = tests.filter(({ status, fullName }) => {
    if (status === "failed") console.log(`  FAILED: ${fullName}`);
    return status === "failed";
  }).length;
  const tried = tests.length - skipped;
  line([id, what, tried, tried - accepted, accepted, skipped]);
  sumTried += tried;
  sumAccepted += accepted;
  sumSkipped += skipped;
}
const details: string[] = [];
async function own(
  id: string,
  what: string,
  run: () => Promise<readonly { readonly said: string; readonly isHeld: boolean }[]>,
): Promise<void> {
  const outcomes = await run();
  const over = outcomes.filter((one) => !one.isHeld).length;
  line([id, what, outcomes.length, outcomes.length - over, over, 0]);
  details.push(...outcomes.map(({ said, isHeld }) => `${id}: ${said}${isHeld ? "" : "  OVER THE LIMIT"}`));
  sumTried += outcomes.length;
  sumAccepted += over;
}
await own("C15", `a fleet of ${crowdSize} lost its broker: at most ${crowdLimit * 100} % return in a second`, async () =>
  (await crowd()).map((one) => ({
    said: `${one.what}: at most ${one.peakAttempts} attempts and ${one.peakReturns} returns in one second, the last after ${one.lastReturnS.toFixed(0)} s`,
    isHeld: one.peakReturns <= crowdLimit * crowdSize && one.peakAttempts <= crowdLimit * crowdSize,
  })),
);
await own("E7", `a flow floods the telemetry process: at most ${floodLimitMiB} MiB more, no poll missed`, async () =>
  (await flood()).map((one) => ({
    said: `${one.what}: ${one.beforeMiB.toFixed(1)} -> ${one.duringMiB.toFixed(1)} MiB anonymous, ${one.missedSlots} slots missed; ${one.told}`,
    isHeld: one.duringMiB - one.beforeMiB <= floodLimitMiB && one.missedSlots === 0,
  })),
);
const live = await attackLive();
line(["F", "signed orders, live: gateway process behind mosquitto", live.tried, live.refused, live.accepted, 0]);
line(["", "sum", sumTried + live.tried, sumTried + live.tried - sumAccepted - live.accepted, sumAccepted + live.accepted, sumSkipped]);
console.log(`refused live, by reason: ${JSON.stringify(live.reasons)}`);
for (const said of details) console.log(said);
if (sumAccepted + live.accepted + sumSkipped > 0) process.exitCode = 1;
