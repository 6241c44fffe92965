import { localUnit } from "./protocol.ts";

/** How the flow host ended, and by whose doing as far as it can be told. */
export interface HostFailure {
  readonly kind: "exit" | "hang" | "memory" | "storm" | "start" | "broken";
  /** Service, `local/TAB`, or undefined = nobody can be blamed. */
  readonly unit: string | undefined;
  /** For people. */
  readonly reason: string;
}

/** Why the flow host is being ended. */
export interface Verdict {
  readonly kind: HostFailure["kind"];
  readonly detail: string;
  readonly unit?: string;
  /** No flow did it: whoever ran last is not asked. */
  readonly isBlameless?: boolean;
}

/** Share of the time that a hanging event loop works. */
const minWork = 0.2;

/** Silent without working: stopped from outside, or starved by the machine. No flow is to blame for that. */
export function hangVerdict(silentMs: number, spentMs: number): Verdict {
  const isBlameless = spentMs < silentMs * minWork;
  const why = isBlameless ? ` and did not work either (${Math.round(spentMs)} ms of CPU): it was stopped or starved` : "";
  return { kind: "hang", detail: `the flow host did not answer for ${Math.round(silentMs / 1000)} s${why}`, isBlameless };
}

const crumbLength = 256;
const fatalOffset = 512;

interface Words {
  readonly unit?: string;
  readonly node?: string;
  readonly message?: string;
}

/**
 * Names the culprit. The last words of a fatal error say it best (the stack names the node), then the crumb: who was given a message last. Both
 * are written by the untrusted child: they are believed only as far as a unit of that name exists.
 */
export function attribute(kind: HostFailure["kind"], crumb: Uint8Array, isUnit: (unit: string) => boolean, detail: string): HostFailure {
  const fatal = wordsAt(crumb.subarray(fatalOffset));
  const last = wordsAt(crumb.subarray(0, crumbLength));
  const unit = [fatal.unit, last.unit].find((one) => one !== undefined && isUnit(one));
  const words = fatal.message === undefined ? "" : `: ${fatal.message.split("\n", 1)[0] ?? ""}`;
  const where =
    unit === undefined
      ? ""
      : ` while ${unit.startsWith(localUnit) ? "a technician's tab" : `"${unit}"`} ran${last.node === undefined ? "" : ` (node ${last.node})`}`;
  return { kind, unit, reason: `${detail}${where}${words}`.slice(0, 400) };
}

function wordsAt(bytes: Uint8Array): Words {
  const end = bytes.indexOf(0);
  const text = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return {};
    const { unit, node, message } = value as Readonly<Record<string, unknown>>;
    return {
      ...(typeof unit === "string" ? { unit } : {}),
      ...(typeof node === "string" ? { node } : {}),
      ...(typeof message === "string" ? { message } : {}),
    };
  } catch {
    // Cut off in the middle of a write, or nonsense: it names nobody.
    return {};
  }
}
