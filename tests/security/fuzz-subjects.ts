import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CertificateAuthority } from "../../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { EnrolmentDesk } from "../../cloud-bridge/noc/enrolment/enrolment-desk.ts";
import { requestOf } from "../../cloud-bridge/noc/enrolment/enrolment-server.ts";
import { Roster } from "../../cloud-bridge/noc/enrolment/roster.ts";
import { editorFrameCodec } from "../../cloud-bridge/protocol/editor-frames.ts";
import { formatLabel, parseLabel } from "../../cloud-bridge/protocol/enrolment.ts";
import { formatAck, parseAck } from "../../cloud-bridge/protocol/messages/ack.ts";
import { parseBlobPiece } from "../../cloud-bridge/protocol/messages/blob.ts";
import { formatNocState, parseHello, parseNocState, parseState } from "../../cloud-bridge/protocol/messages/presence.ts";
import { canonicalJson } from "../../cloud-bridge/protocol/release/canonical-json.ts";
import { applyDelta, makeDelta } from "../../cloud-bridge/protocol/release/delta.ts";
import { parseRole, type RoleName, type RootRole, roleNames, verifySignatures } from "../../cloud-bridge/protocol/release/metadata.ts";
import { openSecret, sealSecret } from "../../cloud-bridge/protocol/sealed-secret.ts";
import { certificateRequest, makeDeviceKeys, publicHalf } from "../../cloud-bridge/uplink/enrolment/device-keys.ts";
import { parseProfile } from "../../drivers/snmp/profiles/parse-profile.ts";
import { parseTemplate, ServiceCatalogue } from "../../flows/catalogue.ts";

import { compileSet } from "../../flows/compile/compile-set.ts";
import { loadGatewayConfiguration } from "../../runtime/config/gateway-configuration.ts";
import { cookieOf, headLength, parseHead } from "../../runtime/console/request-head.ts";
import { SealedFiles } from "../../runtime/host/sealed-file.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openState } from "../../runtime/store/state.ts";
import { flowDocument, functionFlow, root } from "../flows/ground.ts";
import { ManualClock } from "../store/manual-clock.ts";
import { ReleaseKit } from "../update/release-kit.ts";

/** Something that reads what others wrote. */
export interface FuzzSubject {
  readonly name: string;
  readonly valid: readonly Uint8Array[];
  /**
   * Reads one input; may throw a GatewayError (or what the border it stands at turns into one). @returns true when it was taken for genuine, which
   * an input that differs must never be; undefined where understanding is no acceptance
   */
  read(bytes: Uint8Array): boolean | undefined | Promise<boolean | undefined>;
  /** Costs more than a parser: a share of the inputs. */
  readonly share?: number;
}

const text = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const taken = (work: (bytes: Uint8Array) => unknown) => (bytes: Uint8Array) => void work(bytes) as undefined;
const hello = { v: 1, gw: "gw-one", agent: "1", boot: "b", run: "aaaaaaaa", conn: 1, proto: { min: 1, max: 1 }, caps: [], streams: {} };

/** Messages and frames that a broker may send. */
function messages(): readonly FuzzSubject[] {
  const ack = formatAck({ streams: [{ stream: "aaaaaaaaaaaa" as never, upTo: 5, ranges: [[7, 9]] }] });
  const place = { session: "aaaa-bbbb", connection: 1, sequence: 1 } as const;
  const frames = [
    editorFrameCodec.encode({ ...place, type: "data", bytes: Buffer.from("hello ".repeat(200)) }),
    editorFrameCodec.encode({ ...place, type: "window", credit: 1_024 }),
  ];
  return [
    { name: "ack", valid: [ack], read: taken(parseAck) },
    {
      name: "noc-state",
      valid: [formatNocState({ v: 1, on: true, accept: ["tcc+cbor;zstd"], max_chunk: 65_536 })],
      read: taken(parseNocState),
    },
    { name: "hello", valid: [text(hello)], read: taken(parseHello) },
    { name: "state", valid: [text({ v: 1, on: true, boot: "b", conn: 3, why: "connect" })], read: taken(parseState) },
    {
      name: "blob",
      valid: [Buffer.from("a4006162316100016162", "hex"), Buffer.from("a40062623101000218640341ff", "hex")],
      read: taken(parseBlobPiece),
    },
    {
      name: "editor frames",
      valid: frames,
      read: taken((bytes) => editorFrameCodec.decode(bytes)),
    },
  ];
}

