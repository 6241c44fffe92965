import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Equipment } from "#model/equipment.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { type AddressesOf, Senders } from "../drivers/notifications/senders.ts";
import { SyslogReceiver } from "../drivers/notifications/syslog-receiver.ts";
import { loadTrapFolder } from "../drivers/notifications/trap-files.ts";
import { TrapReceiver, type TrapReceiverOptions } from "../drivers/notifications/trap-receiver.ts";
import type { ReceiverState } from "./alarms/watch/own-watch.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { udpPortHolder } from "./host/port-holder.ts";
import type { Platform } from "./parts-platform.ts";
import { PatientListener } from "./patient-listener.ts";
import type { Discovery } from "./southbound/discovery/discovery.ts";

const engineIdKey = "traps/engine-id";
const engineBootsKey = "traps/engine-boots";
/** RFC 3411: enterprise 32473 (RFC 5612, documentation) with the first bit set, format 5 = octets of our own choosing. */
const engineIdPrefix = [0x80, 0x00, 0x7e, 0xd9, 0x05];

/** How the receivers are, for status and alarms. */
export class ReceiverBook {
  readonly #receivers: { readonly listener: PatientListener; readonly counters: () => object }[] = [];

  add(listener: PatientListener, counters: () => object): void {
    this.#receivers.push({ listener, counters });
  }

  states(): readonly ReceiverState[] {
    return this.#receivers.map(({ listener }) => listener.state);
  }

  /** What each counts, by its section's name, and what is wrong with it. */
  readings(): Readonly<Record<string, unknown>> {
    const readings = this.#receivers.map(({ listener, counters }) => {
      const { path, problem } = listener.state;
      return [path, typeof problem === "object" ? { ...counters(), problem: problem.text } : counters()] as const;
    });
    return Object.fromEntries(readings);
  }
}

/** The passive receivers that the configuration asks for. */
export function openReceivers(
  configuration: GatewayConfiguration,
  parts: {
    readonly sink: EventSink;
    readonly state: State;
    readonly discovery: Pick<Discovery, "noteSource">;
    readonly equipment?: () => readonly Equipment[];
    readonly book?: ReceiverBook;
    /** Where trap definitions are looked for unless the configuration says so. */
    readonly stateDir?: string;
    /** For tests; the system's resolver otherwise. */
    readonly addressesOf?: AddressesOf;
  },
  platform: Platform,
): readonly Unit[] {
  const { traps, syslog, equipment } = configuration;
  if (!traps.enabled && !syslog.enabled) return [];
  const { addressesOf } = parts;
  const senders = new Senders({
    equipment: parts.equipment ?? (() => equipment),
    ...platform,
    ...(addressesOf === undefined ? {} : { addressesOf }),
  });
  // Who sends is there: for discovery a sign of life that cost no packet.
  const lookup = (how: "trap" | "syslog") => (address: string, port: number) => {
    parts.discovery.noteSource(address, how);
    return senders.lookup(address, port);
  };
  const units: Unit[] = [senders];
  const add = (receiver: Unit & { readonly counters: object }, section: ReceiverState["path"], what: string): void => {
    const { clock, logger } = platform;
    const listener = new PatientListener(receiver, {
      section,
      what,
      port: configuration[section].port,
      clock,
      logger,
      holderOf: udpPortHolder,
    });
    units.push(listener);
    parts.book?.add(listener, () => receiver.counters);
  };
  if (traps.enabled) {
    const receiver = new TrapReceiver({
      host: traps.host,
      port: traps.port,
      ...platform,
      sink: parts.sink,
      lookup: lookup("trap"),
      engineId: engineId(parts.state, platform),
      engineBoots: nextEngineBoots(parts.state),
      ...acceptedBy(configuration),
      ...(traps.sources === undefined ? {} : { sources: traps.sources }),
    });
    add(receiver, "traps", "traps");
    const folder = traps.folder ?? (parts.stateDir === undefined ? undefined : join(parts.stateDir, "traps"));
    if (folder !== undefined) void addDefinitions(receiver, folder, platform, traps.folder !== undefined);
  }
  if (syslog.enabled) {
    const { host, port, sources, rules, unmatchedMaxSeverity } = syslog;
    const receiver = new SyslogReceiver({
      ...{ host, port, rules, unmatchedMaxSeverity, ...platform, sink: parts.sink, lookup: lookup("syslog") },
      ...(sources === undefined ? {} : { sources }),
    });
    add(receiver, "syslog", "syslog messages");
  }
  return units;
}

/** A broken file costs itself only, and is named. The usual folder need not be there; one that was configured is missed aloud. */
async function addDefinitions(receiver: TrapReceiver, folder: string, { logger }: Platform, isConfigured: boolean): Promise<void> {
  if (!existsSync(folder)) {
    if (isConfigured) logger.warn({ folder }, "the folder of trap definitions is not there; only the built-in ones are known");
    return;
  }
  const { definitions, problems } = await loadTrapFolder(folder);
  receiver.definitions.add(definitions);
  for (const problem of problems) logger.warn({ ...problem }, "a trap definition is not valid and left out");
  if (definitions.length > 0) logger.info({ folder, definitions: definitions.length }, "trap definitions were read");
}

/** Communities and users that notifications are taken from: the named credentials'; by default any community and every user there is. */
function acceptedBy({ traps, credentials }: GatewayConfiguration): Pick<TrapReceiverOptions, "communities" | "credentials"> {
  const named = (traps.credentials ?? credentials.names).flatMap((name) => credentials.credential(name).snmp ?? []);
  if (traps.credentials === undefined) return { credentials: named };
  return { credentials: named, communities: named.flatMap((one) => (one.version === "3" ? [] : [one.community])) };
}

/** Made once: senders of informs remember it (RFC 3414). */
function engineId(state: State, platform: Platform): Uint8Array {
  const known = state.get(engineIdKey);
  if (known !== undefined) return known;
  const made = Uint8Array.from([...engineIdPrefix, ...platform.entropy.bytes(8)]);
  state.put({ [engineIdKey]: made });
  return made;
}

function nextEngineBoots(state: State): number {
  const boots = (Number(state.getText(engineBootsKey) ?? "0") + 1) % 2_147_483_647;
  state.put({ [engineBootsKey]: String(boots) });
  return boots;
}
