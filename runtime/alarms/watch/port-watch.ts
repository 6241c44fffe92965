import type { EquipmentId } from "#model/equipment.ts";
import type { Event, PerceivedSeverity } from "#model/observation.ts";
import type { NumberColumn, Report, Row, TableReport, TableShape } from "#model/report.ts";
import { isLike } from "../identity.ts";
import { type Port, PortRows } from "./port-rows.ts";
import type { WatchParts } from "./watch-parts.ts";

/** A link that comes back within this time is nobody's alarm: plugs are moved, devices boot. */
const holdMs = 45_000;
/** An access port whose owner is not known is worth a warning when it has been up so long without a break. */
const longUpMs = 7 * 86_400_000;
/** On routers and firewalls every port that is used is the way to somewhere. */
const routerUpMs = 600_000;
const foreignUpMs = 86_400_000;
const saveEveryMs = 6 * 3_600_000;
const minSavedUpMs = 3_600_000;

const up = 1;
/** Interfaces that exist in software only go up and down with what uses them. */
const notWired: ReadonlySet<string> = new Set([
  "tunnel",
  "l2vlan",
  "l3ipvlan",
  "bridge",
  "softwareLoopback",
  "propVirtual",
  "other",
  "ieee80211",
]);

const nothingStored: Readonly<Record<string, number>> = Object.freeze({});

interface PortBook {
  shape: TableShape | undefined;
  admin: number;
  oper: number;
  readonly ports: PortRows;
  readonly stored: Readonly<Record<string, number>>;
  /** Whole seconds: a number with a fraction would be an object of its own. */
  savedS: number;
}

/** Ports that somebody named: their loss is an alarm whatever hangs on them. */
export interface ChosenPorts {
  readonly equipment: string;
  /** Row keys or labels, or beginnings that end in `*`. */
  readonly rows: readonly string[];
}

/** Which ports are up, and which of those that went down matter: uplinks, known neighbours, routers' ways, what was up for long, what was chosen. */
export class PortWatch {
  readonly #parts: WatchParts;
  readonly #chosen: readonly ChosenPorts[];
  readonly #books = new Map<string, PortBook>();
  /** Metrics of tables without ports, which were looked at before; like equipment has the same lists. */
  readonly #portless = new WeakSet<TableShape["metrics"]>();

  constructor(parts: WatchParts, chosen: readonly ChosenPorts[]) {
    this.#parts = parts;
    this.#chosen = chosen;
  }

  isUp(equipment: string, rowKey: string): boolean | undefined {
    return this.#books.get(equipment)?.ports.get(rowKey)?.isUp;
  }

  observe(report: Report): void {
    const { equipment, tables } = report;
    let book = this.#books.get(equipment);
    for (const table of tables) {
      const { shape } = table;
      if (book === undefined) book = this.#open(shape);
      else if (book.shape?.table !== shape.table) continue;
      else if (book.shape !== shape) Object.assign(book, columnsOf(shape));
      if (book !== undefined) this.#readTable(equipment, book, table);
    }
  }

