import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeProtectedHeader } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuthorityStore } from "../../../../cloud-bridge/noc/authority/authority-store.ts";
import { BlobDesk } from "../../../../cloud-bridge/noc/authority/blob-desk.ts";
import { CommandBook } from "../../../../cloud-bridge/noc/authority/command-book.ts";
import { Manifests } from "../../../../cloud-bridge/noc/authority/manifests.ts";
import { SigningKeys } from "../../../../cloud-bridge/noc/authority/signing-keys.ts";
import { SiteBook, type SiteView } from "../../../../cloud-bridge/noc/authority/site-book.ts";
import { verifyDocument } from "../../../../cloud-bridge/protocol/envelope.ts";
import { parseBlobPiece } from "../../../../cloud-bridge/protocol/messages/blob.ts";
import { parseResponse } from "../../../../cloud-bridge/protocol/messages/command.ts";
import { parseHello } from "../../../../cloud-bridge/protocol/messages/presence.ts";
import { parseReported } from "../../../../cloud-bridge/protocol/messages/twin.ts";
import { isGatewayError } from "../../../../runtime/model/errors.ts";
import { seededEntropy } from "../../../sim/seeded-entropy.ts";
import { VirtualClock } from "../../../sim/virtual-clock.ts";

const where = { tenant: "acme", gateway: "gw-1" } as const;
let folder = "";
let store: AuthorityStore;
let keys: SigningKeys;
let clock: VirtualClock;
const nowS = () => clock.now().wallMs / 1_000;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "noc-authority-"));
  clock = new VirtualClock();
  store = new AuthorityStore(folder);
  keys = await SigningKeys.open(join(folder, "keys"), nowS);
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function site(): SiteView {
  const found = new SiteBook().of(where.tenant, where.gateway);
  if (found === undefined) throw new Error("no site");
  return Object.assign(found, { online: true, nonce: "n".repeat(22), operations: { "poll.now": "read", "gateway.restart": "disruptive" } });
}

describe("signing keys", () => {
  it("lie in a folder and files that nobody else may read, and stay the same", async () => {
    const path = join(folder, "keys");
    expect(statSync(path).mode & 0o077).toBe(0);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o077).toBe(0);
    const again = await SigningKeys.open(path, nowS);
    expect(again.rootPublic).toBe(keys.rootPublic);
    expect(keys.rootPublic).not.toContain('"d"');
  });

  it("go on working with the root in the safe, and need it for a tenant they do not know and for a rotation", async () => {
    const document = await keys.document("acme");
    unlinkSync(join(folder, "keys", "root.jwk"));
    expect(await keys.document("acme")).toBe(document);
    await expect(keys.document("other")).rejects.toThrow("the root key is not there");
    await expect(keys.rotate(false)).rejects.toThrow("the root key is not there");
  });

  it("are named by a document that the root signed, others after a rotation", async () => {
    const { kid = "", x = "" } = JSON.parse(keys.rootPublic) as { kid?: string; x?: string };
    const root = [{ kid, purposes: ["keys"], algorithm: "Ed25519", jwk: { kty: "OKP", crv: "Ed25519", x } }] as const;
    const expected = { type: "gh-keys+jws", purpose: "keys", audience: "gateways", tenant: "acme", issuer: "noc" } as const;
    const read = async () =>
      JSON.parse(Buffer.from((await verifyDocument(await keys.document("acme"), expected, root)).payload).toString());
    const before = await read();
    await keys.rotate(true);
    const after = await read();
    expect([before.version, before.epoch, after.version, after.epoch]).toEqual([1, 0, 2, 1]);
    expect(after.keys.map((key: { kid: string }) => key.kid)).not.toEqual(before.keys.map((key: { kid: string }) => key.kid));
  });
});

