import type { WantedService } from "#ports/catalogue.ts";
import type { DesiredView, DocumentDifference } from "../authority/manifests.ts";

/** One change of one service on one gateway, from "sent" to its end. The newest of each service is kept. */
export interface Activation {
  readonly tenant: string;
  readonly gateway: string;
  readonly service: string;
  readonly action: "activate" | "deactivate";
  readonly template: string;
  /** Generation that brings it. */
  readonly gen: number;
  /** What was wanted before; null = the service was not there. Returns when the gateway refuses or takes back. */
  readonly before: WantedService | null;
  readonly state: "sent" | "healthy" | "refused" | "rolled-back" | "deactivated";
  readonly reason?: string;
  /** Unix ms. */
  readonly atMs: number;
  readonly endedMs?: number;
  readonly by: string;
  /** What the gateway told of it: step, milliseconds since the generation came in. */
  readonly steps: readonly ServiceStep[];
}

export type ServiceStep = readonly [string, number] | readonly [string, number, string];

/** How an activation ended; undefined = it has not. */
export interface Ending {
  readonly state: Exclude<Activation["state"], "sent">;
  readonly reason?: string;
}

const servicesDocument = "services";
const maxSteps = 32;
const indexPattern = /\/services\/(\d{1,4})(?=[/:;\s]|$)/g;

/** What the gateway reports of the document that names its services. */
export function reportOfServices(view: DesiredView): DocumentDifference | undefined {
  return view.documents.find((one) => one.id === servicesDocument);
}

/** Steps of one service: its own, and those of the whole document. */
export function stepsOf(view: DesiredView, service: string): readonly ServiceStep[] {
  const steps = reportOfServices(view)?.steps;
  if (!Array.isArray(steps)) return [];
  return (steps as readonly unknown[])
    .filter(isStep)
    .filter((step) => step[2] === undefined || step[2] === service)
    .slice(0, maxSteps);
}

function isStep(value: unknown): value is ServiceStep {
  return (
    Array.isArray(value) &&
    typeof value[0] === "string" &&
    typeof value[1] === "number" &&
    ["undefined", "string"].includes(typeof value[2])
  );
}

/** Services that the gateway names as the reason. The index counts in the document of the reported generation. */
export function culprits(report: DocumentDifference | undefined, wanted: readonly WantedService[]): ReadonlySet<string> {
  const { error } = report ?? {};
  const text = `${error?.path ?? ""} ${error?.msg ?? ""}`;
  const named = [...text.matchAll(indexPattern)].flatMap((match) => wanted[Number(match[1])]?.id ?? []);
  return new Set(named);
}

/**
 * How one activation ended, judged by what its gateway reports of the newest generation.
 * @param view its `gen` must be the reported one: a newer one on its way will be judged instead
 * @param others whether another open activation is to blame, so that this one gets another chance
 */
export function endingOf(
  one: Activation,
  view: DesiredView,
  blamed: { readonly services: ReadonlySet<string>; readonly others: boolean },
): Ending | undefined {
  const { reported } = view;
  if (reported === undefined || reported.gen !== view.gen || reported.gen < one.gen) return undefined;
  const report = reportOfServices(view);
  const isBlamed = blamed.services.has(one.service);
  if (reported.phase === "ok") return endingOfConfirmed(one, report, isBlamed);
  if (reported.phase !== "failed" && reported.phase !== "rolled_back") return undefined;
  if (!isBlamed && blamed.others) return undefined;
  const reason = (isBlamed ? report?.error?.msg : undefined) ?? reported.reason ?? "the gateway gave no reason";
  return { state: reported.phase === "failed" ? "refused" : "rolled-back", reason };
}

function endingOfConfirmed(one: Activation, report: DocumentDifference | undefined, isBlamed: boolean): Ending {
  if (one.action === "deactivate") return { state: "deactivated" };
  const reason = report?.error?.msg ?? "the gateway gave no reason";
  if (report?.state === "unsupported") return { state: "refused", reason };
  if (isBlamed) return { state: report?.state === "failed" ? "refused" : "rolled-back", reason };
  return { state: "healthy" };
}
