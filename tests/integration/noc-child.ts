/**
 * A NOC's end as a process of its own that dies by its own hand: after its n-th commit of chunks, before the PUBACK.
 * Arguments: broker URL, folder, number of commits to survive (0 = all).
 */
import { createNoc } from "../../cloud-bridge/noc/noc.ts";
import { SqliteStore } from "../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import type { NocStore } from "../../cloud-bridge/noc/store/store.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { silentLogger } from "../sim/silent-logger.ts";

const [brokerUrl = "", dir = "", commits = "0"] = process.argv.slice(2);
const real = new SqliteStore(dir);
let left = Number(commits);
const store: NocStore = {
  read: real.read,
  outgoing: real.outgoing,
  expire: (nowMs) => real.expire(nowMs),
  stats: () => real.stats(),
  close: () => real.close(),
  async transaction(work) {
    const outcome = await real.transaction(work);
    const chunks = (outcome as { readonly chunks?: number }).chunks ?? 0;
    if (chunks > 0 && left > 0) {
      left -= 1;
      if (left === 0) process.kill(process.pid, "SIGKILL");
    }
    return outcome;
  },
};
const noc = createNoc({
  brokerUrl,
  tenants: ["acme"],
  listen: { host: "127.0.0.1", port: 0 },
  token: "0123456789abcdef".repeat(4),
  store,
  clock: new SystemClock(() => true),
  entropy: systemEntropy,
  logger: silentLogger,
  pages: async () => ({ html: "", script: "", style: "" }),
  version: "test",
});
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort(new Error("SIGTERM")));
await noc.run(stop.signal);
