import type { State } from "../../../runtime/ports/state.ts";

/** State that keeps the rules of the real one (keys, sizes) and lives as long as the test. */
export class MemoryState implements State {
  readonly entries = new Map<string, Uint8Array | string>();
  puts = 0;

  get(key: string): Uint8Array | undefined {
    const value = this.entries.get(key);
    return typeof value === "string" ? new TextEncoder().encode(value) : value;
  }

  getText(key: string): string | undefined {
    const value = this.entries.get(key);
    return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  }

  put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    this.puts += 1;
    for (const [key, value] of Object.entries(entries)) {
      if (!/^[a-z][a-z0-9./_-]{0,127}$/.test(key)) throw new Error(`bad key ${key}`);
      if (value !== undefined && value.length > 1024 * 1024) throw new Error(`${key} is too long`);
      if (value === undefined) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  }

  keys(prefix: string, limit: number): readonly string[] {
    return [...this.entries.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort()
      .slice(0, limit);
  }

  close(): void {}
}
