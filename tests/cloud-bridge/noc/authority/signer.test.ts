import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeProtectedHeader } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RemoteSigner } from "../../../../cloud-bridge/noc/authority/remote-signer.ts";
import { SignerPolicy } from "../../../../cloud-bridge/noc/authority/signer-policy.ts";
import { SignerServer } from "../../../../cloud-bridge/noc/authority/signer-server.ts";
import { SigningKeys } from "../../../../cloud-bridge/noc/authority/signing-keys.ts";
import { type CommandMessage, formatCommand } from "../../../../cloud-bridge/protocol/messages/command.ts";
import { type DesiredManifest, formatDesired } from "../../../../cloud-bridge/protocol/messages/twin.ts";
import { silentLogger } from "../../../sim/silent-logger.ts";
import { VirtualClock } from "../../../sim/virtual-clock.ts";

let folder = "";
let clock: VirtualClock;
let signer: RemoteSigner;
let stop: AbortController;
let running: Promise<void>;
const nowS = () => Math.floor(clock.now().wallMs / 1_000);

async function start(): Promise<void> {
  const keys = await SigningKeys.open(join(folder, "keys"), nowS);
  const policy = new SignerPolicy(join(folder, "keys"), nowS);
  const socket = join(folder, "sign.sock");
  stop = new AbortController();
  await new Promise<void>((ready) => {
    running = new SignerServer({ socket, keys, policy, clock, logger: silentLogger, onListening: ready }).run(stop.signal);
  });
  signer = await RemoteSigner.open(socket);
}

async function end(): Promise<void> {
  stop.abort(new Error("over"));
  await running;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "noc-signer-"));
  clock = new VirtualClock();
  await start();
});

afterEach(async () => {
  await end();
  rmSync(folder, { recursive: true, force: true });
});

function manifest(more: Partial<DesiredManifest> = {}): Promise<string> {
  const base: DesiredManifest = {
    v: 1,
    iss: "noc",
    aud: "gw-one",
    tenant: "acme",
    epoch: 0,
    gen: 5,
    iat: nowS(),
    exp: nowS() + 3_600,
    docs: [],
  };
  return signer.sign("gh-desired+jws", formatDesired({ ...base, ...more }));
}

function command(more: Partial<CommandMessage> = {}): Promise<string> {
  const base = { v: 1, id: "01JC0000000000000000000001", op: "poll.now", risk: "read", iss: "noc", aud: "gw-one", tenant: "acme" } as const;
  return signer.sign(
    "gh-cmd+jws",
    formatCommand({ ...base, nonce: "n".repeat(22), iat: nowS(), ttl: 120, sub: "anna", args: {}, ...more }),
  );
}

describe("a signer in a process of its own", () => {
  it("signs what is in order, and says nothing of its keys but their names", async () => {
    expect((await manifest()).split(".")).toHaveLength(3);
    expect((await command()).split(".")).toHaveLength(3);
    expect(JSON.stringify([signer.list, signer.rootPublic])).not.toContain('"d"');
    expect(statSync(join(folder, "sign.sock")).mode & 0o007).toBe(0);
  });

  it("signs no older generation and no other content under a number that it signed, also after a restart", async () => {
    await manifest();
    await manifest();
    await end();
    await start();
    await expect(manifest({ gen: 4 })).rejects.toThrow("generation 5 was signed for gw-one already; 4 is older");
    await expect(manifest({ exp: nowS() + 7_200 })).rejects.toThrow("5 is another content");
    await manifest({ gen: 6 });
    await manifest({ epoch: 1, gen: 1 });
  });

  it("signs nothing that is out of date, too long, for no session, or of somebody else", async () => {
    await expect(manifest({ exp: nowS() + 800 * 86_400 })).rejects.toThrow("not current, or holds for more than a year");
    await expect(manifest({ iss: "somebody" })).rejects.toThrow("another issuer");
    await expect(command({ iat: nowS() - 3_600 })).rejects.toThrow("not current");
    await expect(command({ ttl: 90_000 })).rejects.toThrow();
    await expect(signer.sign("gh-desired+jws", Buffer.from("{}"))).rejects.toThrow();
  });

  it("signs what disrupts only with the names of two people, and one content per id, for each session anew", async () => {
    await expect(command({ risk: "disruptive" })).rejects.toThrow("two people");
    await expect(command({ risk: "disruptive", sub: "anna+anna" })).rejects.toThrow("two people");
    await command({ risk: "disruptive", sub: "anna+bert" });
    await command({ risk: "disruptive", sub: "anna+bert", nonce: "m".repeat(22) });
    await expect(command({ op: "other.op", risk: "read" })).rejects.toThrow("another command with this id");
  });

  it("neither rotates keys nor makes tokens of technicians for whoever asks", async () => {
    await expect(signer.rotate()).rejects.toThrow("the keys are the signer's");
    await expect(signer.sign("gh-tech+jws", Buffer.from('{"sub":"me"}'))).rejects.toThrow("signed where the keys are");
  });

  it("takes up keys that were rotated beside it, and so does whoever asks, without a restart", async () => {
    await manifest();
    const beside = await SigningKeys.open(join(folder, "keys"), nowS);
    await beside.rotate(true);
    await signer.refresh();
    expect([signer.version, signer.epoch]).toEqual([2, 1]);
    const { kid } = decodeProtectedHeader(await manifest({ epoch: 1, gen: 1 }));
    expect(kid).toBe(beside.list.find(({ role }) => role === "des")?.kid);
  });

  it("changes keys one after the other: a tenant's first document does not undo a rotation", async () => {
    const beside = await SigningKeys.open(join(folder, "keys"), nowS);
    await Promise.all([beside.rotate(false), signer.document("acme"), signer.document("other")].map((one) => one.catch(() => undefined)));
    await signer.document("acme");
    expect((await SigningKeys.open(join(folder, "keys"), nowS)).version).toBe(2);
    mkdirSync(join(folder, "keys", "signing.lock"));
    await expect(beside.rotate(false)).rejects.toThrow("another process changes the signing keys just now");
  });

  it("is held to a pace", async () => {
    const policy = new SignerPolicy(join(folder, "other"), nowS);
    const one = formatCommand({
      v: 1,
      id: "01JC0000000000000000000001",
      op: "poll.now",
      risk: "read",
      iss: "noc",
      aud: "gw-one",
      tenant: "acme",
      nonce: "n".repeat(22),
      iat: nowS(),
      ttl: 120,
      sub: "anna",
      args: {},
    });
    const flood = () => {
      for (let count = 0; count <= 2_000; count++) policy.admit("gh-cmd+jws", one);
    };
    expect(flood).toThrow("signatures a second");
    policy.close();
  });
});
