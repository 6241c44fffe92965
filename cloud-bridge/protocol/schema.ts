import { GatewayError } from "#model/errors.ts";
import { validate as ack } from "./schemas/generated/ack.validate.js";
import { validate as alarm } from "./schemas/generated/alarm.validate.js";
import { validate as blobq } from "./schemas/generated/blobq.validate.js";
import { validate as chk } from "./schemas/generated/chk.validate.js";
import { validate as cmd } from "./schemas/generated/cmd.validate.js";
import { validate as des } from "./schemas/generated/des.validate.js";
import { validate as ev } from "./schemas/generated/ev.validate.js";
import { validate as hello } from "./schemas/generated/hello.validate.js";
import { validate as inv } from "./schemas/generated/inv.validate.js";
import { validate as keys } from "./schemas/generated/keys.validate.js";
import { validate as nocState } from "./schemas/generated/noc-state.validate.js";
import { validate as rep } from "./schemas/generated/rep.validate.js";
import { validate as rsp } from "./schemas/generated/rsp.validate.js";
import { validate as state } from "./schemas/generated/state.validate.js";

/** One thing that is wrong, as the generated validators say it. */
interface Violation {
  readonly keyword: string;
  readonly instancePath: string;
}

/** A validator made by `npm run generate`; nothing is compiled when a process starts. */
export interface MessageValidator {
  (value: unknown): boolean;
  readonly errors?: readonly Violation[] | null;
}

const validators = { ack, alarm, blobq, chk, cmd, des, ev, hello, inv, keys, "noc-state": nocState, rep, rsp, state } as const;

export type SchemaName = keyof typeof validators;

export const schemaNames = Object.freeze(Object.keys(validators)) as readonly SchemaName[];

/** The validator of one message. */
export function validator(name: SchemaName): MessageValidator {
  return validators[name];
}

/** Checks a value against a message's schema. @throws GatewayError codec.malformed naming the place and the rule broken */
export function assertValid(name: SchemaName, value: unknown): void {
  const validate = validator(name);
  if (validate(value)) return;
  const first = validate.errors?.[0];
  throw new GatewayError("codec.malformed", {
    message: `the message is not a valid ${name}`,
    // The pointer names keys a peer chose: bounded, and never the name of a field.
    fields: { schema: name, at: (first?.instancePath ?? "").slice(0, 120), rule: first?.keyword ?? "schema" },
  });
}
