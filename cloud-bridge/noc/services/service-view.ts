import type { WantedService } from "#ports/catalogue.ts";
import type { DesiredView } from "../authority/manifests.ts";
import { type Activation, reportOfServices, type ServiceStep, stepsOf } from "./activation.ts";

/** One service of one gateway as people see it. */
export interface ServiceView {
  readonly id: string;
  /** `ID` or `ID@VERSION`. */
  readonly template: string;
  readonly title: string;
  readonly label: string;
  readonly plan: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Names of the secrets it has; their values are told to nobody. */
  readonly secrets: readonly string[];
  /** Whether it is wanted: false = it did not come into effect, or is on its way out. */
  readonly wanted: boolean;
  readonly state: "on its way" | "healthy" | "refused" | "rolled back" | "quarantined" | "waiting" | "switched off";
  /** In one word where the gateway is: sent, checked, staged, applying, soaking ... */
  readonly step: string;
  readonly steps: readonly ServiceStep[];
  readonly reason: string;
  /** Unix ms of the last change, and by whom; 0 = not known. */
  readonly atMs: number;
  readonly endedMs: number;
  readonly by: string;
  readonly gen: number;
}

export function viewOf(
  id: string,
  parts: {
    readonly view: DesiredView;
    readonly titles: ReadonlyMap<string, string>;
    readonly isBlamed: boolean;
    /** Another service of the gateway is on its way: what the document says is not about this one. */
    readonly isOthersTurn: boolean;
    readonly wanted: WantedService | undefined;
    readonly change: Activation | undefined;
  },
): ServiceView {
  const { view, titles, wanted, change } = parts;
  const template = wanted?.template ?? change?.template ?? "";
  const title = titles.get(template.split("@")[0] ?? "") ?? template;
  const steps = change?.state === "sent" ? (view.reported?.gen === view.gen ? stepsOf(view, id) : []) : (change?.steps ?? []);
  const { state, reason } = stateOf(parts);
  return {
    ...{ id, template, title, state, reason, steps, wanted: wanted !== undefined },
    label: wanted?.label ?? title,
    plan: wanted?.plan ?? "",
    parameters: wanted?.parameters ?? {},
    secrets: Object.keys(wanted?.secrets ?? {}),
    step: stepWord(parts, steps),
    atMs: change?.atMs ?? view.atMs ?? 0,
    endedMs: change?.endedMs ?? 0,
    by: change?.by ?? view.by ?? "",
    gen: change?.gen ?? view.gen,
  };
}

function stateOf({ view, isBlamed, isOthersTurn, wanted, change }: Parameters<typeof viewOf>[1]): Pick<ServiceView, "state" | "reason"> {
  if (change?.state === "sent") return { state: "on its way", reason: "" };
  if (change?.state === "refused" || change?.state === "rolled-back")
    return { state: change.state === "refused" ? "refused" : "rolled back", reason: change.reason ?? "" };
  if (wanted?.enabled === false) return { state: "switched off", reason: "" };
  const report = reportOfServices(view);
  if (isBlamed && report?.error !== undefined)
    return { state: report.error.code === "E_QUARANTINED" ? "quarantined" : "rolled back", reason: report.error.msg ?? "" };
  if (change?.state === "healthy") return { state: "healthy", reason: "" };
  return { state: report?.state === "same" || isOthersTurn ? "healthy" : "waiting", reason: "" };
}

function stepWord({ view, change }: Parameters<typeof viewOf>[1], steps: readonly ServiceStep[]): string {
  if (change === undefined) return "";
  if (change.state !== "sent") return change.state;
  const { reported } = view;
  if (reported === undefined || reported.gen < change.gen) return "sent";
  return steps.at(-1)?.[0] ?? reported.phase;
}

/** What goes wrong after it was committed is switched off at the site without a new report of its document: the gateway's alarm says so. Such ones come first. */
export function quarantinedViews(
  views: readonly ServiceView[],
  active: readonly { readonly type: string; readonly text: string; readonly body: Readonly<Record<string, unknown>> }[],
): readonly ServiceView[] {
  // `tq`: the alarm's qualifier, here the service.
  const reasons = new Map(active.filter(({ type }) => type === "serviceQuarantined").map(({ body, text }) => [body["tq"], text]));
  const told = views.map((one) => {
    const reason = one.state === "healthy" ? reasons.get(one.id) : undefined;
    return reason === undefined ? one : { ...one, state: "quarantined" as const, reason };
  });
  return told.toSorted((a, b) => Number(b.state === "quarantined") - Number(a.state === "quarantined"));
}
