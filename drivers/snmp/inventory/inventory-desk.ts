import type { Equipment } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Inventory, PerceivedSeverity } from "#model/observation.ts";
import type { MetricSet } from "../metric-sets/metric-set.ts";
import type { HeadReading } from "../session/agent-head.ts";
import type { Exchange } from "../session/exchange.ts";
import { LongTask, type SessionLife } from "../session/long-task.ts";
import type { PolledTable } from "../session/polled-table.ts";
import { intervalAfterMs } from "../session/schedule.ts";
import { Shared, SharedLists } from "../session/shared.ts";
import { changesBetween, type Described } from "./changes.ts";
import { componentsOf } from "./components.ts";
import type { IdentityFacts, ProfileSource, SelectedProfiles } from "./facts.ts";
import { type IdentityRules, identify } from "./identify.ts";
import { Packed } from "./packed.ts";
import { type FactsRequest, readFacts, readMoreFacts } from "./read-facts.ts";
import { stateNamesOf } from "./state-names.ts";
import { vendorProbes } from "./vendor-probes.ts";

/** After a reading that failed the next one waits for this many times the poll interval. */
const pollsBetweenAttempts = 5;
/** A poll waits at most this share of its interval for the inventory; a slow agent's is finished by a later poll. */
const shareOfInterval = 0.25;

/** What was read of a device, and the profiles that go with it. */
export interface Known {
  readonly facts: IdentityFacts;
  readonly profiles: SelectedProfiles | undefined;
}

/** One list for all equipment with the same sets. */
const rulesShared = new SharedLists<IdentityRules[number]>(64);

type PackedFacts = Omit<IdentityFacts, "values"> & { readonly values: readonly (readonly [string, string])[] };

/** The tables of the equipment, as far as the inventory needs them. */
export interface EquipmentTables {
  readonly probed: { readonly sets: readonly MetricSet[] } | undefined;
  readonly tables: readonly PolledTable[];
  readonly revision: number;
}

/** Before all times that matter, seconds. */
const never = -1_000_000_000;
const noSets: readonly MetricSet[] = Object.freeze([]);
/** Names of enumerations and marks of tables, which equipment of a kind has in common. */
const textsShared = new Shared<string>(256);
const noIdentifiers: SelectedProfiles["identifiers"] = Object.freeze([]);
const setsShared = new SharedLists<MetricSet>(64);

/** Knows what one equipment is, reads it again when there is a reason, and says what changed. */
export class InventoryDesk {
  readonly #equipment: Equipment;
  readonly #rules: IdentityRules;
  readonly #profiles: ProfileSource | undefined;
  readonly #life: SessionLife;
  /** A reading that goes on. */
  #reading: LongTask<Known> | undefined;
  #known: Packed<PackedFacts> | undefined;
  /** Sets that profiles add for this device. */
  profileSets: readonly MetricSet[] = noSets;
  #identifiers: SelectedProfiles["identifiers"] = noIdentifiers;
  #last: Packed<Described> | undefined;
  /** Whole seconds, as a number with a fraction would be an object of its own. */
  #dueAtS = 0;
  #readAtS: number | undefined;
  #built = "";
  /** Of the tables, when they were last looked at. */
  #revision = -1;
  /** Names of the enumerations last sent. */
  #states = "";
  #complete = false;
  /** Entities say whose ports they are by numbers that a change of the interfaces may have given to others. */
  #hasAliases = false;

  constructor(
    equipment: Equipment,
    sources: { readonly sets: readonly MetricSet[]; readonly profiles: ProfileSource | undefined },
    life: SessionLife,
  ) {
    this.#equipment = equipment;
    this.#rules = rulesShared.get([...sources.sets, ...vendorProbes]);
    this.#profiles = sources.profiles;
    this.#life = life;
  }

  /** Whether there is a reason to look. @param revision of the equipment's tables, see TableBook */
  isDue(head: HeadReading, revision: number, exchange: Exchange): boolean {
    const isQuiet = head.verdict !== "restart" && !head.sysObjectIdChanged && !head.entitiesChanged;
    return !isQuiet || revision !== this.#revision || exchange.clock.monotonicMs() >= this.#dueAtS * 1_000;
  }

