import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { probeRules } from "../../drivers/probe/rules.ts";
import { type GatewayConfiguration, loadGatewayConfiguration } from "../../runtime/config/gateway-configuration.ts";
import { ConfigurationError, type Problem } from "../../runtime/config/problem.ts";

/** A driver with settings of its own, for tests of the loader. */
const drivers = [
  {
    name: "snmp",
    settingsSchema: {
      type: "object",
      additionalProperties: false,
      properties: { timeoutMs: { type: "integer", minimum: 250, default: 2000 }, retries: { type: "integer", default: 2 } },
    },
  },
  { name: "loopback", settingsSchema: { type: "object" } },
  { name: "probe", settingsSchema: {}, checks: probeRules },
];

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files (name -> text) into a new folder; gives the path of `gatehouse.yaml` in it. */
export function written(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  return join(folder, "gatehouse.yaml");
}

export function load(yaml: string, environment: Record<string, string> = {}): GatewayConfiguration {
  return loadGatewayConfiguration(written({ "gatehouse.yaml": yaml }), { drivers, environment });
}

export function loadFile(file: string, environment: Record<string, string> = {}): GatewayConfiguration {
  return loadGatewayConfiguration(file, { drivers, environment });
}

/** What is wrong with a configuration, without the file's name. */
export function problemsOf(yaml: string, environment: Record<string, string> = {}): readonly Omit<Problem, "file">[] {
  try {
    load(yaml, environment);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ file: _file, ...problem }) => problem);
  }
  throw new Error("the configuration was accepted");
}

/** Sentences of the errors only. */
export function sentencesOf(yaml: string, environment: Record<string, string> = {}): readonly string[] {
  return problemsOf(yaml, environment)
    .filter(({ severity }) => severity === "error")
    .map(({ pointer, sentence }) => `${pointer} ${sentence}`);
}

export const head = "gateway: { id: gw-lisbon-01 }\n";
