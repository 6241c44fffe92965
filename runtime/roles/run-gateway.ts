import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import packageJson from "../../package.json" with { type: "json" };
import type { CommandContext } from "../cli/context.ts";
import type { GatewayConfiguration } from "../config/gateway-configuration.ts";
import { type Gateway, Restart } from "../gateway.ts";
import { AuditBook } from "../host/audit-book.ts";
import { demandClosedEnvironment } from "../host/closed-environment.ts";
import { controlServer } from "../host/control-server.ts";
import { IdentityFolder } from "../host/identity-folder.ts";
import { startLarge } from "../host/lean-start.ts";
import { LogTap } from "../host/log-tap.ts";
import { maxThriftyEquipment, preferLittleMemory, preferSmallBlocks, preferSmallSteps } from "../host/memory.ts";
import { SystemClock } from "../host/system-clock.ts";
import { synchronisationProbe } from "../host/time-synchronisation.ts";
import { countStart, DesiredMemory, revertNext } from "../northbound/desired-state/memory.ts";
import { OverlayMemory } from "../overlay-memory.ts";
import { assembleGateway, openGatewayState, type ServicesOf } from "../parts-appliance.ts";
import { openCare } from "../parts-care.ts";
import { consoleHandlers, openConsole } from "../parts-console.ts";
import { consoleTls } from "../parts-console-tls.ts";
import { flowRooms } from "../parts-flows.ts";
import type { Platform, RunParts } from "../parts-platform.ts";
import { openSealed, technicianRooms } from "../parts-technician.ts";
import { SiteConfiguration } from "../site-configuration.ts";
import { openDocumentStore } from "../store/document-store.ts";
import { alarmHandlers, consoleVerdict } from "./alarm-handlers.ts";
import { checkHandlers } from "./check-handlers.ts";
import { discoveryHandlers } from "./discovery-handlers.ts";
import { historyHandlers } from "./history-handlers.ts";
import { managementHandlers } from "./management-handlers.ts";
import { updateHandlers } from "./update-handlers.ts";

export interface RunOptions {
  readonly file: string;
  readonly stateDir: string;
  /** Written while the gateway is healthy; for the launcher's watchdog. */
  readonly beat?: string;
}

/** Runs one gateway until it is told to stop; changes that need it are a run of their own. @throws GatewayError config.* | buffer.* | host.* */
export async function runGateway(options: RunOptions, context: CommandContext): Promise<void> {
  preferSmallBlocks();
  const open = demandClosedEnvironment(context.environment, options.beat !== undefined);
  const identity = new IdentityFolder(options.stateDir, context.entropy);
  const site = new SiteConfiguration({
    ...{ file: options.file, drivers: await context.drivers(), environment: context.environment },
    opener: { open: (sealed) => openSealed(sealed, identity) },
  });
  const stop = context.stopSignal();
  // Said at once and with every problem, before the state folder is touched.
  const own = await site.load([]);
  startLarge(own.equipment.length);
  let logger = await loggerFor(own, context);
  if (open.length > 0)
    logger.warn({ variables: open.join(" ") }, "the environment could change what this program runs or whom it believes");
  for (const warning of own.warnings) logger.warn({ file: warning.file, line: warning.line, pointer: warning.pointer }, warning.sentence);
  let gateway: Gateway | undefined;
  for (let again = true; again && !stop.aborted; ) {
    const restart = new AbortController();
    const run = await begin({ options, context, site, identity, own, logger, restart: (reason) => restart.abort(new Restart(reason)) });
    if (run === "again") continue;
    ({ gateway, logger } = run);
    if (own.equipment.length <= maxThriftyEquipment) preferLittleMemory();
    else preferSmallSteps();
    await gateway.run(AbortSignal.any([stop, restart.signal]));
    again = restart.signal.aborted;
    if (again && !stop.aborted) logger.info({ gateway: own.gateway.id }, "the gateway begins anew");
  }
  const { polled, delivered, buffered, dropped } = gateway?.finalLedger ?? { polled: 0, delivered: 0, buffered: 0, dropped: 0 };
  logger.info(
    { gateway: own.gateway.id, polledSamples: polled, deliveredSamples: delivered, bufferedSamples: buffered, droppedSamples: dropped },
    "gateway stopped",
  );
}

interface Beginning {
  readonly options: RunOptions;
  readonly context: CommandContext;
  readonly site: SiteConfiguration;
  readonly identity: IdentityStore;
  readonly own: GatewayConfiguration;
  readonly logger: Logger;
  readonly restart: (reason: string) => void;
}

