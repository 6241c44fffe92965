import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryState } from "../../southbound/discovery/memory-state.ts";
import { attacksOnClaims } from "./attack-claims.ts";
import { attacksOnForm, cmd, type Leaf } from "./attack-forms.ts";
import { MemoryDocuments } from "./memory-documents.ts";
import { manifest, type NocPens, nocPens, order, pen, tenant } from "./noc-pen.ts";
import { Stand } from "./stand.ts";

const note = (executed: string[]) => ({
  name: "test.note",
  risk: "read" as const,
  summary: "Notes that it ran.",
  argumentsSchema: { type: "object" },
  maxDurationMs: 1_000,
  execute: async (command: { readonly id: string }) => {
    executed.push(command.id);
    return {};
  },
});

describe("whoever holds the broker", () => {
  const table: { readonly attack: string; readonly reason: string; readonly accepted: number }[] = [];
  let noc: NocPens;
  const executed: string[] = [];

  beforeAll(async () => {
    noc = await nocPens();
  });

  afterAll(() => {
    const accepted = table.reduce((sum, row) => sum + row.accepted, 0);
    console.log(`attacks on orders: ${table.length} tried, ${table.length - accepted} refused, ${accepted} accepted`);
  });

  async function stand(state = new MemoryState(), documents = new MemoryDocuments(), seed = 1): Promise<Stand> {
    const made = new Stand({ trust: noc.trust, state, documents, operations: [note(executed)], seed }).start();
    made.nonce.renew();
    return made;
  }

  /** Nothing ran, nothing was staged, and it is counted under its reason. */
  async function expectRefused(target: Stand, leaf: Leaf, payload: Uint8Array, reason: string, name: string): Promise<void> {
    const before = { ran: executed.length, gen: target.authority.accepted.gen, keys: target.authority.keyVersion };
    await target.deliver(leaf, payload);
    await target.pass(1_000);
    const accepted =
      executed.length - before.ran + (target.authority.accepted.gen === before.gen ? 0 : 1) + target.authority.keyVersion - before.keys;
    table.push({ attack: name, reason, accepted });
    expect(accepted).toBe(0);
    expect(target.authority.status().refusedByReason).toEqual({ [reason]: 1 });
  }

  for (const attack of [...attacksOnForm, ...attacksOnClaims]) {
    it(`is refused: ${attack.name}`, async () => {
      const target = await stand();
      target.desired.stage({ epoch: 0, gen: 5, hash: "0".repeat(64), payload: JSON.stringify(manifest(5, target.nowS)) }, {});
      target.authority.accept({ epoch: 0, gen: 5, hash: "0".repeat(64) });
      await expectRefused(target, attack.leaf, await attack.make(target, noc), attack.reason, attack.name);
      await target.stop();
    });
  }

  it("cannot have a command run twice by delivering it twice", async () => {
    const target = await stand();
    const signed = await noc.command.sign("gh-cmd+jws", cmd(target));
    const before = executed.length;
    for (let time = 0; time < 5; time++) await target.deliver("cmd", signed);
    await target.pass(1_000);
    expect(executed.length - before).toBe(1);
    await target.stop();
  });

  it("cannot give one command's id to another", async () => {
    const target = await stand();
    const first = cmd(target);
    await target.deliver("cmd", await noc.command.sign("gh-cmd+jws", first));
    await target.pass(1_000);
    const second = await noc.command.sign("gh-cmd+jws", { ...first, args: { other: true } });
    await expectRefused(target, "cmd", second, "replay", "a used id for another command");
    await target.stop();
  });

  it("cannot replay a command in the next session, after a reboot, or on a restored state", async () => {
    const state = new MemoryState();
    const first = await stand(state);
    const empty = new Map(state.entries);
    const recorded = await noc.command.sign("gh-cmd+jws", cmd(first));
    await first.deliver("cmd", recorded);
    await first.pass(1_000);
    first.nonce.renew();
    await expectRefused(first, "cmd", recorded, "nonce", "replay in the next session");
    await first.stop();
    const rebooted = await stand(state, new MemoryDocuments(), 2);
    await expectRefused(rebooted, "cmd", recorded, "nonce", "replay after a reboot");
    await rebooted.stop();
    const old = new MemoryState();
    for (const [key, value] of empty) old.entries.set(key, value);
    const restored = await stand(old, new MemoryDocuments(), 3);
    await expectRefused(restored, "cmd", recorded, "nonce", "replay on a restored state");
    await restored.stop();
  });

  it("cannot replay an older manifest after a reboot, without a clock, or on a restored state", async () => {
    const [state, documents] = [new MemoryState(), new MemoryDocuments()];
    const first = await stand(state, documents);
    const third = await noc.desired.sign("gh-desired+jws", manifest(3, first.nowS));
    await first.deliver("des", third);
    await first.pass(1_000);
    const oldState = new Map(state.entries);
    await first.deliver("des", await noc.desired.sign("gh-desired+jws", manifest(5, first.nowS)));
    await first.pass(1_000);
    expect(first.desired.report()).toMatchObject({ gen: 5, phase: "ok" });
    await first.stop();
    const rebooted = await stand(state, documents, 2);
    rebooted.clock.quality = "unanchored";
    await expectRefused(rebooted, "des", third, "generation", "older manifest after a reboot, without a clock");
    await rebooted.stop();
    const old = new MemoryState();
    for (const [key, value] of oldState) old.entries.set(key, value);
    const restored = await stand(old, documents, 3);
    expect(restored.alarms).toEqual([expect.stringContaining("authority.rolled-back")]);
    const fourth = await noc.desired.sign("gh-desired+jws", manifest(4, restored.nowS));
    await expectRefused(restored, "des", fourth, "generation", "manifest between the restored and the true generation");
    await restored.stop();
  });

  it("raises an alarm when two manifests are signed as one generation", async () => {
    const target = await stand();
    await target.deliver("des", await noc.desired.sign("gh-desired+jws", manifest(2, target.nowS)));
    await target.deliver("des", await noc.desired.sign("gh-desired+jws", manifest(2, target.nowS, [], { jti: "other" })));
    expect(target.alarms).toEqual([expect.stringContaining("authority.conflict")]);
    await target.stop();
  });

  it("gets nothing at all from a gateway that pins nobody", async () => {
    const bare = new Stand({
      trust: { ...noc.trust, pinned: [] },
      state: new MemoryState(),
      documents: new MemoryDocuments(),
      operations: [note(executed)],
    }).start();
    bare.nonce.renew();
    await expectRefused(
      bare,
      "cmd",
      await noc.command.sign("gh-cmd+jws", cmd(bare)),
      "no key is pinned",
      "an order for a gateway that pins nobody",
    );
    expect(bare.authority.status().state).toContain("no key is pinned");
    await bare.stop();
  });

  it("is read slowly when it goes on, and the gateway lives", async () => {
    const target = await stand();
    const garbage = Buffer.from("a.b.c");
    const flood = Promise.all(Array.from({ length: 200 }, () => target.deliver("cmd", garbage)));
    await target.pass(60_000);
    await flood;
    expect(target.authority.status().refused).toBe(200);
    await target.stop();
  });
});