/** Files and documents that people write. */
function documents(folder: string): readonly FuzzSubject[] {
  const file = join(folder, "gatehouse.yaml");
  const template = readFileSync(join(root, "flows/library/link-errors/template.json"));
  const catalogue = new ServiceCatalogue(join(root, "flows/library"));
  const context = { gateway: "gw-test-01", catalogue, registry: undefined, site: { hasEquipment: () => true, hasCheck: () => false } };
  const profile = text(
    "sysobjectid: 1.3.6.1.4.1.9.1.*\nextends: [_base]\nmetrics:\n  - table: {OID: 1.3.6.1.2.1.2.2, name: ifTable}\n    symbols: [{OID: 1.3.6.1.2.1.2.2.1.10, name: ifInOctets}]\n    metric_tags: [{tag: interface, symbol: {OID: 1.3.6.1.2.1.2.2.1.2, name: ifDescr}}]\n",
  );
  const configuration = text(
    "gateway: { id: gw-fuzz-01 }\nuplink: { url: 'mqtts://broker.example:8883' }\ncredentials: { a: { snmp: { version: 2c, community: { $env: A } } } }\nequipment:\n  - { id: sw-1, address: 192.0.2.1, credential: a }\nalarms: { defaults: true }\n",
  );
  const read = (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    loadGatewayConfiguration(file, { drivers: [], environment: { A: "x" } });
  };
  const compile = (bytes: Uint8Array) => {
    const content = JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown;
    compileSet([{ ...flowDocument("fuzz", []), content }], context);
  };
  return [
    { name: "gatehouse.yaml", valid: [configuration, readFileSync(join(root, "examples/gatehouse.yaml"))], read: taken(read), share: 0.1 },
    {
      name: "device profile (YAML)",
      valid: [profile],
      read: taken((bytes) => parseProfile("fuzz.yaml", Buffer.from(bytes).toString("utf8"), "site" as never)),
      share: 0.2,
    },
    {
      name: "service template",
      valid: [template],
      read: taken((bytes) => parseTemplate(JSON.parse(Buffer.from(bytes).toString("utf8")))),
      share: 0.2,
    },
    { name: "flow document", valid: [text(flowDocument("fuzz", functionFlow("return msg;")).content)], read: taken(compile) },
    {
      name: "label",
      valid: [text(formatLabel({ serial: "GH-FUZZ-01", claim: Buffer.alloc(16, 9), authorityFingerprint: "a".repeat(64) as never }))],
      read: taken((bytes) => parseLabel(Buffer.from(bytes).toString("latin1"))),
    },
    {
      name: "console HTTP head",
      valid: [text("GET /api/overview?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nCookie: gatehouse_console=abc; b=c\r\n\r\nrest")],
      read: taken(readHead),
    },
  ];
}

function readHead(bytes: Uint8Array): void {
  if (headLength(bytes) < 0) return;
  cookieOf(parseHead(bytes)?.headers.get("cookie"), "gatehouse_console");
}

/** Files of the state folder. */
function files(folder: string): readonly FuzzSubject[] {
  const sealed = new SealedFiles(join(folder, "root.key"), systemEntropy, () => "board");
  const identity = join(folder, "identity.sealed");
  sealed.write(identity, { gateway: "gw-fuzz-01" });
  const genuine = readFileSync(identity);
  const stateFolder = mkdtempSync(join(folder, "state-"));
  const state = openState(stateFolder, { wallMs: 0, onDamage: () => undefined });
  state.put({ "a/b": "c" });
  state.close();
  const stateBytes = readFileSync(join(stateFolder, "state.db"));
  return [
    {
      name: "identity file (sealed)",
      valid: [genuine],
      read: (bytes) => {
        writeFileSync(identity, bytes);
        const content = JSON.stringify(sealed.read(identity));
        return content === '{"gateway":"gw-fuzz-01"}' ? undefined : true;
      },
    },
    {
      name: "state.db",
      valid: [stateBytes],
      share: 0.02,
      read: (bytes) => {
        const own = mkdtempSync(join(folder, "open-"));
        try {
          writeFileSync(join(own, "state.db"), bytes);
          openState(own, { wallMs: 0, onDamage: () => undefined }).close();
        } finally {
          rmSync(own, { recursive: true, force: true });
        }
        return undefined;
      },
    },
  ];
}

