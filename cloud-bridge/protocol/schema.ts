import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { GatewayError } from "#model/errors.ts";
import ack from "./schemas/ack.schema.json" with { type: "json" };
import alarm from "./schemas/alarm.schema.json" with { type: "json" };
import blobq from "./schemas/blobq.schema.json" with { type: "json" };
import cmd from "./schemas/cmd.schema.json" with { type: "json" };
import des from "./schemas/des.schema.json" with { type: "json" };
import ev from "./schemas/ev.schema.json" with { type: "json" };
import hello from "./schemas/hello.schema.json" with { type: "json" };
import inv from "./schemas/inv.schema.json" with { type: "json" };
import nocState from "./schemas/noc-state.schema.json" with { type: "json" };
import rep from "./schemas/rep.schema.json" with { type: "json" };
import rsp from "./schemas/rsp.schema.json" with { type: "json" };
import state from "./schemas/state.schema.json" with { type: "json" };

const schemas = { ack, alarm, blobq, cmd, des, ev, hello, inv, "noc-state": nocState, rep, rsp, state } as const;

export type SchemaName = keyof typeof schemas;

export const schemaNames = Object.freeze(Object.keys(schemas)) as readonly SchemaName[];

const compiled = new Map<SchemaName, ValidateFunction>();
// One problem is enough to refuse a peer's message; collecting all of them would let it choose our work.
const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true, addUsedSchema: false });

/** The validator of one message; compiled at its first use. */
export function validator(name: SchemaName): ValidateFunction {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const made = ajv.compile(schemas[name]);
  compiled.set(name, made);
  return made;
}

function problemOf(errors: readonly ErrorObject[] | null | undefined): { readonly at: string; readonly rule: string } {
  const first = errors?.[0];
  // The pointer names keys a peer chose; only its length is bounded here, and it never becomes a field's name.
  return { at: (first?.instancePath ?? "").slice(0, 120), rule: first?.keyword ?? "schema" };
}

/** Checks a value against a message's schema. @throws GatewayError codec.malformed naming the place and the rule broken */
export function assertValid(name: SchemaName, value: unknown): void {
  const validate = validator(name);
  if (validate(value) === true) return;
  throw new GatewayError("codec.malformed", {
    message: `the message is not a valid ${name}`,
    fields: { schema: name, ...problemOf(validate.errors) },
  });
}
