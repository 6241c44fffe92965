import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { certificateRequest } from "../../cloud-bridge/uplink/enrolment/device-keys.ts";
import { IdentityFolder } from "../../runtime/host/identity-folder.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { ShiftedClock } from "../bench/uplink/shifted-clock.ts";
import { until } from "../integration/processes.ts";
import { peer } from "../peers.ts";
import { SecuredSite, type Status } from "./secured-site.ts";

/**
 * One identity from the label to the next owner's, each part a process, everything over real mTLS: GATEHOUSE_LONG=1 npx vitest run
 * tests/security/identity-life.long.ts, with GATEHOUSE_BINARY and GATEHOUSE_NOC_BINARY for packaged programs.
 */
const missing = [peer("mosquitto"), peer("snmpd")].filter((one) => !one.available).map((one) => one.reason);
const site = new SecuredSite();
const dayMs = 86_400_000;

describe.skipIf(missing.length > 0)(`an identity ${missing.join(", ")}`, () => {
  beforeAll(() => site.start(), 180_000);
  afterAll(() => site.end());

  const identity = () => new IdentityFolder(site.path("gateway"), systemEntropy);
  const expiryMs = () => Date.parse(new X509Certificate(identity().current()?.certificate ?? "").validTo);
  const state = async () => (await site.control<Status>("status"))?.uplink.state;

  /** What a gateway has that was enrolled so long ago: the same key, a certificate of that day. */
  async function age(days: number): Promise<void> {
    const dir = site.path("enrolment");
    const files = { key: readFileSync(`${dir}/authority-key.pem`, "utf8"), certificate: readFileSync(`${dir}/authority.pem`, "utf8") };
    const authority = await CertificateAuthority.open(files, new ShiftedClock(days * dayMs), systemEntropy);
    const [current, keys] = [identity().current(), identity().keys()];
    if (current === undefined || keys === undefined) throw new Error("not enrolled");
    const { pem } = await authority.issueGateway(await certificateRequest(keys.identity, site.gatewayId), site.gatewayId, "acme");
    identity().keep({ ...current, certificate: pem });
  }

  it.each([70, 120])(
    "that is %d days old is renewed by the running gateway, which goes on",
    async (days) => {
      await site.gateways.at(-1)?.end("SIGTERM");
      await age(days);
      const before = expiryMs();
      site.startGateway();
      await until(
        "it was renewed",
        () => expiryMs() > before,
        120_000,
        () => site.gateways.at(-1)?.lines.slice(-10).join("\n") ?? "",
      );
      expect(expiryMs() - Date.now()).toBeGreaterThan(80 * dayMs);
      await until("the gateway is connected", async () => (await state()) === "connected", 120_000);
    },
    300_000,
  );

  it("that is revoked is refused at once and for good, and let in again after a release with a new label", async () => {
    await site.done(["noc", "enrolment", "revoke", site.gatewayId, "--dir", site.path("enrolment")]);
    await until(
      "the broker has the list",
      () => !readFileSync(site.path("broker", "gateways.acl"), "utf8").includes(site.gatewayId),
      120_000,
    );
    await site.gateways.at(-1)?.end("SIGTERM");
    const revoked = site.startGateway();
    await until(
      "it is refused",
      async () => (await state()) !== undefined && revoked.lines.some((line) => line.includes("no connection")),
      120_000,
    );
    expect(await state()).not.toBe("connected");
    // Expired as well: a renewal must not be the way back.
    await revoked.end("SIGTERM");
    await age(120);
    const again = site.startGateway();
    await until("no renewal either", () => again.lines.some((line) => line.includes("could not be renewed")), 120_000);
    await again.end("SIGTERM");
    expect(await site.done(["factory-reset", "--state", site.path("gateway"), "--no-free-space", "--yes"])).toContain("nobody's gateway");
    await site.done(["noc", "enrolment", "release", site.gatewayId, "--dir", site.path("enrolment")]);
    await site.enrolReleased(site.path("gateway"));
    site.startGateway();
    await until("the gateway is connected again", async () => (await state()) === "connected", 120_000);
  }, 600_000);
});
