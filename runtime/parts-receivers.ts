import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Equipment, EquipmentId } from "#model/equipment.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { SyslogReceiver } from "../drivers/notifications/syslog-receiver.ts";
import { loadTrapFolder } from "../drivers/notifications/trap-files.ts";
import { TrapReceiver } from "../drivers/notifications/trap-receiver.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import type { Platform } from "./parts-appliance.ts";
import type { Discovery } from "./southbound/discovery/discovery.ts";

const engineIdKey = "traps/engine-id";
const engineBootsKey = "traps/engine-boots";
/** RFC 3411: enterprise 32473 (RFC 5612, documentation) with the first bit set, format 5 = octets of our own choosing. */
const engineIdPrefix = [0x80, 0x00, 0x7e, 0xd9, 0x05];

/** The passive receivers that the configuration asks for. */
export function openReceivers(
  configuration: GatewayConfiguration,
  parts: {
    readonly sink: EventSink;
    readonly state: State;
    readonly discovery: Pick<Discovery, "noteSource">;
    readonly equipment?: () => readonly Equipment[];
    /** Takes what each receiver counts, by its name. */
    readonly counters?: Map<string, () => unknown>;
    /** Where trap definitions are looked for unless the configuration says so. */
    readonly stateDir?: string;
  },
  platform: Platform,
): readonly Unit[] {
  const { traps, syslog, equipment, credentials } = configuration;
  const known = sourceLookup(parts.equipment ?? (() => equipment));
  // Who sends is there: for discovery a sign of life that cost no packet.
  const lookup = (how: "trap" | "syslog") => (address: string, port: number) => {
    parts.discovery.noteSource(address, how);
    return known(address, port);
  };
  const units: Unit[] = [];
  if (traps.enabled) {
    const receiver = new TrapReceiver({
      host: traps.host,
      port: traps.port,
      ...platform,
      sink: parts.sink,
      lookup: lookup("trap"),
      engineId: engineId(parts.state, platform),
      engineBoots: nextEngineBoots(parts.state),
      credentials: credentials.names.flatMap((name) => credentials.credential(name).snmp ?? []),
    });
    units.push(receiver);
    parts.counters?.set("traps", () => receiver.counters);
    const folder = traps.folder ?? (parts.stateDir === undefined ? undefined : join(parts.stateDir, "traps"));
    if (folder !== undefined) void addDefinitions(receiver, folder, platform);
  }
  if (syslog.enabled) {
    const { host, port } = syslog;
    const receiver = new SyslogReceiver({ host, port, ...platform, sink: parts.sink, lookup: lookup("syslog") });
    units.push(receiver);
    parts.counters?.set("syslog", () => receiver.counters);
  }
  return units;
}

/** A broken file costs itself only, and is named. A folder that is not there is an empty one. */
async function addDefinitions(receiver: TrapReceiver, folder: string, { logger }: Platform): Promise<void> {
  if (!existsSync(folder)) return;
  const { definitions, problems } = await loadTrapFolder(folder);
  receiver.definitions.add(definitions);
  for (const problem of problems) logger.warn({ ...problem }, "a trap definition is not valid and left out");
  if (definitions.length > 0) logger.info({ folder, definitions: definitions.length }, "trap definitions were read");
}

/** By address and port where several share an address (a simulated site), else by address alone. Host names are the transport's business. */
function sourceLookup(now: () => readonly Equipment[]): (address: string, port: number) => EquipmentId | undefined {
  let known: readonly Equipment[] | undefined;
  let byPort = new Map<string, EquipmentId>();
  let byAddress = new Map<string, EquipmentId | undefined>();
  return (address, port) => {
    const equipment = now();
    if (equipment !== known) {
      known = equipment;
      byPort = new Map(equipment.map((one) => [`${one.address} ${one.port}`, one.id]));
      byAddress = new Map();
      for (const one of equipment) byAddress.set(one.address, byAddress.has(one.address) ? undefined : one.id);
    }
    return byPort.get(`${address} ${port}`) ?? byAddress.get(address);
  };
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
