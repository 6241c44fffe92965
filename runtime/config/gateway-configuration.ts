import { readFileSync } from "node:fs";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { CheckDefinition } from "#model/check.ts";
import type { Equipment, EquipmentId } from "#model/equipment.ts";
import { checkChecks } from "./check-rules.ts";
import { CredentialVault } from "./credential-vault.ts";
import { type DriverDescription, settingsChecks } from "./driver-settings.ts";
import { checkGatewayRules } from "./gateway-rules.ts";
import { type GatewayFile, validate } from "./generated/gateway.ts";
import type { Schema } from "./json-schema.ts";
import { type DocumentKind, type LoadedDocument, loadDocument } from "./load-document.ts";
import { isDeeperThan, mergeOverlay, type OpenedSecrets } from "./overlay.ts";
import { ConfigurationError, type Problem } from "./problem.ts";
import type { Environment } from "./references.ts";

/** JSON Schema (draft 2020-12) of gatehouse.yaml. Read when a document is looked at and let go of after it: a running gateway seldom does. */
export function gatewaySchema(): Schema {
  return JSON.parse(readFileSync(new URL("./gateway.schema.json", import.meta.url), "utf8")) as Schema;
}

/** What one gateway does: gatehouse.yaml, loaded. Deeply frozen; safe to print (secrets are Secret objects or in the vault). */
export interface GatewayConfiguration extends Omit<GatewayFile, "credentials" | "equipment" | "checks"> {
  /** The file it came from, as given. */
  readonly file: string;
  readonly credentials: CredentialVault;
  readonly equipment: readonly Equipment[];
  /** Those that are enabled, with the defaults of their types. */
  readonly checks: readonly CheckDefinition[];
  /** The whole document with defaults, secrets redacted: for `config show` and the console. */
  readonly shown: unknown;
  readonly warnings: readonly Problem[];
}

export interface GatewayLoadOptions {
  /** The drivers of this program: their names and the schemas of their settings. */
  readonly drivers: readonly DriverDescription[];
  /** Where `$env` references are looked up. */
  readonly environment: Environment;
  /** false: secrets are not looked up and are empty; for checking a file where its secrets are not. Default true. */
  readonly followReferences?: boolean;
  /** Documents laid over the file, the last one on top: what the NOC ordered, and what a person at the site set for a while. */
  readonly overlays?: readonly unknown[];
  /** Sealed secrets of the overlays, opened. */
  readonly opened?: OpenedSecrets;
}

/** As much as the reader of the NOC's documents lets through; whoever else lays something over may not go deeper. */
const maxOverlayDepth = 64;

/**
 * Loads gatehouse.yaml.
 * @throws GatewayError config.unreadable when the file cannot be read
 * @throws ConfigurationError (config.invalid) with everything that is wrong in it
 */
export function loadGatewayConfiguration(file: string, options: GatewayLoadOptions): GatewayConfiguration {
  const { overlays = [], opened, environment, followReferences: follow = true } = options;
  if (overlays.some((overlay) => isDeeperThan(overlay, maxOverlayDepth))) {
    const sentence = `an overlay is nested more than ${maxOverlayDepth} levels deep`;
    throw new ConfigurationError(file, [{ severity: "error", file, line: 1, column: 1, pointer: "", sentence }]);
  }
  const references = { environment, follow, ...(opened === undefined ? {} : { opened }) };
  const loaded = loadDocument(file, gatewayKind(options.drivers), references, (own) => overlays.reduce(mergeOverlay, own));
  return asConfiguration(loaded);
}

function gatewayKind(drivers: readonly DriverDescription[]): DocumentKind<GatewayFile> {
  return {
    schema: gatewaySchema(),
    validate,
    check: (document, report, source) => {
      const settings = settingsChecks(drivers, source, (problems) => {
        for (const problem of problems) report(problem.pointer, problem.sentence, problem.severity);
      });
      checkGatewayRules(document, settings, report);
      const rules = drivers.find((driver) => driver.checks !== undefined)?.checks;
      if (rules !== undefined) checkChecks(document, rules, source, report);
    },
  };
}

/** Names that many entries have in common, as one text each: a parser makes one for each entry. */
function withSharedNames(): (name: string) => string {
  const names = new Map<string, string>();
  return (name) => {
    const known = names.get(name);
    if (known === undefined) names.set(name, name);
    return known ?? name;
  };
}

/** Its usual members are named one by one: others, and those of a copy, take an array of their own beside each object. */
function equipmentOf(entry: GatewayFile["equipment"][number], shared: (name: string) => string): Equipment {
  const { id: given, address, port, driver: driverName, credential, pollIntervalMs, ...others } = entry;
  // The schema's pattern is that of EquipmentId, and `parent` is one of the ids.
  const id = given as EquipmentId;
  const driver = shared(driverName);
  const usual =
    credential === undefined
      ? { id, address, port, driver, pollIntervalMs }
      : { id, address, port, driver, credential: shared(credential), pollIntervalMs };
  return Object.freeze(Object.assign(usual, others)) as Equipment;
}

function asConfiguration(loaded: LoadedDocument<GatewayFile>): GatewayConfiguration {
  const { credentials, equipment, checks, ...rest } = loaded.value;
  // Asked for by people, and when another configuration comes; as objects it would be the equipment of a large site once more.
  const shown = deflateRawSync(JSON.stringify(loaded.shown)).toString("latin1");
  const shared = withSharedNames();
  return Object.freeze({
    ...rest,
    file: loaded.file,
    credentials: new CredentialVault(credentials),
    equipment: Object.freeze(equipment.map((entry) => equipmentOf(entry, shared))),
    checks: Object.freeze(
      checks.filter(({ enabled }) => enabled).map(({ enabled: _enabled, ...check }) => Object.freeze(check) as CheckDefinition),
    ),
    get shown(): unknown {
      return JSON.parse(inflateRawSync(Buffer.from(shown, "latin1")).toString("utf8"));
    },
    warnings: loaded.warnings,
  });
}
