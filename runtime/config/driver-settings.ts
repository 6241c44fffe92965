import { Ajv2020 } from "ajv/dist/2020.js";
import type { CheckRules } from "#ports/checks.ts";
import type { Driver } from "#ports/driver.ts";
import type { Schema } from "./json-schema.ts";
import type { Problem } from "./problem.ts";
import type { Source } from "./source.ts";
import { problemsOf } from "./violations.ts";

/** What the loader has to know of a driver. */
export interface DriverDescription extends Pick<Driver, "name" | "settingsSchema"> {
  /** The driver runs checks instead of polling equipment. */
  readonly checks?: CheckRules;
}

/** Checks (and completes with defaults) the settings of one equipment. */
export type SettingsCheck = (settings: unknown, pointer: string) => void;

/**
 * One check per driver. Compiled when the driver's first equipment with settings is met: drivers are an open set, so their schemas are not
 * part of the generated validator.
 */
export function settingsChecks(
  drivers: readonly DriverDescription[],
  source: Source,
  add: (problems: readonly Problem[]) => void,
): ReadonlyMap<string, SettingsCheck> {
  const polling = drivers.filter((driver) => driver.checks === undefined);
  return new Map(polling.map((driver) => [driver.name, settingsCheck(driver, source, add)]));
}

/** By schema: a configuration is loaded at each order of the NOC, the drivers stay the same. */
const compiled = new WeakMap<object, ReturnType<Ajv2020["compile"]>>();

function validatorOf(schema: DriverDescription["settingsSchema"]): ReturnType<Ajv2020["compile"]> {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = new Ajv2020({ allErrors: true, useDefaults: true, allowUnionTypes: true, strict: false }).compile(schema);
  compiled.set(schema, made);
  return made;
}

function settingsCheck(driver: DriverDescription, source: Source, add: (problems: readonly Problem[]) => void): SettingsCheck {
  return (settings, pointer) => {
    if (settings === undefined) return;
    const validate = validatorOf(driver.settingsSchema);
    // A driver's schema is JSON Schema; the loader reads of it what its own Schema names.
    if (!validate(settings)) add(problemsOf(validate.errors ?? [], driver.settingsSchema as Schema, source, pointer));
  };
}