  /** @returns the inventory if it was read anew or its components changed, and it differs from the last one returned */
  async update(head: HeadReading, { probed, tables, revision }: EquipmentTables, exchange: Exchange): Promise<Inventory | undefined> {
    this.#revision = revision;
    const sets = probed?.sets ?? [];
    const nowMs = exchange.clock.monotonicMs();
    const other = head.verdict === "restart" || head.sysObjectIdChanged;
    // Agents whose entLastChangeTime always changes must not be read with every poll.
    const mayReadAtMs = (this.#readAtS ?? never) * 1_000 + exchange.settings.rareIntervalMs;
    if (other || (head.entitiesChanged && nowMs >= mayReadAtMs)) {
      this.#dueAtS = 0;
      this.#reading?.cancel();
      this.#reading = undefined;
    }
    if (head.tablesChanged && this.#hasAliases) this.#dueAtS = Math.min(this.#dueAtS, Math.floor(Math.max(nowMs, mayReadAtMs) / 1_000));
    const components = tables.flatMap((table) =>
      table.definition.component === undefined ? [] : table.outputs.map((output) => output.shape.revision),
    );
    // Tables that profiles or a later probe add bring states of their own.
    const built = `${tables.length}:${components.join()}`;
    if (nowMs >= this.#dueAtS * 1_000) await this.#read(sets, tables, exchange);
    else if (built === this.#built) return undefined;
    if (this.#known === undefined) return undefined;
    this.#built = textsShared.get(built, () => built);
    const { values, ...facts } = this.#known.unpack();
    return this.#compose({ ...facts, values: new Map(values) }, tables, exchange);
  }

  async #read(sets: readonly MetricSet[], tables: readonly PolledTable[], exchange: Exchange): Promise<void> {
    const nowMs = exchange.clock.monotonicMs();
    const request = {
      equipment: this.#equipment.id,
      rules: this.#rules,
      probes: this.#profiles?.probes ?? [],
      ...(this.#profiles?.probesOf && { probesOf: this.#profiles.probesOf }),
      sets: sets.map((set) => set.name),
      macAddresses: macAddressesOf(tables),
    };
    const untilMs = Math.min(exchange.deadlineMs, nowMs + this.#equipment.pollIntervalMs * shareOfInterval);
    this.#reading ??= new LongTask(this.#life, "inventory");
    const reading = this.#reading;
    try {
      const known = await reading.join(exchange, untilMs, (task) => this.#learn(request, task));
      if (known === undefined) return;
      const { facts, profiles } = known.value;
      this.#known = new Packed({ ...facts, values: [...facts.values] }, `facts ${facts.sysObjectId}`);
      this.#hasAliases = facts.entities.some(({ ifIndex }) => ifIndex !== undefined);
      this.profileSets = setsShared.get(profiles?.sets ?? noSets);
      this.#identifiers = profiles?.identifiers ?? noIdentifiers;
      const times = this.#readAtS === undefined ? "first" : "again";
      const againMs = intervalAfterMs(times, exchange.settings.inventoryIntervalMs, this.#equipment.id, "inventory");
      this.#dueAtS = Math.ceil((nowMs + againMs) / 1_000);
      this.#readAtS = Math.round(nowMs / 1_000);
    } catch (error) {
      // The values of this poll are not lost for an inventory that can wait.
      if (!isGatewayError(error) || exchange.outer.aborted) throw error;
      this.#dueAtS = Math.floor((nowMs + this.#equipment.pollIntervalMs * pollsBetweenAttempts) / 1_000);
    } finally {
      if (!reading.isRunning) this.#reading = undefined;
    }
  }

  async #learn(request: FactsRequest, exchange: Exchange): Promise<Known> {
    const facts = await readFacts(request, exchange);
    const selected = this.#profiles?.select(facts, this.#equipment.profile);
    if (selected === undefined) return { facts, profiles: undefined };
    const sets = (await selected.resolve?.(exchange)) ?? selected.sets;
    return { facts: await readMoreFacts(facts, selected.identifiers, exchange), profiles: { ...selected, sets } };
  }

  #compose(facts: IdentityFacts, tables: readonly PolledTable[], exchange: Exchange): Inventory | undefined {
    const identity = identify(facts, this.#rules, this.#identifiers);
    const components = componentsOf(tables, facts.entities);
    const definitions = tables.map((table) => table.definition);
    const enumerations = stateNamesOf(definitions, (name) => this.#profiles?.states?.(name)) ?? {};
    const states = Object.keys(enumerations).join();
    const before = this.#last?.unpack();
    // Tables are learnt over several polls at first: what appears then was there before.
    const wasComplete = this.#complete;
    this.#complete = tables.every((table) => table.isLearnt);
    const all = before === undefined ? [] : changesBetween(before, { identity, components });
    if (before !== undefined && all.length === 0 && states === this.#states) return undefined;
    this.#states = textsShared.get(states, () => states);
    const changes = wasComplete ? all : all.filter((change) => change.path.startsWith("identity/"));
    const inventory: Inventory = {
      kind: "inventory",
      equipment: this.#equipment.id,
      observedAt: exchange.clock.now(),
      identity,
      components,
      ...(states === "" ? {} : { enumerations }),
      changes,
    };
    this.#last = new Packed({ identity, components }, `${facts.sysObjectId} ${components.length}`);
    for (const change of changes) noticeChange(change, exchange);
    return inventory;
  }
}

function macAddressesOf(tables: readonly PolledTable[]): readonly string[] {
  return tables.flatMap((table) => {
    const labels = table.labels();
    return table.rows.flatMap((row) => labels.of(row).ifPhysAddress || []);
  });
}

/** Identity changes that people want to hear of at once; the rest stands in the inventory. */
const noticed: Readonly<Record<string, { readonly type: string; readonly severity: PerceivedSeverity; readonly text: string }>> = {
  "identity/serial": {
    type: "inventory.serial-changed",
    severity: "warning",
    text: "the equipment was swapped: another serial number answers",
  },
  "identity/firmware": { type: "inventory.firmware-changed", severity: "indeterminate", text: "the firmware changed" },
  "identity/model": { type: "inventory.model-changed", severity: "warning", text: "another model answers at this address" },
  "identity/sysObjectId": {
    type: "inventory.object-id-changed",
    severity: "warning",
    text: "another kind of equipment answers at this address",
  },
  "identity/engineId": { type: "inventory.engine-changed", severity: "warning", text: "another SNMP engine answers at this address" },
};

function noticeChange(change: Inventory["changes"][number], exchange: Exchange): void {
  const kind = noticed[change.path];
  if (kind === undefined || change.before === "") return;
  exchange.notices.add({
    ...kind,
    observedAt: exchange.clock.now(),
    attributes: { path: change.path, before: change.before, after: change.after },
  });
}
