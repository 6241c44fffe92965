/** One router on the way; without address it did not say anything. */
export interface Hop {
  readonly hop: number;
  readonly address: string | null;
  /** Round trip to it where the method measures it. */
  readonly ms: number | null;
}

export interface Trace {
  readonly method: string;
  /** Ascending, ending with the target where that answered. */
  readonly hops: readonly Hop[];
  readonly reached: boolean;
  readonly targetMs: number | null;
}

/** fping with a time to live: who sent the ICMP message back, or that the target answered itself. */
export function parseFpingHop(
  stderr: string,
  target: string,
): { readonly address: string | null; readonly ms: number | null; readonly reached: boolean } {
  const [, answer] = /^(?:\S+)\s+: ([\d.]+)\s*$/m.exec(stderr) ?? [];
  if (answer !== undefined) return { address: target, ms: Number(answer), reached: true };
  const [, by] = /^ICMP [A-Za-z ]{1,60} from ([0-9A-Fa-f:.]{2,45}) for /m.exec(stderr) ?? [];
  return { address: by ?? null, ms: null, reached: false };
}

/** Lines of `traceroute -n -q 1`: ` 3  192.0.2.1  4.512 ms` or ` 3  *`. */
export function parseTraceroute(stdout: string, target: string): readonly Hop[] {
  return stdout
    .split("\n", 64)
    .flatMap((line) => {
      const [, hop, address, ms] = /^\s*(\d{1,2})\s+(?:\*|([0-9A-Fa-f:.]{2,45})\s+([\d.]+) ms)/.exec(line) ?? [];
      return hop === undefined ? [] : [{ hop: Number(hop), address: address ?? null, ms: ms === undefined ? null : Number(ms) }];
    })

    .filter((_, index, all) => index === 0 || all[index - 1]?.address !== target);
}

/** Lines of `tracepath -n`: ` 1:  192.0.2.1   0.285ms` or ` 2:  no reply`; the first line may be this machine (`1?: [LOCALHOST]`). */
export function parseTracepath(stdout: string, target: string): readonly Hop[] {
  const hops = new Map<number, Hop>();
  for (const line of stdout.split("\n", 128)) {
    const [, hop, address, ms] = /^\s*(\d{1,2}):\s+(?:no reply|([0-9A-Fa-f:.]{2,45})\s+([\d.]+)ms)/.exec(line) ?? [];
    if (hop === undefined || hops.get(Number(hop))?.address !== undefined) continue;
    hops.set(Number(hop), { hop: Number(hop), address: address ?? null, ms: ms === undefined ? null : Number(ms) });
    if (address === target) break;
  }
  return [...hops.values()];
}
