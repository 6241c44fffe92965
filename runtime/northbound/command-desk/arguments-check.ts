import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { GatewayError } from "#model/errors.ts";
import type { Operation } from "#ports/operations.ts";

const maxListed = 8;

/** Checks arguments against each operation's schema; compiled when an operation is first used. */
export class ArgumentsCheck {
  readonly #compiled = new Map<string, ValidateFunction>();

  /** A copy with defaults filled in. @throws GatewayError command.refused naming every problem */
  checked(operation: Operation, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    let validate = this.#compiled.get(operation.name);
    if (validate === undefined) {
      validate = new Ajv2020({ allErrors: true, useDefaults: true, strict: false }).compile(operation.argumentsSchema);
      this.#compiled.set(operation.name, validate);
    }
    const copy = structuredClone(given) as Record<string, unknown>;
    if (validate(copy)) return copy;
    const problems = (validate.errors ?? []).slice(0, maxListed).map((one) => {
      const named: unknown = one.params.additionalProperty;
      return `${one.instancePath === "" ? "/" : one.instancePath} ${one.message ?? "is not valid"}${typeof named === "string" ? ` (${named.slice(0, 40)})` : ""}`;
    });
    throw new GatewayError("command.refused", {
      message: `the arguments of ${operation.name} are not valid: ${problems.join("; ")}`.slice(0, 1_000),
    });
  }
}
