import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mosquittoAcl, mosquittoListener } from "../../cloud-bridge/noc/enrolment/broker-files.ts";
import { CertificateAuthority } from "../../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { EnrolmentDesk } from "../../cloud-bridge/noc/enrolment/enrolment-desk.ts";
import { EnrolmentServer } from "../../cloud-bridge/noc/enrolment/enrolment-server.ts";
import { Roster } from "../../cloud-bridge/noc/enrolment/roster.ts";
import { formatLabel } from "../../cloud-bridge/protocol/enrolment.ts";
import { renew } from "../../cloud-bridge/uplink/enrolment/enrolment-client.ts";
import { createMqttUplink } from "../../cloud-bridge/uplink/mqtt-uplink.ts";
import { IdentityFolder } from "../../runtime/host/identity-folder.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { enrolledTls, enrolWithLabel } from "../../runtime/parts-enrolment.ts";
import type { UplinkSession } from "../../runtime/ports/uplink.ts";
import { openState } from "../../runtime/store/state.ts";
import { peer } from "../peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { freePort, until } from "./noc-peers.ts";
import { ListenerlessMosquitto } from "./uplink-peers.ts";

const mosquitto = peer("mosquitto");

describe.skipIf(!mosquitto.available)(`enrolled gateways at a real broker ${mosquitto.reason}`, () => {
  const dir = mkdtempSync(join(tmpdir(), "enrolled-"));
  const stop = new AbortController();
  const clock = new SystemClock(() => true);
  const signal = stop.signal;
  const path = (name: string) => join(dir, name);
  let authority: CertificateAuthority;
  let roster: Roster;
  let broker: ListenerlessMosquitto;
  let running: Promise<void>;
  let url = "";
  let brokerUrl = "";

  /** ACL and revocation list as the enrolment role writes them, and the broker told to read them. */
  async function refresh(): Promise<void> {
    const gateways = roster.list().filter((one) => one.state === "enrolled");
    writeFileSync(path("gateways.acl"), mosquittoAcl([{ tenant: "acme", gateways: gateways.map((one) => one.gateway) }]));
    writeFileSync(path("revoked.pem"), await authority.revocationList(roster.revocations()));
    await broker.reload();
  }

  beforeAll(async () => {
    authority = await CertificateAuthority.open(await CertificateAuthority.create("Test NOC", clock, systemEntropy), clock, systemEntropy);
    roster = new Roster(path("enrolment.db"));
    const brokerPort = await freePort();
    brokerUrl = `mqtts://127.0.0.1:${brokerPort}`;
    const own = await authority.issueServer(["127.0.0.1"], 30);
    writeFileSync(path("server-key.pem"), own.key);
    writeFileSync(path("server-cert.pem"), own.certificate);
    writeFileSync(path("authority.pem"), authority.certificatePem);
    writeFileSync(path("gateways.acl"), "");
    writeFileSync(path("revoked.pem"), await authority.revocationList([]));
    const files = { authority: path("authority.pem"), certificate: path("server-cert.pem"), key: path("server-key.pem") };
    const listener = mosquittoListener({
      ...files,
      port: brokerPort,
      revocationList: path("revoked.pem"),
      acl: path("gateways.acl"),
    });
    broker = await ListenerlessMosquitto.start(dir, listener, brokerPort);
    const parts = { authority, roster, broker: brokerUrl, clock, entropy: systemEntropy };
    let port = 0;
    const server = new EnrolmentServer({
      desk: new EnrolmentDesk({ ...parts, unlistedWait: false }),
      ...{ listen: { host: "127.0.0.1", port: 0 }, tls: own, logger: silentLogger },
      onListening: (bound) => {
        port = bound;
      },
    });
    running = server.run(signal);
    await until("enrolment is open", () => port > 0);
    url = `https://127.0.0.1:${port}`;
  });

  afterAll(async () => {
    stop.abort(new Error("done"));
    await running;
    await broker.kill();
    roster.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A label for a device, and the folder of its identity. */
  function labelled(serial: string, gateway: string): string {
    const claim = systemEntropy.bytes(16);
    const claimDigest = createHash("sha256").update(claim).digest("hex");
    roster.put({ serial, state: "shipped", tenant: "acme", site: "lisbon", gateway, claimDigest, claimUntilMs: Date.now() + 60_000 });
    return formatLabel({ serial, claim, authorityFingerprint: authority.fingerprint });
  }

  async function enrolled(serial: string, gateway: string, folder = path(gateway)): Promise<IdentityFolder> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const identity = new IdentityFolder(folder, systemEntropy);
    await enrolWithLabel({ url, label: labelled(serial, gateway), identity, wait: false, clock, signal, say: () => undefined });
    await refresh();
    return identity;
  }

  /** One connection as the product makes it. @param as the name it claims, if not its own */
  async function connected<T>(identity: IdentityFolder, work: (session: UplinkSession) => Promise<T>, as?: string): Promise<T> {
    const own = identity.current()?.gateway ?? "";
    const folder = mkdtempSync(join(dir, "state-"));
    const state = openState(folder, { wallMs: Date.now(), onDamage: () => undefined });
    const uplink = createMqttUplink({
      ...{ url: brokerUrl, tenant: "acme", gateway: as ?? own, tls: enrolledTls(identity, own), clock, logger: silentLogger, state },
    });
    try {
      const session = await uplink.connect(() => undefined, signal);
      try {
        return await work(session);
      } finally {
        await session.end("drop");
      }
    } finally {
      state.close();
    }
  }

  const publishes = (session: UplinkSession) => session.publish("ev", new Uint8Array([1]));

  it("lets an enrolled gateway publish its own topics, before and after renewal, and not after revocation until it enrols again", async () => {
    const identity = await enrolled("GH-ROUND-1", "gw-round-1");
    await connected(identity, publishes);
    const current = identity.current();
    const keys = identity.keys();
    if (current === undefined || keys === undefined) throw new Error("no identity");
    identity.keep({ ...current, ...(await renew({ url, authority: current.authority }, current.gateway, keys.identity)) });
    expect(identity.current()?.certificate).not.toBe(current.certificate);
    await connected(identity, publishes);

    const record = roster.findGateway("gw-round-1");
    roster.revoke(record?.certificateSerial ?? "", "gw-round-1", Date.now());
    roster.change("GH-ROUND-1", { state: "released" });
    await refresh();
    await expect(connected(identity, publishes)).rejects.toMatchObject({ code: "uplink.tls" });

    const again = await enrolled("GH-ROUND-1", "gw-round-1", path("gw-round-1-again"));
    await connected(again, publishes);
  });

  it("gives nobody another gateway's topics or session, whatever name it claims", async () => {
    const [mine, theirs] = [await enrolled("GH-MINE-1", "gw-mine-1"), await enrolled("GH-THEIRS-1", "gw-theirs-1")];
    await connected(theirs, async (victim) => {
      // The same certificate under the other's name: the broker takes the certificate's, so its topics are refused ...
      await expect(connected(mine, publishes, "gw-theirs-1")).rejects.toMatchObject({ code: "uplink.rejected" });
      // ... and the victim's session goes on.
      await publishes(victim);
    });
  });

  it("refuses a certificate of another authority", async () => {
    const identity = await enrolled("GH-FOREIGN-1", "gw-foreign-1");
    const foreign = await CertificateAuthority.open(
      await CertificateAuthority.create("Other NOC", clock, systemEntropy),
      clock,
      systemEntropy,
    );
    const keys = identity.keys();
    const current = identity.current();
    if (keys === undefined || current === undefined) throw new Error("no identity");
    const { certificateRequest } = await import("../../cloud-bridge/uplink/enrolment/device-keys.ts");
    const forged = await foreign.issueGateway(await certificateRequest(keys.identity, "x"), "gw-foreign-1", "acme");
    identity.keep({ ...current, certificate: forged.pem });
    await expect(connected(identity, publishes)).rejects.toMatchObject({ code: "uplink.tls" });
  });
});
