/** Our engine as a client of the bench: `node own-client.ts MODE SECONDS FIRST_PORT COUNT`. FIRST_PORT 0: agents on 127.1.x.y, all on FARM_PORT. */
import { createSnmpEngine } from "../../../drivers/snmp/engine/engine.ts";
import { datagramBunches } from "../../../runtime/host/datagram-bunches.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import type { SnmpSession, TablePlan } from "../../../runtime/ports/snmp.ts";
import { clock, inMs, unending } from "../../drivers/snmp/engine/conversing.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { measure } from "./measuring.ts";
import { benchUser, columns, rows, valuesPerSwitch } from "./workload.ts";

const [mode, seconds = "3", firstPort = "0", count = "100"] = process.argv.slice(2);
const engine = createSnmpEngine({
  ...{ clock, entropy: systemEntropy, logger: silentLogger },
  // As `gatehouse run` does.
  bunches: datagramBunches(process.platform, process.arch),
});
const switches = Array.from({ length: Number(count) }, (_, index) => {
  const isFarm = Number(firstPort) === 0;
  const address = isFarm ? `127.1.${(index + 1) >> 8}.${(index + 1) & 255}` : "127.0.0.1";
  const port = isFarm ? Number(process.env["FARM_PORT"]) : Number(firstPort) + index;
  const credential = mode === "3" ? benchUser : ({ version: "2c", community: "public" } as const);
  return { session: engine.open({ address, port, credential, timeoutMs: 1000, retries: 3 }), plan: { table: "interfaces", columns, rows } };
});

let wrong = 0;

async function read({ session, plan }: { readonly session: SnmpSession; readonly plan: TablePlan }): Promise<void> {
  const answer = await session.readTable(plan, inMs(30_000), unending);
  let present = 0;
  for (const column of answer.columns) {
    for (let row = 0; row < rows.length; row++) present += column.present[row] ?? 0;
  }
  if (present !== valuesPerSwitch || answer.changed || !answer.complete) wrong += 1;
}

const requests = () => switches.reduce((sum, { session }) => sum + session.counters().requests, 0);
await measure(Number(seconds), switches, read, { valuesPerItem: valuesPerSwitch, requests, wrong: () => wrong });
await engine.close();
