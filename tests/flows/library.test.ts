import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DesiredDocument } from "#model/desired.ts";
import { ServiceCatalogue } from "../../flows/catalogue.ts";
import { compileSet } from "../../flows/compile/compile-set.ts";
import type { ServiceTemplate } from "../../flows/generated/template.ts";
import { root } from "./ground.ts";

const folder = join(root, "flows/library");
const catalogue = new ServiceCatalogue(folder);
const site = { hasEquipment: () => true, hasCheck: () => true };
/** What each service needs besides its defaults, to be compiled. */
const sample: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "failover-watch": { primary: "igb0", secondary: "igb1" },
  "internet-quality-watch": { targets: [{ host: "192.0.2.1", kind: "lan" }, { host: "www.example.net" }] },
  "saas-experience": { applications: [{ name: "Mail", url: "https://mail.example.net/" }] },
  "voip-readiness": { responder: "branch.example.net:8442" },
  "poe-auto-heal": { device: "cam-1", switch: "sw-1", portIndex: "1.12" },
  "backup-freshness": { url: "https://backup.example.net/status.json" },
  "certificate-expiry": { servers: [{ target: "www.example.net:443" }] },
  "bandwidth-contract": { interface: "igb0" },
};

function parametersOf(template: ServiceTemplate, change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const { properties = {} } = template.parameters as { properties?: Record<string, unknown> };
  const equipment = "equipment" in properties ? { equipment: "sw-1" } : {};
  return { ...equipment, ...sample[template.id], ...change };
}

function compiled(template: ServiceTemplate, change?: Readonly<Record<string, unknown>>) {
  const instance = { id: "one", template: `${template.id}@${template.version}`, label: "One", parameters: parametersOf(template, change) };
  const document: DesiredDocument = { kind: "services", id: "services", rev: 1, sha256: "", content: { v: 1, services: [instance] } };
  return compileSet([document], { gateway: "gw-1", catalogue, site, registry: undefined });
}

const templates = catalogue.entries().map(({ id, version }) => catalogue.template(id, version) as ServiceTemplate);

describe("the service catalogue", () => {
  it("has no folder that cannot be read, and more than twelve services", () => {
    expect(catalogue.broken).toEqual([]);
    expect(templates.length).toBeGreaterThan(12);
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(templates.map(({ id }) => id).sort()).toEqual(folders.map(({ name }) => name).sort());
  });

  it.each(templates.map((template) => [template.id, template] as const))(
    "%s compiles with its defaults and with the parameters of its acceptance",
    (_id, template) => {
      expect(compiled(template).problems).toEqual([]);
      for (const { parameters } of template.acceptance) expect(compiled(template, parameters).problems).toEqual([]);
    },
  );

  it.each(templates.map((template) => [template.id, template] as const))(
    "%s says in its README what it notices, where its data comes from, and what it does not see",
    (id, template) => {
      const file = join(folder, id, "README.md");
      expect(existsSync(file)).toBe(true);
      const text = readFileSync(file, "utf8");
      for (const heading of [
        "What it notices",
        "What it needs",
        "Where the data comes from",
        "What changes the outcome",
        "What it does not see",
      ])
        expect(text).toContain(`**${heading}`);
      expect(template.dataSources?.length ?? 0).toBeGreaterThan(0);
    },
  );

  it.each(templates.map((template) => [template.id, template] as const))(
    "%s uses every parameter, and at least two of them can change the outcome",
    (_id, template) => {
      const flow = JSON.stringify(template.flow);
      const { properties = {} } = template.parameters as { properties?: Record<string, { format?: string }> };
      const names = Object.keys(properties);
      for (const name of names) {
        const isUsed = new RegExp(`\\$\\{${name}[}.]|\\\\"${name}\\\\"|"${name}"`).test(flow);
        expect(isUsed, name).toBe(true);
      }
      const referred = [...flow.matchAll(/(?<!\$)\$\{([A-Za-z][A-Za-z0-9]*)(?:\.[A-Za-z0-9.]+)?\}/g)].map(([, name = ""]) => name);
      expect(referred.filter((name) => name !== "item" && name !== "index" && !names.includes(name))).toEqual([]);
      expect(names.filter((name) => !["equipment", "device", "switch", "label"].includes(name)).length).toBeGreaterThanOrEqual(2);
    },
  );
});
