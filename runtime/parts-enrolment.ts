import { existsSync, writeFileSync } from "node:fs";
import { GatewayError } from "#model/errors.ts";
import type { GatewayIdentity } from "#model/identity.ts";
import type { Clock } from "#ports/clock.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { Unit } from "#ports/unit.ts";
import { parseLabel } from "../cloud-bridge/protocol/enrolment.ts";
import { CertificateRenewal } from "../cloud-bridge/uplink/enrolment/renewal.ts";
import type { TlsSettings } from "../cloud-bridge/uplink/socket.ts";
import type { Platform } from "./parts-platform.ts";

export interface EnrolOptions {
  readonly url: string;
  readonly label: string;
  readonly identity: IdentityStore;
  /** Keep asking while a person at the NOC has not decided. */
  readonly wait: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The whole way from a label to a kept identity. Keys are made once and kept before they are shown to anybody. @throws GatewayError uplink.* | config.invalid */
export async function enrolWithLabel(options: EnrolOptions): Promise<GatewayIdentity> {
  const { url, identity, clock, signal } = options;
  // The X.509 library costs megabytes and is needed once in a device's life: not for those who only run.
  const { makeDeviceKeys } = await import("../cloud-bridge/uplink/enrolment/device-keys.ts");
  const { enrol, pinAuthority } = await import("../cloud-bridge/uplink/enrolment/enrolment-client.ts");
  const label = parseLabel(options.label);
  const door = await pinAuthority(url, label.authorityFingerprint);
  const keys = identity.keys() ?? (await makeDeviceKeys());
  identity.keepKeys(keys);
  for (;;) {
    const answer = await enrol(door, label, keys);
    if (answer.status === "enrolled") {
      const { status: _, ...rest } = answer;
      const enrolled: GatewayIdentity = { ...rest, door: url };
      identity.keep(enrolled);
      return enrolled;
    }
    if (!options.wait) {
      throw new GatewayError("uplink.refused", {
        message: `the NOC does not know the serial ${label.serial} yet and asks a person. Ask again later, or use --wait`,
      });
    }
    options.say(`waiting for the NOC to approve ${label.serial}; asking again in ${answer.retryAfterS} s`);
    await clock.sleep(answer.retryAfterS * 1_000, signal);
  }
}

/** A first gatehouse.yaml for an enrolled device; false = there is one, which stays. */
export function writeFirstConfiguration(file: string, identity: GatewayIdentity): boolean {
  if (existsSync(file)) return false;
  const { gateway, tenant, site, broker } = identity;
  const lines = [
    "# Written by `gatehouse enrol`. Key and certificate of the uplink come from the enrolment.",
    `gateway: { id: ${gateway}, tenant: ${tenant}, site: ${site} }`,
    `uplink: { url: "${broker}", enrolled: true }`,
    "equipment: []",
    "",
  ];
  writeFileSync(file, lines.join("\n"), { mode: 0o600, flag: "wx" });
  return true;
}

/**
 * Key and certificate for the uplink, read anew at each connection. @throws GatewayError config.invalid when this device is not enrolled, or as
 * another gateway; config.secret when its identity does not open
 */
export function enrolledTls(identity: IdentityStore, gateway: string): () => TlsSettings {
  const enrolled = identity.current();
  if (enrolled === undefined)
    throw new GatewayError("config.invalid", {
      message: "/uplink/enrolled: this device is not enrolled. Run gatehouse enrol --noc URL --label-file FILE --state FOLDER first",
    });
  if (enrolled.gateway !== gateway)
    throw new GatewayError("config.invalid", {
      message: `/gateway/id: this device is enrolled as ${enrolled.gateway}, the file says ${gateway}`,
    });
  return () => {
    const [current, keys] = [identity.current(), identity.keys()];
    return current === undefined || keys === undefined ? {} : { ca: current.authority, cert: current.certificate, key: keys.identity };
  };
}

/** What keeps the identity fresh while the gateway runs. */
export function identityUnits(identity: IdentityStore, platform: Platform): readonly Unit[] {
  return [new CertificateRenewal({ identity, ...platform })];
}
