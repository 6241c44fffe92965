import type { AlarmChange } from "#model/observation.ts";
import type { HistoryPoint, HistorySeries, UndatedReports } from "#ports/history.ts";

/** What a person may do here. `view` = look; `operate` = commands of the desk and proposals; `flows.read`, `flows.write` = the editor. */
export type ConsoleScope = "view" | "operate" | "flows.read" | "flows.write";

/** Somebody who proved who they are, by whichever way. */
export interface SignedIn {
  /** For the audit record: `one-time code`, or the person a token was issued to. */
  readonly person: string;
  readonly scopes: readonly ConsoleScope[];
  /** Longest life of the session in milliseconds from now; the console's own bound is 8 h. */
  readonly lifeMs?: number;
}

/** Answers `undefined` when the secret is not one of this kind, or wrong, used or expired. Must not throw for foreign text. */
export interface SignInMethod {
  readonly name: string;
  verify(secret: string): Promise<SignedIn | undefined>;
}

/** One installed service, for the overview. */
export interface ServiceView {
  readonly id: string;
  readonly label: string;
  /** `healthy`, `soaking`, `rolled back`, `quarantined`, ... */
  readonly state: string;
  readonly detail?: string;
}

/** One synthetic check, for the overview. */
export interface CheckView {
  readonly id: string;
  readonly type: string;
  readonly target: string;
  readonly ok?: boolean;
  readonly atMs?: number;
  readonly detail?: string;
}

/** Everything the pages show and can ask for; handed in by the assembly. What is left out is not shown. */
export interface ConsoleSource {
  /** As `gatehouse status --json`. */
  status(): Promise<Readonly<Record<string, unknown>>>;
  readonly history?: {
    series(equipment?: string): Promise<readonly HistorySeries[]>;
    read(query: { readonly series: HistorySeries; readonly fromMs: number; readonly toMs: number; readonly maxPoints: number }): Promise<{
      readonly resolutionMs: number;
      readonly points: readonly HistoryPoint[];
    }>;
    /** What is missing for want of a date. @param isEmpty nothing was found of what was asked for */
    undated(isEmpty: boolean): Promise<UndatedReports | undefined>;
  };
  alarms?(): readonly AlarmChange[];
  /** Whose fault it is, in words; empty = nothing is wrong. */
  verdict?(): { readonly cause: string; readonly sentence: string; readonly evidence: readonly string[] } | undefined;
  checks?(): readonly CheckView[];
  services?(): readonly ServiceView[];
  /** Runs an operation of the command desk for a signed-in person. @throws GatewayError command.* */
  command?(operation: string, args: Readonly<Record<string, unknown>>, person: string, signal: AbortSignal): Promise<unknown>;
}

/** What an encrypted console shows itself by. */
export interface ConsoleTls {
  /** PEM, with its chain. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** SHA-256 of the certificate, as browsers show it. */
  readonly fingerprint: string;
}
