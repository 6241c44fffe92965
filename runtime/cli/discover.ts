import { type Command, InvalidArgumentError } from "commander";
import type { SnmpCredential } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { DiscoveryPreview } from "../southbound/discovery/preview.ts";
import type { DiscoverySubnet } from "../southbound/discovery/settings.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { counted } from "./counted.ts";
import { requireFolder, usageError } from "./snmp-target.ts";

interface DiscoverOptions {
  readonly preview?: boolean;
  readonly run?: boolean;
  readonly json?: boolean;
  readonly config?: string;
  readonly credential: readonly string[];
  readonly communityEnv?: string;
  readonly exclude: readonly string[];
  readonly passive?: boolean;
  readonly confirmLarge?: boolean;
  readonly port: number;
  readonly profiles?: string;
  readonly loopback?: boolean;
}

/** The name under which a community from the environment is shown. */
const environmentCredential = "environment";

/** `gatehouse discover CIDR --preview|--run` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("discover")
    .argument("<cidr>", "private IPv4 network, as in 192.168.1.0/24")
    .option("--preview", "say what a scan would do and how long it would take; nothing is sent")
    .option("--run", "scan once, gently, and say what was found; nothing is kept and nothing is monitored")
    .option("--json", "as JSON")
    .option("--config <file>", "gatehouse.yaml with the credentials")
    .option("--credential <name>", "credential of that file, in the order they are tried; at most 5", collect, [])
    .option("--community-env <name>", "environment variable that holds a v2c community")
    .option("--exclude <cidr>", "addresses that are never sent anything; repeatable", collect, [])
    .option("--passive", "ask only who was seen already: no sweep")
    .option("--confirm-large", "more than a /22 (1,024 addresses) is meant")
    .option("--port <port>", "UDP port of SNMP", portNumber, 161)
    .option("--profiles <folder>", "your own device profiles, besides those that come with the gateway")
    .option("--loopback", "allow 127.0.0.0/8, for trials on one machine")
    .description("find equipment on a network of this site")
    .addHelpText(
      "after",
      examples(
        "discover 192.168.1.0/24 --preview",
        "discover 192.168.1.0/24 --run --config gatehouse.yaml --credential lan-v3 --credential lan-v2c",
        "discover 192.168.1.0/24 --run --community-env LAN_COMMUNITY --exclude 192.168.1.200/29 --json",
      ),
    )
    .action((cidr: string, options: DiscoverOptions) => discover(cidr, options, context));
}

async function discover(cidr: string, options: DiscoverOptions, context: CommandContext): Promise<void> {
  if ((options.preview === true) === (options.run === true)) throw usageError(context, "say either --preview or --run");
  const credentials = await resolveCredentials(options, context);
  const subnet: DiscoverySubnet = {
    cidr,
    enabled: true,
    activeSweep: options.passive !== true,
    credentials: [...credentials.keys()],
    exclude: options.exclude,
    confirmLarge: options.confirmLarge === true,
    snmpPort: options.port,
  };
  if (options.profiles !== undefined) requireFolder(options.profiles);
  const { createScan } = await import("../roles/discovery-scan.ts");
  const logger = await context.logger({ to: "stderr", level: "error" });
  const scan = createScan({
    subnet,
    credential: (name) => credentials.get(name),
    permitLoopback: options.loopback === true,
    ...(options.profiles === undefined ? {} : { profilesDir: options.profiles }),
    clock: context.clock,
    entropy: context.entropy,
    logger,
  });
  try {
    const preview = await scan.discovery.preview(subnet, context.stopSignal()).catch((error: unknown) => {
      // Here the network is an argument; no configuration has an error.
      if (isGatewayError(error) && error.code === "config.invalid") throw usageError(context, error.message);
      throw error;
    });
    if (options.preview === true) {
      context.print(options.json === true ? `${JSON.stringify(preview, null, 2)}\n` : await showPreview(preview));
      return;
    }
    if (options.json !== true) context.say(`${sentenceOf(preview)}\n`);
    await scan.discovery.scan(preview.cidr, context.stopSignal());
    await printFindings(scan.discovery, options, context);
  } finally {
    await scan.close();
  }
}

async function printFindings(
  discovery: import("../southbound/discovery/discovery.ts").Discovery,
  options: DiscoverOptions,
  context: CommandContext,
): Promise<void> {
  const [proposals, topology, hosts, status] = [discovery.proposals(), discovery.topology(), discovery.hosts(), discovery.status()];
  if (options.json === true) {
    context.print(`${JSON.stringify({ proposals, hosts, topology, status }, null, 2)}\n`);
    return;
  }
  const { printable, renderTable } = await import("./render.ts");
  const { edgeText } = await import("../southbound/discovery/events.ts");
  const rows = proposals.map(({ address, deviceClass, vendor, model, serial, sysName, credential, suggestedId }) => {
    return { address, class: deviceClass, vendor, model, serial, name: sysName, credential, id: suggestedId };
  });
  context.print(rows.length === 0 ? "nothing that could be monitored was found\n" : renderTable(rows));
  for (const { address, evidence } of proposals)
    context.print(`\n${printable(address)}\n${evidence.map((one) => `  ${printable(one)}\n`).join("")}`);
  if (topology.length > 0) context.print(`\nlinks\n${topology.map((edge) => `  ${printable(edgeText(edge))}\n`).join("")}`);
  const others = hosts.filter(({ address }) => !proposals.some((proposal) => proposal.addresses.includes(address)));
  if (others.length > 0)
    context.print(
      `\nalso seen\n${renderTable(others.map(({ address, mac, hostName, seen }) => ({ address, mac, name: hostName, seen })))}`,
    );
  const { addresses, devices, packets } = status;
  const answering = `${counted(devices, "device")} ${devices === 1 ? "answers" : "answer"} SNMP`;
  context.say(`${counted(addresses, "address")} seen, ${answering}, ${counted(packets, "packet")} sent\n`);
}

async function showPreview(preview: DiscoveryPreview): Promise<string> {
  const { renderTree } = await import("./render.ts");
  const { estimatedS, credentials, echoMethod, ...rest } = preview;
  return `${sentenceOf(preview)}\n\n${renderTree({
    ...rest,
    echoMethod: echoMethod === "icmp" ? "ICMP (fping)" : "TCP connections: fping is not there or may not send ICMP",
    credentials: credentials.length === 0 ? "none: nobody is asked by SNMP" : credentials.join(", "),
    sweepS: estimatedS.sweep,
    typicalS: estimatedS.typical,
    mostS: estimatedS.most,
  })}`;
}

function sentenceOf({ cidr, addresses, credentials, estimatedS }: DiscoveryPreview): string {
  return `${cidr}: ${counted(addresses, "address")}, ${counted(credentials.length, "credential")}, about ${minutes(estimatedS.typical)}, at most ${minutes(estimatedS.most)}`;
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}

async function resolveCredentials(options: DiscoverOptions, context: CommandContext): Promise<ReadonlyMap<string, SnmpCredential>> {
  const found = new Map<string, SnmpCredential>();
  if (options.credential.length > 0) {
    if (options.config === undefined) throw usageError(context, "--credential names a credential of --config");
    const { loadGatewayConfiguration } = await import("../config/gateway-configuration.ts");
    const configuration = loadGatewayConfiguration(options.config, { drivers: await context.drivers(), environment: context.environment });
    for (const name of options.credential) {
      const credential = configuration.credentials.credential(name).snmp;
      if (credential === undefined) throw usageError(context, `credential "${name}" is none for SNMP`);
      found.set(name, credential);
    }
  }
  if (options.communityEnv !== undefined) {
    const community = context.environment[options.communityEnv];
    if (community === undefined) throw usageError(context, `the environment variable ${options.communityEnv} is not set`);
    found.set(environmentCredential, { version: "2c", community });
  }
  return found;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function portNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 65_535) return value;
  throw new InvalidArgumentError("It wants a port, 1 to 65535.");
}