describe("manifests", () => {
  it("count up with each change, not without one, and above what the gateway remembers", () => {
    const manifests = new Manifests(store, keys, clock);
    const put = (content: unknown, gen = 0) => manifests.change({ ...where, gen }, [{ kind: "config", id: "config", content }], "anna");
    expect(put({ a: 1 })).toEqual({ gen: 1, changed: true });
    expect(put({ a: 1 })).toEqual({ gen: 1, changed: false });
    expect(put({ a: 2 }, 40)).toEqual({ gen: 41, changed: true });
    expect(put(null)).toEqual({ gen: 42, changed: true });
    expect(manifests.view(where.tenant, where.gateway, undefined)).toMatchObject({ gen: 42, by: "anna", documents: [] });
  });

  it("are renewed as another generation before they expire", async () => {
    const manifests = new Manifests(store, keys, clock);
    manifests.change({ ...where, gen: 0 }, [{ kind: "config", id: "config", content: { a: 1 } }], "anna");
    expect((await manifests.signed(where.tenant, where.gateway))?.gen).toBe(1);
    clock.stepWall(310 * 86_400_000);
    expect((await manifests.signed(where.tenant, where.gateway))?.gen).toBe(2);
    expect(manifests.document(where.tenant, where.gateway, "config")).toEqual({ a: 1 });
  });

  it("carry small documents and name large ones, which are served in pieces at a pace", async () => {
    const manifests = new Manifests(store, keys, clock);
    const large = Array.from({ length: 60_000 }, (_, index) => index * 7_919);
    const changes = [
      { kind: "config", id: "config", content: { small: true } },
      { kind: "flow", id: "flow.large", content: large },
    ];
    manifests.change({ ...where, gen: 0 }, changes, "anna");
    const signed = await manifests.signed(where.tenant, where.gateway);
    const manifest = JSON.parse(Buffer.from(signed?.jws.split(".")[1] ?? "", "base64url").toString());
    expect(manifest.docs).toMatchObject([
      { id: "config", inline: { small: true } },
      { id: "flow.large", enc: "json.gz", src: ["mqtt"] },
    ]);
    expect(JSON.stringify(manifest).length).toBeLessThan(2_000);
    const desk = new BlobDesk(store, clock, { bytesPerSecond: 32_768, burstBytes: 32_768 });
    const request = (off: number) => ({ v: 1, sha256: manifest.docs[1].sha256, off, len: 32_768, rid: "r" }) as const;
    const first = await desk.answer("acme/gw-1", request(0), new AbortController().signal);
    expect(parseBlobPiece(first ?? new Uint8Array()).bytes).toHaveLength(32_768);
    let second: Uint8Array | undefined;
    const pending = desk.answer("acme/gw-1", request(32_768), new AbortController().signal).then((piece) => {
      second = piece;
    });
    await clock.advance(500);
    expect(second).toBeUndefined();
    await clock.advance(600);
    await pending;
    expect(second).toBeDefined();
    expect(await desk.answer("acme/gw-2", { ...request(0), sha256: "ab".repeat(32) }, new AbortController().signal)).toBeUndefined();
  });
});

