import type { Command } from "commander";
import type { Identified } from "../../drivers/snmp/profiles/identify-device.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { addTargetOptions, asking, requireFolder, resolveTarget, type TargetOptions } from "./snmp-target.ts";

interface IdentifyOptions extends TargetOptions {
  readonly json?: boolean;
  readonly profiles?: string;
  readonly profile?: string;
}

const deadlineMs = 180_000;

/** `gatehouse snmp identify ADDRESS` */
export function registerIdentify(snmp: Command, context: CommandContext): void {
  addTargetOptions(snmp.command("identify"))
    .argument("[address]", "address (not with --equipment)")
    .option("--json", "as JSON")
    .option("--profiles <folder>", "your own device profiles, besides those that come with the gateway")
    .option("--profile <name>", "force a profile by its name")
    .description("say what a device is: vendor, model, serial number, firmware, ports, and by which evidence")
    .addHelpText(
      "after",
      examples("snmp identify 192.0.2.1 --community-env LAN_COMMUNITY", "snmp identify --config gatehouse.yaml --equipment sw-1 --json"),
    )
    .action((address: string | undefined, options: IdentifyOptions) => identify(address === undefined ? [] : [address], options, context));
}

async function identify(words: readonly string[], options: IdentifyOptions, context: CommandContext): Promise<void> {
  const { target } = await resolveTarget(words, options, context);
  if (options.profiles !== undefined) requireFolder(options.profiles);
  const { createSnmpEngine } = await import("../../drivers/snmp/engine/engine.ts");
  const { identifyDevice } = await import("../../drivers/snmp/profiles/identify-device.ts");
  const { loadProfiles } = await import("../../drivers/snmp/profiles/load-profiles.ts");
  const { clock, entropy } = context;
  const logger = await context.logger({ to: "stderr", level: "warn" });
  const engine = createSnmpEngine({ clock, entropy, logger });
  try {
    const how = {
      book: loadProfiles({ ...(options.profiles !== undefined && { userDir: options.profiles }), logger }),
      clock,
      deadlineMs: clock.monotonicMs() + deadlineMs,
      signal: context.stopSignal(),
      ...(options.profile !== undefined && { profile: options.profile }),
    };
    const found = await asking(target, { clock }, () => identifyDevice(engine.open(target), how));
    context.print(options.json === true ? `${JSON.stringify(jsonOf(found), null, 2)}\n` : await show(found));
  } finally {
    await engine.close();
  }
}

function jsonOf({ identity, profiles, sets, interfaces }: Identified): Readonly<Record<string, unknown>> {
  return { identity, ports: interfaces.filter(({ isPort }) => isPort).length, profiles, sets, interfaces };
}

async function show({ identity, profiles, sets, interfaces }: Identified): Promise<string> {
  const { renderTable, renderTree } = await import("./render.ts");
  const { evidence, ...fields } = identity;
  const ports = interfaces.filter(({ isPort }) => isPort);
  const up = ports.filter(({ operStatus }) => operStatus === "up").length;
  const order = ["vendor", "model", "serial", "firmware", "hardware", "osName", "deviceClass", "macAddress"] as const;
  const main = Object.fromEntries(order.map((name) => [name, fields[name]]));
  const { sysName, sysLocation, sysContact, sysObjectId, engineId, sysDescr } = fields;
  const summary = {
    ...main,
    ports: `${ports.length} (${up} up) of ${interfaces.length} interfaces`,
    ...Object.fromEntries(
      Object.entries({ sysName, sysLocation, sysContact, sysObjectId, engineId, sysDescr }).filter(([, value]) => value !== undefined),
    ),
    profiles: profiles.length === 0 ? "none" : profiles.join(", "),
    sets: sets.join(" "),
    evidence,
  };
  const rows = ports.map(({ ifIndex, name, alias, operStatus, speedBitPerS, macAddress }) => ({
    port: name,
    ifIndex,
    state: operStatus,
    speed: speedBitPerS === undefined ? "-" : `${speedBitPerS / 1_000_000} Mbit/s`,
    mac: macAddress,
    ...(alias === "" ? {} : { alias }),
  }));
  return `${renderTree(summary)}${rows.length === 0 ? "" : `\n${renderTable(rows)}`}`;
}
