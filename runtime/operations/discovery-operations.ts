import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Operation, OperationProgress } from "#ports/operations.ts";
import type { Gateway } from "../gateway.ts";
import type { Discovery } from "../southbound/discovery/discovery.ts";
import type { SubnetStatus } from "../southbound/discovery/subnet-watch.ts";

const id = { type: "string", minLength: 1, maxLength: 128 } as const;
const one = { type: "object", additionalProperties: false, required: ["id"], properties: { id } } as const;
const nothing = { type: "object", additionalProperties: false } as const;

/** A round of the largest networks takes less: 500 silent hosts at nine ports and five connections a second are a quarter of an hour. */
const maxScanMs = 3_600_000;
const lookEveryMs = 1_000;
/** At most 64 messages of an order's progress reach the NOC: each new phase at once, beyond that one this often. */
const sayEveryMs = 75_000;
/** Share of a round that is done when a phase begins and when it ends, percent; by what a /24 with thirty devices takes. */
const shares: Readonly<Record<SubnetStatus["phase"], readonly [from: number, to: number]>> = {
  idle: [0, 0],
  passive: [0, 2],
  sweep: [2, 30],
  snmp: [30, 60],
  hosts: [60, 99],
};

/** What discovery found, and what is to become of it. It looks at the subnets that the configuration enables, and at no others. */
export function discoveryOperations(parts: {
  readonly discovery: Discovery;
  readonly gateway: () => Gateway;
  readonly clock: Clock;
}): readonly Operation[] {
  const { discovery, gateway } = parts;
  return [
    {
      name: "discovery.proposals",
      risk: "read",
      summary: "Equipment that was found and is not monitored yet.",
      argumentsSchema: nothing,
      maxDurationMs: 10_000,
      execute: async () => ({ proposals: discovery.proposals().slice(0, 500), status: discovery.status() }),
    },
    scanning(discovery, parts.clock),
    {
      name: "discovery.topology",
      risk: "read",
      summary: "What is connected to what, as far as it is known.",
      argumentsSchema: nothing,
      maxDurationMs: 10_000,
      execute: async () => ({ edges: discovery.topology().slice(0, 2_000) }),
    },
    {
      name: "discovery.accept",
      risk: "write",
      summary: "Monitor a proposed equipment from now on.",
      argumentsSchema: one,
      maxDurationMs: 10_000,
      execute: async (command) => {
        const equipment = discovery.accept(String(command.arguments.id));
        gateway().poller.add(equipment);
        return { accepted: equipment };
      },
    },
    {
      name: "discovery.refuse",
      risk: "write",
      summary: "Do not propose this equipment again.",
      argumentsSchema: one,
      maxDurationMs: 10_000,
      execute: async (command) => {
        discovery.refuse(String(command.arguments.id));
        return { refused: command.arguments.id };
      },
    },
  ];
}

/** What else waits for its hour. The subnet must be enabled, and its own settings say how far a scan may go. */
function scanning(discovery: Discovery, clock: Clock): Operation {
  return {
    name: "discovery.scan",
    risk: "write",
    summary: "Look at one enabled subnet now, or at all of them one after another, instead of waiting for the hourly sweep.",
    argumentsSchema: {
      type: "object",
      additionalProperties: false,
      properties: { cidr: { type: "string", minLength: 1, maxLength: 18, description: "Left out: every subnet that is enabled." } },
    },
    maxDurationMs: maxScanMs,
    async execute(command, progress, signal) {
      const { cidr } = command.arguments;
      const wanted = cidr === undefined ? discovery.status().subnets.map((one) => one.cidr) : [String(cidr)];
      if (wanted.length === 0) throw new GatewayError("command.refused", { message: "no subnet is enabled in discovery.subnets" });
      const before = new Set(discovery.proposals().map(({ id }) => id));
      for (const [index, one] of wanted.entries())
        await scanOne({ discovery, clock, progress, share: [index, wanted.length] }, one, signal);
      const { addresses, devices, openProposals, packets } = discovery.status();
      const fresh = discovery.proposals().filter(({ id }) => !before.has(id));
      return { scanned: wanted, addresses, devices, openProposals, packets, newProposals: fresh.slice(0, 100), newCount: fresh.length };
    },
  };
}

interface ScanParts {
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly progress: OperationProgress;
  /** Which of how many subnets. */
  readonly share: readonly [index: number, count: number];
}

/** Runs one scan and says how far it is. The signal ends it. */
async function scanOne({ discovery, clock, progress, share }: ScanParts, cidr: string, signal: AbortSignal): Promise<void> {
  const statusOf = () => discovery.status().subnets.find((one) => one.cidr === cidr);
  if (statusOf()?.paused === true) throw new GatewayError("command.refused", { message: `discovery of ${cidr} is paused` });
  let isOver = false;
  const scan = discovery.scan(cidr, signal).finally(() => {
    isOver = true;
  });
  // Awaited below; until then its failure must not count as unhandled.
  scan.catch(() => undefined);
  const ended = new AbortController();
  void scan.then(
    () => ended.abort(),
    () => ended.abort(),
  );
  let said = "";
  let saidAtMs = Number.NEGATIVE_INFINITY;
  while (!isOver) {
    const status = statusOf();
    if (status !== undefined && (status.phase !== said || clock.monotonicMs() - saidAtMs >= sayEveryMs)) {
      said = status.phase;
      saidAtMs = clock.monotonicMs();
      const { phase, progress: of } = status;
      const { addresses, devices } = discovery.status();
      progress.report({ cidr, phase, ...of, addresses, devices }, percentOf(status, share));
    }
    await clock.sleep(lookEveryMs, AbortSignal.any([signal, ended.signal])).catch((reason: unknown) => {
      signal.throwIfAborted();
      if (!isOver) throw reason;
    });
  }
  await scan;
}

function percentOf({ phase, progress }: SubnetStatus, [index, count]: readonly [number, number]): number {
  const [from, to] = shares[phase];
  const part = progress === undefined || progress.total === 0 ? 0 : progress.done / progress.total;
  return Math.round(((index + (from + (to - from) * part) / 100) * 100) / count);
}
