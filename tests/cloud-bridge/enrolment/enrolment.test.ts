import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CertificateAuthority } from "../../../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { EnrolmentDesk } from "../../../cloud-bridge/noc/enrolment/enrolment-desk.ts";
import { EnrolmentServer } from "../../../cloud-bridge/noc/enrolment/enrolment-server.ts";
import { Roster } from "../../../cloud-bridge/noc/enrolment/roster.ts";
import { enrolmentProof, formatLabel, parseLabel } from "../../../cloud-bridge/protocol/enrolment.ts";
import { certificateRequest, makeDeviceKeys, publicHalf } from "../../../cloud-bridge/uplink/enrolment/device-keys.ts";
import { type EnrolmentDoor, enrol, pinAuthority, renew } from "../../../cloud-bridge/uplink/enrolment/enrolment-client.ts";
import { CertificateRenewal, renewalDueMs } from "../../../cloud-bridge/uplink/enrolment/renewal.ts";
import { IdentityFolder } from "../../../runtime/host/identity-folder.ts";
import { SealedFiles } from "../../../runtime/host/sealed-file.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import type { DeviceKeys } from "../../../runtime/model/identity.ts";
import { until } from "../../integration/noc-peers.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { ManualClock } from "../../store/manual-clock.ts";

const dayMs = 86_400_000;

