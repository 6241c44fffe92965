import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatLabel, parseLabel } from "../../../cloud-bridge/protocol/enrolment.ts";
import { parseTrapFile } from "../../../drivers/notifications/trap-files.ts";
import { parseProfile } from "../../../drivers/snmp/profiles/parse-profile.ts";
import { parseTemplate, ServiceCatalogue } from "../../../flows/catalogue.ts";
import { compileSet } from "../../../flows/compile/compile-set.ts";
import { loadGatewayConfiguration } from "../../../runtime/config/gateway-configuration.ts";
import { loadNocConfiguration } from "../../../runtime/config/noc-configuration.ts";
import { mergeOverlay } from "../../../runtime/config/overlay.ts";
import { describeDrivers } from "../../../runtime/parts-appliance.ts";
import { flowDocument, functionFlow, root } from "../../flows/ground.ts";
import { asText, type FuzzSubject, parsed, taken, text } from "../subject.ts";

const configuration = text(
  "gateway: { id: gw-fuzz-01 }\nuplink: { url: 'mqtts://broker.example:8883', enrolled: true }\ncredentials: { a: { snmp: { version: 2c, community: { $env: A } } } }\nequipment:\n  - { id: sw-1, address: 192.0.2.1, credential: a }\n  - &b { id: sw-2, address: 192.0.2.2, credential: a }\nalarms: { defaults: true }\n",
);
const profile = text(
  "sysobjectid: 1.3.6.1.4.1.9.1.*\nextends: [_base]\nmetrics:\n  - table: {OID: 1.3.6.1.2.1.2.2, name: ifTable}\n    symbols: [{OID: 1.3.6.1.2.1.2.2.1.10, name: ifInOctets}]\n    metric_tags: [{tag: interface, symbol: {OID: 1.3.6.1.2.1.2.2.1.2, name: ifDescr}}]\n",
);
/** What it refers to is in the environment here. */
const example = text(
  readFileSync(join(root, "examples/gatehouse.yaml"), "utf8")
    .replaceAll(/\$file: [^ }]+/g, "$env: A")
    .replaceAll(/\$env: \w+/g, "$env: A"),
);
const drivers = describeDrivers();
const yaml = [
  "runtime/config/source.ts",
  "runtime/config/load-document.ts",
  "runtime/config/violations.ts",
  "runtime/config/references.ts",
];

/** A folder that is gone afterwards; in memory where the machine has such a place, since each input is a file. */
export function folderFor(name: string): { readonly path: string; readonly end: () => void } {
  const path = mkdtempSync(join(process.platform === "linux" ? "/dev/shm" : tmpdir(), `gatehouse-fuzz-${name}-`));
  return { path, end: () => rmSync(path, { recursive: true, force: true }) };
}

function configurationFile(
  name: string,
  valid: readonly Uint8Array[],
  load: (file: string) => unknown,
  files: readonly string[],
): FuzzSubject {
  return {
    name,
    share: 0.2,
    files: [...yaml, ...files],
    open: () => {
      const folder = folderFor("yaml");
      const file = join(folder.path, "file.yaml");
      const read = taken((bytes) => {
        writeFileSync(file, bytes);
        load(file);
      });
      return { valid, form: "text", read, close: folder.end };
    },
  };
}

/** Files and documents that people write. */
export const documentSubjects: readonly FuzzSubject[] = [
  configurationFile(
    "gatehouse.yaml",
    [configuration, example],
    (file) => loadGatewayConfiguration(file, { drivers, environment: { A: "passphrase-1" } }),
    [
      "runtime/config/gateway-rules.ts",
      "runtime/config/alarm-rules.ts",
      "runtime/config/check-rules.ts",
      "runtime/config/driver-settings.ts",
    ],
  ),
  {
    name: "configuration overlay (des, config)",
    share: 0.2,
    files: ["runtime/config/overlay.ts"],
    open: () => {
      const folder = folderFor("overlay");
      const file = join(folder.path, "gatehouse.yaml");
      writeFileSync(file, configuration);
      const overlay = {
        equipment: [
          { id: "sw-1", pollIntervalMs: 30_000 },
          { id: "sw-3", address: "192.0.2.3", credential: "a" },
        ],
        alarms: { defaults: false },
      };
      const read = parsed((value) => {
        mergeOverlay({}, value);
        loadGatewayConfiguration(file, { drivers, environment: { A: "passphrase-1" }, overlays: [value] });
      });
      return { valid: [text(overlay)], form: "json", read, close: folder.end };
    },
  },
  configurationFile(
    "noc.yaml",
    [text("connectors:\n  - { name: desk, url: 'https://desk.example/hook', secret: { $env: A } }\n")],
    (file) => loadNocConfiguration(file, { A: `whsec_${"A".repeat(43)}=` }),
    ["runtime/config/noc-configuration.ts"],
  ),
  {
    name: "device profile (YAML)",
    share: 0.3,
    files: [
      "drivers/snmp/profiles/yaml-tree.ts",
      "drivers/snmp/profiles/parse-profile.ts",
      "drivers/snmp/profiles/parse-symbol.ts",
      "drivers/snmp/profiles/parse-tag.ts",
    ],
    open: () => ({
      valid: [profile],
      form: "text",
      read: taken((bytes) => parseProfile("fuzz.yaml", Buffer.from(bytes).toString("utf8"), "site" as never)),
    }),
  },
  {
    name: "trap definitions",
    files: ["drivers/notifications/trap-files.ts"],
    open: () => ({
      valid: [
        text(
          "traps:\n  - trap_oid: 1.3.6.1.4.1.9.9.43.2.0.1\n    trap_name: configChanged\n    severity: warning\n    drop_undefined: true\n    events:\n      - { name: source, OID: 1.3.6.1.4.1.9.9.43.1.1.6.1.3, tag: src, enum: { 1: a, 2: b } }\n",
        ),
      ],
      form: "text",
      read: asText((content) => parseTrapFile("fuzz.yaml", content)),
    }),
  },
  {
    name: "service template",
    share: 0.3,
    files: ["flows/compile/template.ts", "flows/compile/parameter-schema.ts"],
    open: () => ({
      valid: [readFileSync(join(root, "flows/library/link-errors/template.json"))],
      form: "json",
      read: parsed((value) => parseTemplate(value)),
    }),
  },
  {
    name: "flow document",
    files: ["flows/compile/compile-set.ts", "flows/compile/lint.ts", "flows/compile/plain-flow.ts"],
    open: () => {
      const catalogue = new ServiceCatalogue(join(root, "flows/library"));
      const context = { gateway: "gw-test-01", catalogue, registry: undefined, site: { hasEquipment: () => true, hasCheck: () => false } };
      return {
        valid: [text(flowDocument("fuzz", functionFlow("return msg;")).content)],
        form: "json",
        read: parsed((content) => compileSet([{ ...flowDocument("fuzz", []), content }], context)),
      };
    },
  },
  {
    name: "label, QR content",
    files: ["cloud-bridge/protocol/enrolment.ts"],
    open: () => ({
      valid: [text(formatLabel({ serial: "GH-FUZZ-01", claim: Buffer.alloc(16, 9), authorityFingerprint: "a".repeat(64) as never }))],
      read: taken((bytes) => parseLabel(Buffer.from(bytes).toString("latin1"))),
    }),
  },
];
