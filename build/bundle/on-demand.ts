/**
 * Parts of the single binary that are needed seldom or once: their text is read from the binary when they are called and let go of at a collection
 * of garbage after that, so that they cost a running gateway neither start time nor memory. Own sources import them as ever.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { compileFunction } from "node:vm";

type Exports = Readonly<Record<string, unknown>>;
// biome-ignore lint/complexity/noBannedTypes: whatever a module exports and can be called or constructed
type Callable = Function & { errors?: unknown };

const require = createRequire("/snapshot/gatehouse/code/entry.cjs");

/** @param file a CommonJS file of the artefact without imports but for Node's own @returns its exports, loaded now or still there */
export function moduleOnDemand(file: string): () => Exports {
  let known: WeakRef<Exports> | undefined;
  return () => {
    const still = known?.deref();
    if (still !== undefined) return still;
    const module: { exports: Exports } = { exports: {} };
    const run: unknown = compileFunction(readFileSync(file, "utf8"), ["exports", "require", "module", "__filename", "__dirname"], {
      filename: file,
    });
    if (typeof run === "function") run(module.exports, require, module, file, dirname(file));
    known = new WeakRef(module.exports);
    return module.exports;
  };
}

/**
 * Stands for one function or class of such a module. A validator's list of `errors` is there after each call, as the original has it.
 * @param statics properties of the function that others read (`visit.BREAK`)
 */
export function functionOnDemand(load: () => Exports, name: string, statics: readonly string[]): Callable {
  const target = (): Callable => {
    const found = load()[name];
    if (typeof found !== "function") throw new TypeError(`${name} is not a function`);
    return found;
  };
  function stub(this: unknown, ...args: unknown[]): unknown {
    const called = target();
    const result: unknown = new.target === undefined ? Reflect.apply(called, this, args) : Reflect.construct(called, args);
    if ("errors" in called) (stub as Callable).errors = called.errors;
    return result;
  }
  for (const key of statics) Object.defineProperty(stub, key, { get: () => Reflect.get(target(), key) });
  return stub;
}

/** Stands for one function or class of a part that is loaded when it is first called or constructed, and stays (build/bundle/later-parts.ts). */
export function partOnDemand(load: () => Exports, name: string): Callable {
  const part = (): Callable => {
    const found = load()[name];
    if (typeof found !== "function") throw new TypeError(`${name} is not a function`);
    return found;
  };
  return function standIn(this: unknown, ...args: unknown[]): unknown {
    return new.target === undefined ? Reflect.apply(part(), this, args) : Reflect.construct(part(), args);
  };
}
