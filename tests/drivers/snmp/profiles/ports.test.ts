import { describe, expect, it } from "vitest";
import { identifyDevice } from "../../../../drivers/snmp/profiles/identify-device.ts";
import { ProfileBook } from "../../../../drivers/snmp/profiles/profile-book.ts";
import { ManualClock } from "../support/fixtures.ts";
import { MemoryAgent } from "../support/memory-agent.ts";

const ifEntry = "1.3.6.1.2.1.2.2.1";

interface Interface {
  readonly name: string;
  readonly bitPerS: number;
  readonly mac?: readonly number[];
}

/** Names of those interfaces that count as ports; all of them call themselves ethernet. */
async function portsOf(interfaces: readonly Interface[]): Promise<readonly string[]> {
  const agent = new MemoryAgent();
  for (const [at, { name, bitPerS, mac }] of interfaces.entries()) {
    const index = at + 1;
    agent.text(`${ifEntry}.2.${index}`, name).set(`${ifEntry}.3.${index}`, "integer", 6);
    agent.set(`${ifEntry}.5.${index}`, "gauge32", bitPerS).set(`${ifEntry}.6.${index}`, "octet-string", Uint8Array.from(mac ?? []));
  }
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const found = await identifyDevice(agent.open(), {
    book: new ProfileBook([], [], undefined),
    clock,
    deadlineMs: clock.monotonicMs() + 60_000,
    signal,
  });
  return found.interfaces.filter(({ isPort }) => isPort).map(({ name }) => name);
}

const mac = [2, 0, 0, 0, 0, 1];

describe("the ports of a device", () => {
  it("are not its radios, which run at speeds that Ethernet does not have", async () => {
    const radios = [72_000_000, 144_000_000, 433_000_000, 866_000_000].map((bitPerS) => ({ name: `radio at ${bitPerS}`, bitPerS, mac }));
    expect(await portsOf([{ name: "card", bitPerS: 100_000_000, mac }, ...radios])).toEqual(["card"]);
  });

  it("are those whose speed is not known, beyond what ifSpeed can say, or counted in 2^20", async () => {
    const speeds = [0, 4_294_967_295, 1_048_576_000, 2_500_000_000, 10_000_000];
    expect(await portsOf(speeds.map((bitPerS, at) => ({ name: `slot ${at}`, bitPerS, mac })))).toHaveLength(speeds.length);
  });

  it("are not their groups and roles, where the agent calls its sockets ports and the others have no address", async () => {
    const zero = [0, 0, 0, 0, 0, 0];
    const sockets = [1, 2, 3].map((number) => ({ name: `INSIDE_PORT${number}`, bitPerS: 1e9, mac: zero }));
    const roles = ["INSIDE", "OUTSIDE1", "OUTSIDE2"].map((name) => ({ name, bitPerS: 1e9 }));
    expect(await portsOf([...roles, ...sockets])).toEqual(["INSIDE_PORT1", "INSIDE_PORT2", "INSIDE_PORT3"]);
  });

  it("are all there where no name says port, with addresses or without", async () => {
    const plain = ["a1", "a2", "a3"].map((name) => ({ name, bitPerS: 1e9 }));
    expect(await portsOf([...plain, { name: "a4", bitPerS: 1e9, mac }])).toHaveLength(4);
  });
});