  /** linkDown and linkUp come long before the next poll. */
  observeEvent(event: Event): void {
    const isDown = event.type === "trap.linkDown";
    if ((!isDown && event.type !== "trap.linkUp") || event.equipment === undefined) return;
    const book = this.#books.get(event.equipment);
    const key = book === undefined ? undefined : rowOf(book, event.attributes);
    const port = key === undefined ? undefined : book?.ports.get(key);
    if (port === undefined || key === undefined) return;
    // Somebody switched the port off on purpose: then the trap says so.
    const tags = event.attributes.tags;
    const admin = typeof tags === "object" && tags !== null && "ifAdminStatus" in tags ? tags.ifAdminStatus : "up";
    if (isDown && admin === "down") return;
    this.#note(event.equipment, key, port, {
      isUp: !isDown,
      nowMs: event.observedAt.monotonicMs,
      wallMs: event.observedAt.wallMs,
      byTrap: true,
    });
  }

  tick(nowMs: number, wallMs: number): void {
    for (const [equipment, book] of this.#books) {
      for (const [key, port, labels] of book.ports.broken(nowMs - holdMs, this.#needsToHaveBeenUp(equipment as EquipmentId)))
        this.#judge(equipment as EquipmentId, key, port, labels);
      if (nowMs - book.savedS * 1_000 >= saveEveryMs) this.#save(equipment, book, nowMs, wallMs);
    }
  }

  /** Without a link to anything and a port that somebody named, a port that was never up may stay down: see `#worthOf`. */
  #needsToHaveBeenUp(equipment: EquipmentId): boolean {
    return this.#chosen.length === 0 && this.#parts.topology.links(equipment).length === 0;
  }

  #readTable(equipment: EquipmentId, book: PortBook, table: TableReport): void {
    const admin = numberColumn(table, book.admin);
    const oper = numberColumn(table, book.oper);
    if (admin === undefined || oper === undefined) return;
    const { monotonicMs: nowMs, wallMs } = table.observedAt;
    book.shape = table.shape;
    book.ports.adopt(table.shape);
    const { rows } = table.shape;
    for (let row = 0; row < rows.length; row++) {
      if (oper.present[row] !== 1) continue;
      const adminUp = admin.present[row] !== 1 || admin.value[row] === 1;
      const isUp = upOf(oper.value[row] ?? 0, adminUp);
      if (book.ports.isSame(row, isUp, adminUp)) continue;
      const key = rows[row]?.key ?? "";
      const port = book.ports.at(row);
      if (port === undefined) {
        const upSinceWallMs = isUp === true ? (book.stored[key] ?? wallMs) : book.stored[key];
        book.ports.put(row, { isUp, adminUp, sinceMs: nowMs, upSinceWallMs, byTrap: false });
        if (isUp !== false) this.#clear(equipment, key);
        continue;
      }
      if (port.adminUp && !adminUp) this.#clear(equipment, key, "switched off on purpose");
      port.adminUp = adminUp;
      if (port.isUp !== isUp) this.#note(equipment, key, port, { isUp, nowMs, wallMs, byTrap: false });
    }
  }

  #note(
    equipment: EquipmentId,
    key: string,
    port: Port,
    seen: { readonly isUp: boolean | undefined; readonly nowMs: number; readonly wallMs: number; readonly byTrap: boolean },
  ): void {
    if (port.isUp === seen.isUp) return;
    port.isUp = seen.isUp;
    port.sinceMs = seen.nowMs;
    port.byTrap = seen.byTrap;
    if (seen.isUp !== true) return;
    port.upSinceWallMs = seen.wallMs;
    this.#clear(equipment, key);
  }

  #judge(equipment: EquipmentId, key: string, port: Port, labels: Row["labels"]): void {
    const worth = this.#worthOf(equipment, key, port, labels);
    if (worth === undefined) return;
    const { list, facts } = this.#parts;
    list.set({
      equipment,
      path: `interface/${key}`,
      type: "linkDown",
      qualifier: "",
      severity: worth.severity,
      text: `${facts.nameOf(equipment)}: port ${labelled(key, labels)} is down${worth.why}`,
      cause: "lossOfSignal",
      repair: "Check cable, plugs and the device at its other end",
      source: { kind: port.byTrap ? "trap" : "poll", ref: "ports" },
      attributes: { label: labels.ifAlias || key, name: facts.nameOf(equipment) },
    });
  }

  /** undefined = a port that may go down without anybody minding. */
  #worthOf(
    equipment: EquipmentId,
    key: string,
    port: Port,
    labels: Row["labels"],
  ): { readonly severity: PerceivedSeverity; readonly why: string } | undefined {
    const { topology, facts, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const links = topology.links(equipment).filter((link) => link.port === key);
    // Its neighbour restarts because somebody wants it to, or somebody works on it.
    if (links.some(({ other }) => other !== undefined && (facts.isExpected(other, nowMs) || this.#isWorkedOn(other)))) return undefined;
    if (this.#chosen.some((one) => isLike(equipment, one.equipment) && isChosen(one.rows, key, labels)))
      return { severity: "major", why: "" };
    const monitored = links.find((link) => link.other !== undefined);
    if (monitored?.other !== undefined) return { severity: "major", why: `: ${facts.nameOf(monitored.other)} is behind it` };
    if (port.upSinceWallMs === undefined || notWired.has(labels.ifType ?? "")) return undefined;
    const upMs = clock.now().wallMs - (nowMs - port.sinceMs) - port.upSinceWallMs;
    const deviceClass = facts.classOf(equipment);
    if ((deviceClass === "router" || deviceClass === "firewall") && upMs >= routerUpMs) return { severity: "major", why: "" };
    // A neighbour that is not ours may be a provider's router or somebody's telephone.
    const [foreign] = links;
    if (foreign !== undefined && upMs >= foreignUpMs) return { severity: "warning", why: `: ${foreign.otherLabel} is behind it` };
    return upMs >= longUpMs ? { severity: "warning", why: `; it had been up for ${Math.floor(upMs / 86_400_000)} days` } : undefined;
  }

  #isWorkedOn(equipment: EquipmentId): boolean {
    return this.#parts.list.isInMaintenance({ equipment, path: "", type: "equipmentUnreachable", qualifier: "" });
  }

  #clear(equipment: EquipmentId, key: string, why?: string): void {
    const { list, facts } = this.#parts;
    const labels = this.#books.get(equipment)?.ports.labelsOf(key) ?? {};
    const text = why ?? `${facts.nameOf(equipment)}: port ${labelled(key, labels)} is up again`;
    list.clear({ equipment, path: `interface/${key}`, type: "linkDown", qualifier: "" }, text);
  }

  /** undefined = a table without states of ports. */
  #open(shape: TableShape): PortBook | undefined {
    if (this.#portless.has(shape.metrics)) return undefined;
    const columns = columnsOf(shape);
    if (columns.admin < 0 || columns.oper < 0) {
      this.#portless.add(shape.metrics);
      return undefined;
    }
    const text = this.#parts.notes.getText(`alarms/ports/${shape.equipment}`);
    const stored = text === undefined ? nothingStored : (JSON.parse(text) as Record<string, number>);
    const savedS = Math.floor(this.#parts.clock.monotonicMs() / 1_000);
    // Spread into, an object takes half as much again.
    const { admin, oper } = columns;
    const book: PortBook = { shape: undefined, admin, oper, ports: new PortRows(), stored, savedS };
    this.#books.set(shape.equipment, book);
    return book;
  }

  /** How long ports have been up outlives a restart of the gateway; a few hours more or less do not matter. */
  #save(equipment: string, book: PortBook, nowMs: number, wallMs: number): void {
    book.savedS = Math.floor(nowMs / 1_000);
    const lasting = [...book.ports.all()].flatMap(([key, { isUp, upSinceWallMs }]): (readonly [string, number])[] =>
      isUp === true && upSinceWallMs !== undefined && wallMs - upSinceWallMs >= minSavedUpMs ? [[key, upSinceWallMs]] : [],
    );
    const text = JSON.stringify(Object.fromEntries(lasting));
    const key = `alarms/ports/${equipment}`;
    if (text !== (this.#parts.notes.getText(key) ?? "{}")) this.#parts.notes.note(key, text);
  }
}

function rowOf(book: PortBook, attributes: Readonly<Record<string, unknown>>): string | undefined {
  const tags = attributes.tags;
  const index = typeof tags === "object" && tags !== null && "ifIndex" in tags ? tags.ifIndex : attributes.index;
  return book.ports.keyOfIndex(String(index));
}

function columnsOf(shape: TableShape): { readonly admin: number; readonly oper: number } {
  const at = (name: string) => shape.metrics.findIndex((metric) => metric.name === name);
  return { admin: at("ifAdminStatus"), oper: at("ifOperStatus") };
}

function numberColumn(table: TableReport, index: number): NumberColumn | undefined {
  const column = table.columns[index];
  return column?.kind === "number" ? column : undefined;
}

function upOf(oper: number, adminUp: boolean): boolean | undefined {
  if (!adminUp) return undefined;
  if (oper === up) return true;
  // down, notPresent, lowerLayerDown.
  return oper === 2 || oper === 6 || oper === 7 ? false : undefined;
}

function isChosen(rows: readonly string[], key: string, labels: Readonly<Record<string, string>>): boolean {
  return rows.some((wanted) => [key, ...Object.values(labels)].some((text) => isLike(text, wanted)));
}

function labelled(key: string, labels: Readonly<Record<string, string>>): string {
  return labels.ifAlias ? `${key} (${labels.ifAlias})` : key;
}
