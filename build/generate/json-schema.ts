/** The part of JSON Schema (draft 2020-12) that our schema files use. */
export interface JsonSchema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: boolean | JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly "x-secret"?: boolean;
  readonly "x-reference"?: boolean;
  readonly "x-apply"?: "live" | "restart";
  readonly "x-hint"?: string;
}

/** Our own keywords; ajv is told to let them pass. */
export const ownKeywords = ["x-secret", "x-reference", "x-apply", "x-hint", "tsType"] as const;
