import { MemoryAgent } from "./memory-agent.ts";

const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";

/** Sets one interface of a small switch. `wide: false` leaves the 64-bit columns out. */
export function setInterface(
  agent: MemoryAgent,
  index: number,
  name: string,
  options: { wide?: boolean; type?: number; speed?: number } = {},
): void {
  const { wide = true, type = 6, speed = 1_000_000_000 } = options;
  agent.text(`${ifEntry}.2.${index}`, `Port ${name}`);
  agent.set(`${ifEntry}.3.${index}`, "integer", type);
  agent.set(`${ifEntry}.5.${index}`, "gauge32", Math.min(speed, 4_294_967_295));
  agent.set(`${ifEntry}.6.${index}`, "octet-string", Uint8Array.of(0, 0x1b, 2, 3, 4, index & 255));
  agent.set(`${ifEntry}.7.${index}`, "integer", 1);
  agent.set(`${ifEntry}.8.${index}`, "integer", 1);
  agent.text(`${ifXEntry}.1.${index}`, name);
  setOctets(agent, index, 1_000n, wide);
  if (wide) agent.set(`${ifXEntry}.15.${index}`, "gauge32", speed / 1_000_000);
}

export function setOctets(agent: MemoryAgent, index: number, octets: bigint, wide = true): void {
  agent.set(`${ifEntry}.10.${index}`, "counter32", Number(octets & 0xffffffffn));
  agent.set(`${ifEntry}.16.${index}`, "counter32", Number(octets & 0xffffffffn));
  if (!wide) return;
  agent.set(`${ifXEntry}.6.${index}`, "counter64", octets);
  agent.set(`${ifXEntry}.10.${index}`, "counter64", octets);
}

export function smallSwitch(): MemoryAgent {
  const agent = new MemoryAgent();
  agent.text("1.3.6.1.2.1.1.1.0", "a small switch");
  agent.set("1.3.6.1.2.1.1.2.0", "oid", "1.3.6.1.4.1.99999.1");
  agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", 100);
  setInterface(agent, 1, "Gi1/0/1");
  setInterface(agent, 2, "Gi1/0/2");
  setInterface(agent, 3, "lo", { type: 24 });
  return agent;
}
