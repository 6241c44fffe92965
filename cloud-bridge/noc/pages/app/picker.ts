import type { LastValueView } from "../../registry/last-values.ts";
import type { EquipmentView } from "../../registry/overview.ts";
import type { ServerError } from "./server.ts";
import { useLoaded } from "./server.ts";

export interface PickerSite {
  readonly tenant: string;
  readonly gateway: string;
  readonly onError: (error: ServerError) => void;
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

interface PickerAnswer {
  readonly equipment?: readonly EquipmentView[];
  readonly values?: readonly LastValueView[];
  readonly checks?: readonly { readonly check: string; readonly type: string; readonly target: string }[];
}

const maxChoices = 500;

/** What the site really has, for a field; undefined = no picker. */
export function usePicker(
  what: "equipment" | "interface" | "metric" | "check" | undefined,
  equipment: string,
  site: PickerSite,
): readonly Choice[] | undefined {
  const query = new URLSearchParams({ tenant: site.tenant });
  if (what === "interface") query.set("search", "ifOperStatus");
  if (what === "interface" || what === "metric") {
    query.set("equipment", equipment);
    query.set("limit", "5000");
  }
  const room = what === undefined || ((what === "interface" || what === "metric") && equipment === "") ? undefined : rooms[what];
  const path = room === undefined ? undefined : `/api/gateways/${encodeURIComponent(site.gateway)}/${room}?${query}`;
  const { value } = useLoaded<PickerAnswer>(path, 0, site.onError);
  if (what === undefined) return undefined;
  return choicesOf(what, value ?? {}).slice(0, maxChoices);
}

const rooms = { equipment: "equipment", interface: "values", metric: "values", check: "checks" } as const;

function choicesOf(what: keyof typeof rooms, answer: PickerAnswer): readonly Choice[] {
  if (what === "equipment")
    return (answer.equipment ?? [])
      .filter(({ id }) => !id.includes(":"))
      .map((one) => ({
        value: one.id,
        label: [one.vendor, one.model].filter((part) => part !== "").join(" "),
      }));
  if (what === "check") return (answer.checks ?? []).map((one) => ({ value: one.check, label: `${one.type} ${one.target}` }));
  const seen = new Map<string, string>();
  for (const one of answer.values ?? []) {
    if (what === "metric") seen.set(one.metric, one.table);
    else if (one.metric === "ifOperStatus") seen.set(one.rowKey, aliasOf(one.labels));
  }
  return [...seen].map(([value, label]) => ({ value, label })).toSorted((a, b) => a.value.localeCompare(b.value, "en", { numeric: true }));
}

function aliasOf(labels: LastValueView["labels"]): string {
  const alias = (labels as Readonly<Record<string, unknown>>)["ifAlias"];
  return typeof alias === "string" ? alias : "";
}
