import type { RoundTrips } from "../measured.ts";

export interface EchoRequest {
  readonly address: string;
  readonly packets: number;
  readonly spacingMs: number;
  readonly timeoutMs: number;
  readonly sizeBytes: number;
  readonly source: string | undefined;
}

/** fping's arguments (version 4 and later); -q would also hide who says that there is no way. The address is dotted or colon form, never an option. */
export function fpingArguments({ address, packets, spacingMs, timeoutMs, sizeBytes, source }: EchoRequest): readonly string[] {
  const from = source === undefined ? [] : ["-S", source];
  return ["-C", `${packets}`, "-r", "0", "-p", `${spacingMs}`, "-t", `${timeoutMs}`, "-b", `${sizeBytes}`, ...from, address];
}

/** The line `192.0.2.1 : 0.35 - 0.41`; a dash is no answer. Undefined when there is no such line. */
export function parseFping(stderr: string, address: string, packets: number): RoundTrips | undefined {
  for (const line of stderr.split("\n", 1_024)) {
    const [, name, list] = /^(\S+)\s+:((?: (?:[\d.]+|-))+)\s*$/.exec(line) ?? [];
    if (name !== address || list === undefined) continue;
    return Array.from({ length: packets }, (_, index) => numberOf(list.trim().split(" ")[index]));
  }
  return undefined;
}

/** `ICMP Host Unreachable from 192.0.2.254 for ...`: who says that there is no way, in his own words. */
export function parseUnreachable(stderr: string): { readonly said: string; readonly by: string } | undefined {
  const [, said, by] = /^ICMP ([A-Za-z ]{1,60}) from ([0-9A-Fa-f:.]{2,45}) for /m.exec(stderr) ?? [];
  return said === undefined || by === undefined || said === "Time Exceeded" ? undefined : { said, by };
}

/** Arguments of ping (iputils, BusyBox). */
export function pingArguments({ address, packets, spacingMs, timeoutMs, sizeBytes, source }: EchoRequest): readonly string[] {
  const from = source === undefined ? [] : ["-I", source];
  const wait = Math.max(1, Math.ceil(timeoutMs / 1_000));
  return ["-n", "-c", `${packets}`, "-i", `${spacingMs / 1_000}`, "-W", `${wait}`, "-s", `${sizeBytes}`, ...from, address];
}

/** Lines `64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.35 ms`; BusyBox counts `seq=` from 0. */
export function parsePing(stdout: string, packets: number): RoundTrips {
  const trips: (number | undefined)[] = Array.from({ length: packets });
  for (const line of stdout.split("\n", 1_024)) {
    const [, kind, sequence, time] = /\b(icmp_seq|seq)=(\d{1,5}) .*\btime[=<]([\d.]{1,12}) ms/.exec(line) ?? [];
    const index = Number(sequence) - (kind === "seq" ? 0 : 1);
    // A duplicate comes later than what it repeats.
    if (index >= 0 && index < packets && trips[index] === undefined) trips[index] = numberOf(time);
  }
  return trips;
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined || text === "-" ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
