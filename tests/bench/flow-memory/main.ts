/**
 * `npm run bench -- flow-memory`: memory of the flow host inside of the real program, by smaps: 20 services at the simulated site, polled so that 50 values a
 * second reach them, editor closed. With GATEHOUSE_BINARY=dist/gatehouse-linux-x64: of the packaged binary.
 */
import { readdirSync, readFileSync } from "node:fs";
import { gatewayId, type ServiceSeen, ServicesField } from "../../integration/services-field.ts";

const [count, settleS] = [20, 60];

interface Mapping {
  readonly name: string;
  readonly rights: string;
  rss: number;
  pss: number;
  anonymous: number;
}

function flowHostOf(parent: number): number {
  const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = children.find((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === String(parent);
      return isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("flow-host");
    } catch {
      // It ended while it was looked at.
      return false;
    }
  });
  if (found === undefined) throw new Error("no flow host");
  return Number(found);
}

/** Kilobytes by file and rights. */
function mappingsOf(pid: number): readonly Mapping[] {
  const all = new Map<string, Mapping>();
  let current: Mapping | undefined;
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const head = /^[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (head !== null) {
      const [, rights = "", name = ""] = head;
      const key = `${name} ${rights}`;
      current = all.get(key) ?? { name: name === "" ? "anonymous" : name, rights, rss: 0, pss: 0, anonymous: 0 };
      all.set(key, current);
      continue;
    }
    const [, field = "", kb = "0"] = /^(Rss|Pss|Anonymous):\s+(\d+)/.exec(line) ?? [];
    if (current === undefined || field === "") continue;
    current[field.toLowerCase() as "rss" | "pss" | "anonymous"] += Number(kb);
  }
  return [...all.values()].toSorted((a, b) => b.rss - a.rss);
}

const mb = (kb: number) => (kb / 1_024).toFixed(1);
const field = new ServicesField();
try {
  await field.start(1_000);
  const services = Array.from({ length: count }, (_, index) => ({
    ...{
      id: `memory-${index}`,
      template: "link-errors",
      parameters: { equipment: "sw-1", errorsPerS: 100 + index, ...(index === 0 ? {} : { interface: `Gi1/0/${index}` }) },
    },
  }));
  const documents = [{ kind: "services", id: "services", content: { v: 1, services } }];
  await field.ask("PUT", `/api/gateways/${gatewayId}/desired`, { documents });
  let last: readonly ServiceSeen[] = [];
  const areHealthy = async () => {
    last = await field.services(1_000);
    return last.length === count && last.every(({ state }) => state === "healthy");
  };
  await field.until("the services are healthy", areHealthy, 120_000, () => JSON.stringify(last.slice(0, 2)));
  await new Promise((resolve) => setTimeout(resolve, settleS * 1_000));
  const mappings = mappingsOf(flowHostOf(field.gateway?.child.pid ?? 0));
  const sum = (of: "rss" | "pss" | "anonymous") => mappings.reduce((total, one) => total + one[of], 0);
  console.log(
    `flow host with ${count} services after ${settleS} s: RSS ${mb(sum("rss"))} MB (goal 95), PSS ${mb(sum("pss"))}, anonymous ${mb(sum("anonymous"))} (goal 60)`,
  );
  for (const { name, rights, rss, pss, anonymous } of mappings.slice(0, 12))
    console.log(`  ${mb(rss).padStart(7)} RSS ${mb(pss).padStart(7)} PSS ${mb(anonymous).padStart(7)} anonymous  ${rights} ${name}`);
} finally {
  await field.end();
}