describe("enrolment", () => {
  const dir = mkdtempSync(join(tmpdir(), "enrolment-"));
  const stop = new AbortController();
  const clock = new ManualClock();
  const claim = Buffer.alloc(16, 7);
  let authority: CertificateAuthority;
  let roster: Roster;
  let desk: EnrolmentDesk;
  let running: Promise<void>;
  let url = "";
  let door: EnrolmentDoor;
  let keys: DeviceKeys;

  beforeAll(async () => {
    clock.wallOffsetMs = Date.now();
    authority = await CertificateAuthority.open(await CertificateAuthority.create("Test NOC", clock, systemEntropy), clock, systemEntropy);
    roster = new Roster(join(dir, "enrolment.db"));
    const parts = { authority, roster, broker: "mqtts://broker.example:8883", clock, entropy: systemEntropy };
    desk = new EnrolmentDesk({ ...parts, unlistedWait: false, trust: () => ({ root: "x" }) });
    let port = 0;
    const tls = await authority.issueServer(["127.0.0.1"], 30);
    const server = new EnrolmentServer({
      ...{ desk, listen: { host: "127.0.0.1", port: 0 }, tls, logger: silentLogger },
      onListening: (bound) => {
        port = bound;
      },
    });
    running = server.run(stop.signal);
    await until("the door is open", () => port > 0);
    url = `https://127.0.0.1:${port}`;
    door = await pinAuthority(url, authority.fingerprint);
    keys = await makeDeviceKeys();
  });

  afterAll(async () => {
    stop.abort(new Error("done"));
    await running;
    roster.close();
    rmSync(dir, { recursive: true, force: true });
  });

  let count = 0;
  /** A device on the list with a serial of its own. */
  function shipped(): { serial: string; gateway: string; claim: Buffer } {
    count += 1;
    const serial = `GH-TEST-${count}`;
    const gateway = `gw-test-${count}`;
    const digest = createHash("sha256").update(claim).digest("hex");
    roster.put({
      serial,
      state: "shipped",
      tenant: "acme",
      site: "lisbon",
      gateway,
      claimDigest: digest,
      claimUntilMs: clock.now().wallMs + dayMs,
    });
    return { serial, gateway, claim };
  }

  it("gives a listed device a certificate that names gateway and tenant, valid 90 days and back-dated by one", async () => {
    const { serial, gateway } = shipped();
    const answer = await enrol(door, { serial, claim }, keys);
    if (answer.status !== "enrolled") throw new Error("not enrolled");
    const leaf = new X509Certificate(answer.certificate);
    expect(leaf.subject.split("\n").sort()).toEqual([`CN=${gateway}`, "O=acme"]);
    expect(leaf.verify(new X509Certificate(answer.authority).publicKey)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBeCloseTo(91 * dayMs, -4);
    expect(answer).toMatchObject({ gateway, tenant: "acme", site: "lisbon", broker: "mqtts://broker.example:8883", trust: { root: "x" } });
  });

  /** A complete request with a right proof, to be spoiled by the test. */
  async function request(serial: string, withKeys = keys) {
    const unproven = {
      ...{ serial, nonce: desk.start(serial).nonce, csr: await certificateRequest(withKeys.identity, serial) },
      ...{ sealingKey: await publicHalf(withKeys.sealing, "sealing"), evidenceKey: await publicHalf(withKeys.evidence, "evidence") },
    };
    return { ...unproven, proof: enrolmentProof(claim, unproven) };
  }

  it("takes a claim once: a second device with the same label is refused and noted", async () => {
    const { serial } = shipped();
    await enrol(door, { serial, claim }, keys);
    await expect(enrol(door, { serial, claim }, await makeDeviceKeys())).rejects.toMatchObject({ code: "uplink.refused" });
    expect(roster.events(1)[0]).toMatchObject({ serial, what: "claimed a second time: clone or theft" });
  });

  it("lets only one of two win that come at the same moment", async () => {
    const { serial } = shipped();
    const [a, b] = [await request(serial), await request(serial, await makeDeviceKeys())];
    const outcomes = await Promise.allSettled([desk.finish(a, "a"), desk.finish(b, "b")]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it.each([
    [
      "a wrong claim",
      async (serial: string) => ({ ...(await request(serial)), proof: enrolmentProof(Buffer.alloc(16, 8), await request(serial)) }),
    ],
    [
      "keys swapped after the proof",
      async (serial: string) => {
        const other = await makeDeviceKeys();
        return { ...(await request(serial)), csr: await certificateRequest(other.identity, serial) };
      },
    ],
    [
      "a sealing key swapped after the proof",
      async (serial: string) => {
        const other = await makeDeviceKeys();
        return { ...(await request(serial)), sealingKey: await publicHalf(other.sealing, "sealing") };
      },
    ],
    ["the nonce of another serial", async (serial: string) => ({ ...(await request(serial)), nonce: desk.start("GH-OTHER-1").nonce })],
    ["no proof", async (serial: string) => ({ ...(await request(serial)), proof: "" })],
  ])("refuses %s, and the right device still gets in", async (_what, spoiled) => {
    const { serial } = shipped();
    await expect(desk.finish(await spoiled(serial), "x")).rejects.toMatchObject({ code: "noc.denied" });
    expect((await enrol(door, { serial, claim }, keys)).status).toBe("enrolled");
  });

  it("refuses a nonce used twice, and one older than ten minutes", async () => {
    const first = await request(shipped().serial);
    await desk.finish(first, "x");
    await expect(desk.finish(first, "x")).rejects.toThrow(/nonce/);
    const late = await request(shipped().serial);
    await clock.advance(10 * 60_000 + 1);
    await expect(desk.finish(late, "x")).rejects.toThrow(/nonce/);
  });

  it("stops after five tries in an hour, also for the right claim", async () => {
    const { serial } = shipped();
    for (let tries = 0; tries < 5; tries++)
      await expect(desk.finish({ ...(await request(serial)), proof: "AAAA" }, "x")).rejects.toThrow(/claim/);
    await expect(desk.finish(await request(serial), "x")).rejects.toThrow(/too many tries/);
    await clock.advance(3_600_001);
    expect((await desk.finish(await request(serial), "x")).status).toBe("enrolled");
  });

  it("refuses a claim that is out of date, and a device that is on no list", async () => {
    const { serial } = shipped();
    roster.change(serial, { claimUntilMs: clock.now().wallMs - 1 });
    await expect(desk.finish(await request(serial), "x")).rejects.toThrow(/out of date/);
    await expect(desk.finish(await request("GH-NOBODY-1"), "x")).rejects.toThrow(/out of date/);
  });

  it("puts unlisted devices before a person where the NOC wants that", async () => {
    const asking = new EnrolmentDesk({ authority, roster, broker: "mqtts://b:1", unlistedWait: true, clock, entropy: systemEntropy });
    const serial = "GH-WALK-IN-1";
    const made = await request(serial);
    const answer = await asking.finish({ ...made, nonce: asking.start(serial).nonce }, "x");
    expect(answer).toMatchObject({ status: "waiting" });
    expect(roster.find(serial)?.state).toBe("waiting");
  });

  it("tells nothing to a server whose authority is not the one on the label", async () => {
    await expect(pinAuthority(url, "0".repeat(64))).rejects.toMatchObject({ code: "uplink.tls" });
    const foreign = await CertificateAuthority.create("Other", clock, systemEntropy);
    await expect(enrol({ url, authority: foreign.certificate }, { serial: shipped().serial, claim }, keys)).rejects.toMatchObject({
      code: "uplink.tls",
    });
  });

  it("renews for the same key only, with a fresh nonce, and not for the revoked", async () => {
    const { serial, gateway } = shipped();
    await enrol(door, { serial, claim }, keys);
    const before = roster.find(serial)?.certificateSerial;
    const renewed = await renew(door, gateway, keys.identity);
    expect(new X509Certificate(renewed.certificate).subject).toContain(`CN=${gateway}`);
    expect(roster.find(serial)?.certificateSerial).not.toBe(before);
    await expect(renew(door, gateway, (await makeDeviceKeys()).identity)).rejects.toMatchObject({ code: "uplink.refused" });
    roster.change(serial, { state: "revoked" });
    await expect(renew(door, gateway, keys.identity)).rejects.toThrow(/revoked/);
  });

  it("refuses renewals that bring their own key, an own algorithm or none", async () => {
    const { serial, gateway } = shipped();
    await enrol(door, { serial, claim }, keys);
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const payload = async () =>
      Buffer.from(JSON.stringify({ gateway, nonce: desk.start(gateway).nonce, csr: await certificateRequest(keys.identity, gateway) }));
    const own = await new CompactSign(await payload())
      .setProtectedHeader({ alg: "ES256", typ: "gh-renew+jws", jwk: await exportJWK(publicKey) })
      .sign(privateKey);
    const none = `${Buffer.from('{"alg":"none","typ":"gh-renew+jws"}').toString("base64url")}.${(await payload()).toString("base64url")}.`;
    const wrongType = await new CompactSign(await payload()).setProtectedHeader({ alg: "ES256", typ: "gh-cmd+jws" }).sign(privateKey);
    for (const token of [own, none, wrongType, "", "a.b.c", "x".repeat(20_000)])
      await expect(desk.renew(token, "x")).rejects.toThrow(/not signed|names no gateway|not JSON|object was expected/);
  });

  it("renews by itself when two thirds are over, also after a sleep beyond the end, and keeps the old one while the NOC is away", async () => {
    const { serial } = shipped();
    const identity = new IdentityFolder(join(dir, "gw"), systemEntropy);
    const answer = await enrol(door, { serial, claim }, keys);
    if (answer.status !== "enrolled") throw new Error("not enrolled");
    identity.keepKeys(keys);
    identity.keep({ ...answer, door: "https://127.0.0.1:1" });
    const due = renewalDueMs(answer.certificate);
    await clock.advance(due - clock.now().wallMs + 60 * dayMs);
    const ended = new AbortController();
    const unit = new CertificateRenewal({ identity, clock, entropy: systemEntropy, logger: silentLogger }).run(ended.signal);
    await clock.advance(1);
    expect(identity.current()?.certificate).toBe(answer.certificate);
    identity.keep({ ...answer, door: url });
    await until("the certificate was renewed", () => {
      void clock.advance(60_000);
      return identity.current()?.certificate !== answer.certificate;
    });
    ended.abort(new Error("done"));
    await unit;
    expect(renewalDueMs(identity.current()?.certificate ?? "")).toBeGreaterThan(clock.now().wallMs);
  });

  it("keeps keys and identity encrypted, in files of the owner, and does not open them on another board", () => {
    const folder = join(dir, "at-rest");
    const identity = new IdentityFolder(folder, systemEntropy);
    identity.keepKeys(keys);
    const line = keys.identity.split("\n")[1] ?? "";
    for (const name of readdirSync(join(folder, "identity"))) {
      const file = join(folder, "identity", name);
      expect(readFileSync(file).includes(line)).toBe(false);
      expect(statSync(file).mode & 0o077).toBe(0);
    }
    const root = join(folder, "identity", "root.key");
    const elsewhere = new SealedFiles(root, systemEntropy, () => "another board");
    expect(() => elsewhere.read(join(folder, "identity", "keys.sealed"))).toThrow(/another board/);
    expect(new IdentityFolder(folder, systemEntropy).keys()).toEqual(keys);
  });

  it("reads a label as it was printed, and never repeats a wrong one", () => {
    const label = { serial: "GH-1", claim: Buffer.alloc(16, 1), authorityFingerprint: "a".repeat(64) };
    expect(parseLabel(formatLabel({ ...label, serial: "GH-1000-1" }))).toMatchObject({ serial: "GH-1000-1" });
    const secret = "S3CRETS3CRETS3CRETS3CRET";
    const refusal = vi.fn();
    try {
      parseLabel(`gatehouse:1:GH-1000-1:${secret}:zz`);
    } catch (error) {
      refusal(String(error));
    }
    expect(refusal).toHaveBeenCalledTimes(1);
    expect(refusal.mock.calls.join()).not.toContain(secret);
  });
});