/** What only its maker may have made: nothing that differs may be accepted. */
async function authenticated(folder: string, ends: (() => void)[]): Promise<readonly FuzzSubject[]> {
  const clock = new ManualClock();
  clock.wallOffsetMs = Date.now();
  const authority = await CertificateAuthority.open(await CertificateAuthority.create("Fuzz", clock, systemEntropy), clock, systemEntropy);
  const roster = new Roster(join(folder, "enrolment.db"));
  ends.push(() => roster.close());
  const desk = () => new EnrolmentDesk({ authority, roster, broker: "mqtts://b:8883", clock, entropy: systemEntropy, unlistedWait: false });
  const claim = Buffer.alloc(16, 5);
  const claimDigest = createHash("sha256").update(claim).digest("hex");
  roster.put({
    serial: "GH-FUZZ-01",
    state: "shipped",
    tenant: "acme",
    site: "x",
    gateway: "gw-fuzz-01",
    claimDigest,
    claimUntilMs: clock.now().wallMs + 1e12,
  });
  const keys = await makeDeviceKeys();
  const csr = await certificateRequest(keys.identity, "gw-fuzz-01");
  const { enrolmentProof } = await import("../../cloud-bridge/protocol/enrolment.ts");
  const [sealingKey, evidenceKey] = [await publicHalf(keys.sealing, "sealing"), await publicHalf(keys.evidence, "evidence")];
  const body = { serial: "GH-FUZZ-01", csr, sealingKey, evidenceKey };
  const secret = await sealSecret("CANARY", "gw-fuzz-01", sealingKey);
  return [
    {
      name: "enrolment body",
      valid: [text({ ...body, nonce: "x", proof: "y" })],
      share: 0.2,
      read: async (bytes) => {
        const given = requestOf(Object(JSON.parse(Buffer.from(bytes).toString("utf8"))));
        const door = desk();
        const { nonce } = door.start("GH-FUZZ-01");
        // The proof is of the genuine body: what was changed on the way is not proven.
        const proof = enrolmentProof(claim, { ...body, nonce });
        const isSame =
          JSON.stringify([given.serial, given.csr, given.sealingKey, given.evidenceKey]) ===
          JSON.stringify([body.serial, csr, sealingKey, evidenceKey]);
        if (isSame) return undefined;
        return (await door.finish({ ...given, nonce, proof }, "fuzz")).status === "enrolled";
      },
    },
    {
      name: "sealed secret (JWE)",
      valid: [text(secret)],
      share: 0.3,
      read: async (bytes) => {
        const given = Buffer.from(bytes).toString("latin1");
        // The last characters of base64url hold bits that mean nothing: other text, same bytes.
        const isSame =
          given
            .split(".")
            .map((part) => Buffer.from(part, "base64url").toString("hex"))
            .join() ===
          secret
            .split(".")
            .map((part) => Buffer.from(part, "base64url").toString("hex"))
            .join();
        await openSecret(given, "gw-fuzz-01", keys.sealing);
        return !isSame;
      },
    },
  ];
}

/** Signed metadata of releases, and the delta that they name. */
function releases(folder: string, ends: (() => void)[]): readonly FuzzSubject[] {
  const kit = new ReleaseKit();
  ends.push(() => rmSync(kit.folder, { recursive: true, force: true }));
  kit.release("1.0.0", Buffer.from("#!/bin/sh\n"));
  const metadata = (name: RoleName) =>
    readFileSync(kit.path(`repository/metadata/${name === "timestamp" ? "" : name === "root" ? "1." : "2."}${name}.json`));
  const rootRole = parseRole("root", metadata("root")).signed as RootRole;
  const roles = roleNames.map((name): FuzzSubject => {
    const genuine = metadata(name);
    const canonical = canonicalJson(parseRole(name, genuine).signed);
    return {
      name: `TUF ${name}`,
      valid: [genuine],
      share: 0.3,
      read: (bytes) => {
        const document = parseRole(name, bytes);
        verifySignatures(rootRole, name, document);
        return canonicalJson(document.signed) !== canonical;
      },
    };
  });
  const old = Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 31) & 0xff));
  const [base, packed] = [join(folder, "old"), join(folder, "delta")];
  writeFileSync(base, old);
  const delta: FuzzSubject = {
    name: "delta of a release",
    valid: [makeDelta(old, Buffer.concat([old.subarray(0, 1_000), Buffer.from("new"), old.subarray(900)]))],
    share: 0.2,
    read: async (bytes) => {
      writeFileSync(packed, bytes);
      let length = 0;
      for await (const piece of applyDelta(packed, base, 8_000)) length += piece.length;
      return length > 8_000 ? true : undefined;
    },
  };
  return [...roles, delta];
}

export async function fuzzSubjects(): Promise<{ readonly subjects: readonly FuzzSubject[]; readonly end: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-fuzz-"));
  const ends: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const subjects = [
    ...messages(),
    ...documents(folder),
    ...files(folder),
    ...(await authenticated(folder, ends)),
    ...releases(folder, ends),
  ];
  return { subjects, end: () => ends.toReversed().forEach((one) => void one()) };
}
