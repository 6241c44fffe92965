import { OrderRefused } from "./order-refused.ts";

/** Arguments of an order as the untrusted child sent them; each reader says what it wants or throws OrderRefused E_ARGUMENT. */
export class Arguments {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }

  text(name: string, options: { readonly max: number; readonly pattern?: RegExp; readonly standard?: string }): string {
    const value = this.#fields[name] ?? options.standard;
    if (typeof value !== "string") throw new OrderRefused("E_ARGUMENT", `${name} must be text`);
    if (value.length > options.max) throw new OrderRefused("E_ARGUMENT", `${name} has more than ${options.max} characters`);
    if (options.pattern !== undefined && !options.pattern.test(value))
      throw new OrderRefused("E_ARGUMENT", `${name} is not valid: ${value.slice(0, 60)}`);
    return value;
  }

  number(name: string, options: { readonly min: number; readonly max: number; readonly standard: number }): number {
    const value = this.#fields[name] ?? options.standard;
    if (typeof value !== "number" || !Number.isFinite(value)) throw new OrderRefused("E_ARGUMENT", `${name} must be a number`);
    return Math.min(options.max, Math.max(options.min, value));
  }

  oneOf<const T extends readonly string[]>(name: string, choices: T, standard: T[number]): T[number] {
    const value = this.#fields[name] ?? standard;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new OrderRefused("E_ARGUMENT", `${name} must be one of ${choices.join(", ")}`);
    return found as T[number];
  }

  list(name: string, max: number): readonly unknown[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value) || value.length > max) throw new OrderRefused("E_ARGUMENT", `${name} must be a list of at most ${max}`);
    return value;
  }

  object(name: string, maxBytes: number): Readonly<Record<string, unknown>> {
    const value = this.#fields[name] ?? {};
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new OrderRefused("E_ARGUMENT", `${name} must be an object`);
    if (JSON.stringify(value).length > maxBytes) throw new OrderRefused("E_TOO_LARGE", `${name} has more than ${maxBytes} bytes`);
    return value as Readonly<Record<string, unknown>>;
  }

  raw(name: string): unknown {
    return this.#fields[name];
  }
}