/** One run. "again" = the newest generation cannot even be assembled; it is being taken back. */
async function begin(parts: Beginning): Promise<{ readonly gateway: Gateway; readonly logger: Logger } | "again"> {
  const { options, context, site, own, restart } = parts;
  const clock = new SystemClock(synchronisationProbe(own.clock.source));
  const state = openGatewayState(options.stateDir, { clock, entropy: context.entropy, logger: parts.logger });
  let given = false;
  try {
    const configuration = await effective(parts, state, clock.now().wallMs);
    const logger = await loggerFor(configuration, context, parts.logger, own);
    const logs = new LogTap(logger);
    const platform = { clock, entropy: context.entropy, logger: logs };
    const audit = new AuditBook(options.stateDir, platform);
    const run: RunParts = { state, site, restart, audit, identity: parts.identity, logs };
    const services = servicesOf(options, configuration, run, platform);
    const gateway = await assembleGateway(configuration, options.stateDir, platform, run, services);
    audit.write({ actor: "gateway", action: "gateway.start", outcome: "ok", detail: `version ${packageJson.version}` });
    given = true;
    const { id, tenant, site: place } = configuration.gateway;
    logger.info({ gateway: id, tenant, site: place, equipment: configuration.equipment.length }, "gateway starts");
    return { gateway, logger };
  } catch (error) {
    if (!isGatewayError(error) || !revertNext(state, `it cannot be started: ${sentence(error)}`)) throw error;
    return "again";
  } finally {
    if (!given) state.close();
  }
}

/** What looks at a gateway from outside: control socket, console, watchdog. */
function servicesOf(options: RunOptions, configuration: GatewayConfiguration, run: RunParts, platform: Platform): ServicesOf {
  return (running, discovery, northbound, owner, alarms, flows) => {
    const rooms = {
      ...flowRooms(flows),
      ...{ tls: consoleTls(options.stateDir, configuration, platform.entropy), tries: run.state },
      ...{ alarms: alarms.list, verdict: () => consoleVerdict(alarms.verdict()) },
      ...technicianRooms({ northbound, configuration, state: run.state, identity: run.identity, audit: run.audit }, platform),
      ...(running.checks === undefined ? {} : { checks: running.checks }),
    };
    const console = openConsole(configuration, running, rooms, platform);
    const control = controlServer({
      folder: options.stateDir,
      ...platform,
      handlers: {
        status: async () => ({ ...(await running.status()), ...(console === undefined ? {} : { console: console.status() }) }),
        health: () => running.health.look(),
        ...updateHandlers(() => running.updater),
        ...checkHandlers(() => running.checks),
        ...historyHandlers(() => running.history, platform.clock),
        ...discoveryHandlers(discovery, () => running.poller),
        ...managementHandlers(northbound, owner),
        ...consoleHandlers(() => console),
        ...alarmHandlers(alarms),
        poll: async (args, stop) => {
          await running.poller.pollNow(String(args.equipment), stop);
          return {};
        },
      },
    });
    const isThrifty = configuration.equipment.length <= maxThriftyEquipment;
    const care = openCare({ ...options, isThrifty }, running, platform);
    return [control, ...care, ...(console === undefined ? [] : [console])];
  };
}

/** The site's file with the documents that lie over it. What no longer fits the file is left out and said; it never keeps a gateway from starting. */
async function effective(parts: Beginning, state: State, nowMs: number): Promise<GatewayConfiguration> {
  const { site, own, logger, options } = parts;
  const memory = new OverlayMemory(state);
  if (countStart(state)) takeBack(memory, state, options.stateDir);
  const overlays = memory.overlays(nowMs);
  if (overlays.length === 0) return own;
  try {
    return await site.load(overlays);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (revertNext(state, `its configuration cannot be loaded: ${sentence(error)}`)) {
      takeBack(memory, state, options.stateDir);
      return effective(parts, state, nowMs);
    }
    logger.error({ reason: sentence(error) }, "the configuration of the noc does not fit the site's file any more and is left out");
    return own;
  }
}

/** The overlay of the confirmed generation returns before anything is assembled; the engine then ends the other one. */
function takeBack(memory: OverlayMemory, state: State, stateDir: string): void {
  const { confirmed } = new DesiredMemory(state);
  const docs = confirmed === undefined ? [] : (JSON.parse(confirmed.payload) as { readonly docs: readonly Entry[] }).docs;
  const entry = docs.find((one) => one.k === "config");
  const bytes = entry === undefined || entry.inline !== undefined ? undefined : openDocumentStore(stateDir).read(entry.sha256);
  const content: unknown = bytes === undefined ? entry?.inline : JSON.parse(new TextDecoder().decode(bytes));
  memory.setOverlay(entry === undefined || content === undefined ? undefined : { sha256: entry.sha256, content }, []);
}

interface Entry {
  readonly k: string;
  readonly sha256: string;
  readonly inline?: unknown;
}

function sentence(error: GatewayError): string {
  return (error.message.split("\n", 1)[0] ?? "").slice(0, 300);
}

function loggerFor(
  configuration: GatewayConfiguration,
  context: CommandContext,
  present?: Logger,
  before?: GatewayConfiguration,
): Promise<Logger> {
  const { level, format } = configuration.log;
  if (present !== undefined && before?.log.level === level && before.log.format === format) return Promise.resolve(present);
  return context.logger({ to: "stdout", level, format });
}