describe("a valid order, delivered three hundred times", () => {
  it("is read slowly, answered once at a time, and runs once", async () => {
    const noc = await nocPens();
    const executed: string[] = [];
    const target = new Stand({
      trust: noc.trust,
      state: new MemoryState(),
      documents: new MemoryDocuments(),
      operations: [note(executed)],
    }).start();
    const signed = await noc.command.sign("gh-cmd+jws", order("test.note", target.nowS, target.nonce.renew()));
    const startedMs = target.clock.monotonicMs();
    let endedMs = 0;
    const flood = (async () => {
      for (let time = 0; time < 300; time++) await target.deliver("cmd", signed);
      endedMs = target.clock.monotonicMs();
    })();
    // Signatures are verified in real time: simulated time moves on in small steps beside it.
    while (endedMs === 0) await target.pass(20);
    await flood;
    expect(executed).toHaveLength(1);
    expect(endedMs - startedMs).toBeGreaterThan(3_000);
    await target.stop();
  });
});

describe("keys", () => {
  it("are rotated by the root, without a clock, over two rotations at once", async () => {
    const noc = await nocPens();
    const trust = { ...noc.trust, pinned: [noc.root.pinned("keys")] };
    const executed: string[] = [];
    const target = new Stand({ trust, state: new MemoryState(), documents: new MemoryDocuments(), operations: [note(executed)] }).start();
    target.clock.quality = "unanchored";
    const nonce = target.nonce.renew();
    const second = await pen("cmd-2");
    const keys = (version: number, kid: string, x: string | undefined) => ({
      v: 1,
      iss: "noc",
      aud: "gateways",
      tenant,
      version,
      iat: 1,
      keys: [{ kid, roles: ["cmd"], x }],
    });
    await target.deliver("cmd", await noc.root.sign("gh-keys+jws", keys(1, "cmd-1", noc.command.jwk.x)));
    await target.deliver("cmd", await noc.command.sign("gh-cmd+jws", order("test.note", target.nowS, nonce)));
    await target.pass(100);
    expect(executed).toHaveLength(1);
    // Asleep over version 2: version 3 is as good.
    await target.deliver("cmd", await noc.root.sign("gh-keys+jws", keys(3, "cmd-2", second.jwk.x)));
    await target.deliver("cmd", await second.sign("gh-cmd+jws", order("test.note", target.nowS, nonce)));
    await target.deliver("cmd", await noc.command.sign("gh-cmd+jws", order("test.note", target.nowS, nonce)));
    await target.deliver("cmd", await noc.root.sign("gh-keys+jws", keys(2, "cmd-1", noc.command.jwk.x)));
    await target.pass(100);
    expect(executed).toHaveLength(2);
    expect(target.authority.status().refusedByReason).toEqual({ key: 1, "key document version": 1 });
    await target.stop();
  });

  it("let generations begin again with another epoch, and only forwards", async () => {
    const noc = await nocPens();
    const target = new Stand({ trust: noc.trust, state: new MemoryState(), documents: new MemoryDocuments() }).start();
    await target.deliver("des", await noc.desired.sign("gh-desired+jws", manifest(9_007_199_254_740_991, target.nowS)));
    await target.pass(100);
    const keys = {
      v: 1,
      iss: "noc",
      aud: "gateways",
      tenant,
      version: 2,
      epoch: 1,
      iat: target.nowS,
      keys: [{ kid: "des-1", roles: ["des"], x: noc.desired.jwk.x }],
    };
    await target.deliver("cmd", await noc.root.sign("gh-keys+jws", keys));
    await target.deliver("des", await noc.desired.sign("gh-desired+jws", manifest(1, target.nowS, [], { epoch: 1 })));
    await target.pass(100);
    expect(target.desired.report()).toMatchObject({ gen: 1, phase: "ok" });
    await target.deliver("cmd", await noc.root.sign("gh-keys+jws", { ...keys, version: 3, epoch: 0 }));
    expect(target.authority.epoch).toBe(1);
    await target.stop();
  });
});
