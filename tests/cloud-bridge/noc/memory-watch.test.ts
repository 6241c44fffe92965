import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatHello, type HelloMessage } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { IngestKit } from "./ingest-kit.ts";

let conn = 0;

/** Each of another process of one gateway. */
function hello(gen: number, more: Partial<HelloMessage> = {}): Uint8Array {
  conn += 1;
  const base = { v: 1, gw: "gw-one", agent: "1.0.0", boot: "boot-a", proto: { min: 1, max: 1 }, caps: [], streams: {} } as const;
  return formatHello({
    ...base,
    conn,
    run: `run-${conn}-abcd`,
    nonce: `nonce-of-session-${conn}-000`,
    gen,
    auth: { keys: 2, epoch: 0 },
    ...more,
  });
}

describe("a gateway's memory", () => {
  let kit: IngestKit;
  beforeEach(() => {
    kit = new IngestKit();
    conn = 0;
  });
  afterEach(() => kit.close());

  async function alarms(): Promise<readonly string[]> {
    return (await kit.store.read.alarmDesk.alarms({ key: "noc:gateway-forgot", state: "active", limit: 10 })).map((row) => row.text);
  }

  it("that grows, stays, or begins another epoch is no alarm", async () => {
    for (const one of [hello(3), hello(3), hello(7), hello(1, { auth: { keys: 3, epoch: 1 } })]) await kit.receive("hello", one);
    expect(await alarms()).toEqual([]);
  });

  it("that was put back raises an alarm, which is over when it has caught up", async () => {
    await kit.receive("hello", hello(7));
    await kit.receive("hello", hello(4));
    expect(await alarms()).toEqual([expect.stringContaining("generation 4, keys 2 after generation 7, keys 2")]);
    await kit.receive("hello", hello(5));
    expect(await alarms()).toHaveLength(1);
    await kit.receive("hello", hello(8));
    expect(await alarms()).toEqual([]);
  });

  it.each([
    ["an older key document", { auth: { keys: 1, epoch: 0 } }],
    ["no key document any more", { auth: { keys: 0 } }],
    ["the nonce of the session before", { nonce: "nonce-of-session-1-000" }],
  ])("with %s raises an alarm", async (_what, more) => {
    await kit.receive("hello", hello(7, { auth: { keys: 2, epoch: 0 } }));
    await kit.receive("hello", hello(7, more));
    expect(await alarms()).toHaveLength(1);
  });

  it("is not judged by a copy of a greeting that comes late", async () => {
    const [first, second] = [hello(3, { run: "run-one-abcd" }), hello(7, { run: "run-one-abcd" })];
    for (const one of [first, second, first]) await kit.receive("hello", one);
    expect(await alarms()).toEqual([]);
  });
});