describe("the book of commands", () => {
  const book = () => new CommandBook({ store, keys, clock, entropy: seededEntropy(1) });
  const answer = (id: string, seq: number, more: object) =>
    parseResponse(Buffer.from(JSON.stringify({ v: 1, id, seq, st: "running", ...more })));

  it("repeats an order until it is accepted, signed anew for another session with the same id, and gives up in time", async () => {
    const orders = book();
    const gateway = site();
    const { id } = orders.add(gateway, { op: "poll.now", ttl: 60 }, "anna");
    const [first] = await orders.due(gateway);
    expect(decodeProtectedHeader(first?.jws ?? "")).toEqual({ alg: "Ed25519", kid: "cmd-1", typ: "gh-cmd+jws" });
    expect(await orders.due(gateway)).toEqual([]);
    await clock.advance(15_000);
    expect(await orders.due(gateway)).toHaveLength(1);
    gateway.nonce = "m".repeat(22);
    const [other] = await orders.due(gateway);
    const payload = JSON.parse(Buffer.from(other?.jws.split(".")[1] ?? "", "base64url").toString());
    expect(payload).toMatchObject({ id, nonce: gateway.nonce, sub: "anna" });
    gateway.online = false;
    await clock.advance(60_000);
    expect(await orders.due(gateway)).toEqual([]);
    orders.expire();
    expect(orders.get(id).state).toBe("expired");
  });

  it("sends nothing that disrupts before another person approved it, across a restart", async () => {
    const gateway = site();
    const { id } = book().add(gateway, { op: "gateway.restart" }, "anna");
    const orders = book();
    await clock.advance(60_000);
    expect(await orders.due(gateway)).toEqual([]);
    expect(() => orders.approve(id, "anna")).toThrow("a second person");
    orders.approve(id, "bert");
    const [sent] = await orders.due(gateway);
    expect(JSON.parse(Buffer.from(sent?.jws.split(".")[1] ?? "", "base64url").toString())).toMatchObject({ sub: "anna+bert", ttl: 120 });
  });

  it("takes answers of the gateway that was asked, in any number, whole or in pieces", () => {
    const orders = book();
    const { id } = orders.add(site(), { op: "poll.now" }, "anna");
    expect(orders.answer("acme", "gw-2", answer(id, 1, { fin: true, st: "ok" }))).toBeUndefined();
    orders.answer("acme", "gw-1", answer(id, 2, { pct: 50, out: { half: true } }));
    orders.answer("acme", "gw-1", answer(id, 2, { pct: 50, out: { half: true } }));
    expect(orders.get(id)).toMatchObject({ state: "running", progress: [{ pct: 50 }] });
    const text = Buffer.from(JSON.stringify({ long: "z".repeat(5_000) }));
    const sha256 = createHash("sha256").update(text).digest("hex");
    for (const off of [4_000, 0]) {
      const part = { off, size: text.length, sha256, data: text.subarray(off, off + 4_000).toString("base64") };
      orders.answer("acme", "gw-1", answer(id, 3 + off, { part }));
    }
    orders.answer("acme", "gw-1", answer(id, 9, { fin: true, st: "ok", out: { blob: { sha256, size: text.length } } }));
    expect(orders.get(id)).toMatchObject({ state: "ok", open: false, result: { long: expect.stringMatching(/^z{5000}$/) } });
  });

  it("takes no secret in clear: text that a SET writes is sealed or declared to be none", () => {
    const gateway = { ...site(), operations: { "snmp.set": "write", "other.op": "write" } };
    const set = (...varbinds: readonly object[]) => book().add(gateway, { op: "snmp.set", dev: "sw-1", args: { varbinds } }, "anna");
    const text = { oid: "1.3.6.1.4.1.9.2.0", type: "octet-string", value: "hush" };
    expect(() => set(text)).toThrow("/varbinds/0/value: a secret does not travel in clear text; seal it to the gateway");
    expect(() => set({ oid: "1.2.0", type: "integer", value: 1 }, { oid: "1.3.0", type: "octet-string", hex: "00ff" })).toThrow(
      "/varbinds/1/value",
    );
    expect(() => set({ oid: "1.2.0", type: "integer", value: 7, secret: true })).toThrow("/varbinds/0/value");
    expect(() => book().add(gateway, { op: "other.op", args: { password: "hush" } }, "anna")).toThrow("/password");
    expect(set({ ...text, secret: false }).state).toBe("sending");
    expect(set({ ...text, value: { $sealed: "a.b.c.d.e" } }, { oid: "1.2.0", type: "integer", value: 1 }).state).toBe("sending");
  });

  it("refuses an operation that the gateway does not offer", () => {
    expect(() => book().add(site(), { op: "coffee.make" }, "anna")).toThrow(
      /offers no operation coffee.make; it offers gateway.restart, poll.now/,
    );
  });
});

describe("what gateways say", () => {
  it("is a message or refused, never a crash, whatever bytes come", () => {
    const entropy = seededEntropy(5);
    const orders = new CommandBook({ store, keys, clock, entropy });
    const { id } = orders.add(site(), { op: "poll.now" }, "anna");
    const book = new SiteBook();
    const gateway = book.of(where.tenant, where.gateway);
    const hello = {
      v: 1,
      gw: "gw-1",
      agent: "1",
      boot: "b",
      conn: 1,
      proto: { min: 1, max: 1 },
      caps: [],
      streams: {},
      ops: { a: "read" },
      auth: { keys: 1 },
    };
    const texts = [
      hello,
      { v: 1, gen: 3, phase: "ok", docs: [{ id: "config", st: "applied" }] },
      { v: 1, id, seq: 1, st: "running", out: [] },
    ];
    const cases = Number(process.env.GATEHOUSE_FUZZ ?? 3_000);
    for (let done = 0; done < cases; done++) {
      const bytes = Buffer.from(JSON.stringify(texts[done % 3]));
      for (let change = 0; change < 3; change++) bytes[Math.floor(entropy.random() * bytes.length)] = Math.floor(entropy.random() * 256);
      try {
        if (gateway !== undefined && done % 3 === 0) book.hello(gateway, parseHello(bytes));
        else if (gateway !== undefined && done % 3 === 1) book.reported(gateway, parseReported(bytes), 0);
        else orders.answer(where.tenant, where.gateway, parseResponse(bytes));
      } catch (error) {
        if (!isGatewayError(error)) throw error;
      }
    }
    expect(orders.get(id).progress.length).toBeLessThanOrEqual(100);
  });
});
