import { useEffect, useState } from "preact/hooks";
import type { Zone } from "#web/time.ts";

export const pages = ["gateways", "alarms", "releases"] as const;

/** What the page shows; kept in the address, so that a reload or a copied link shows the same. */
export interface ViewState {
  /** Everything about one gateway, the alarms of all, or which versions they get. */
  readonly page: (typeof pages)[number];
  /** `tenant/id`; undefined = the first there is. */
  readonly gateway?: string | undefined;
  readonly equipment?: string | undefined;
  readonly search: string;
  readonly series: readonly number[];
  /** Length of the plot up to now, or a fixed span. */
  readonly rangeMs: number;
  readonly span?: { readonly fromMs: number; readonly toMs: number } | undefined;
  readonly zone: Zone;
}

export const initialView: ViewState = { page: "gateways", search: "", series: [], rangeMs: 3_600_000, zone: "local" };
/** Series in one plot: the API's bound. */
export const maxSeries = 8;

function read(hash: string): ViewState {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (name: string) => parameters.get(name) ?? undefined;
  const whole = (name: string) => {
    const value = Number(parameters.get(name) ?? Number.NaN);
    return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  };
  const fromMs = whole("from");
  const toMs = whole("to");
  return {
    page: pages.find((page) => page === text("p")) ?? "gateways",
    gateway: text("gw"),
    equipment: text("eq"),
    search: text("q") ?? "",
    series: (text("s") ?? "")
      .split(",")
      .map(Number)
      .filter((ref) => Number.isSafeInteger(ref) && ref > 0)
      .slice(0, maxSeries),
    rangeMs: whole("r") ?? initialView.rangeMs,
    span: fromMs !== undefined && toMs !== undefined && fromMs < toMs ? { fromMs, toMs } : undefined,
    zone: text("z") === "UTC" ? "UTC" : "local",
  };
}

function write(view: ViewState): string {
  const parameters = new URLSearchParams();
  if (view.page !== "gateways") parameters.set("p", view.page);
  if (view.gateway !== undefined) parameters.set("gw", view.gateway);
  if (view.equipment !== undefined) parameters.set("eq", view.equipment);
  if (view.search !== "") parameters.set("q", view.search);
  if (view.series.length > 0) parameters.set("s", view.series.join(","));
  if (view.rangeMs !== initialView.rangeMs) parameters.set("r", String(view.rangeMs));
  if (view.span !== undefined) {
    parameters.set("from", String(view.span.fromMs));
    parameters.set("to", String(view.span.toMs));
  }
  if (view.zone === "UTC") parameters.set("z", "UTC");
  const text = parameters.toString();
  return text === "" ? location.pathname : `#${text}`;
}

/** The view and how to change it. */
export function useView(): readonly [ViewState, (change: Partial<ViewState>) => void] {
  const [view, setView] = useState(() => read(location.hash));
  useEffect(() => {
    const onHash = () => setView(read(location.hash));
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  const change = (change: Partial<ViewState>) =>
    setView((before) => {
      const after = { ...before, ...change };
      history.replaceState(null, "", write(after));
      return after;
    });
  return [view, change];
}
