import type { CommandContext } from "../cli/context.ts";
import { loadGatewayConfiguration } from "../config/gateway-configuration.ts";
import { controlServer } from "../host/control-server.ts";
import { maxThriftyEquipment, preferLittleMemory } from "../host/memory.ts";
import { SystemClock } from "../host/system-clock.ts";
import { synchronisationProbe } from "../host/time-synchronisation.ts";
import { assembleGateway } from "../parts-appliance.ts";
import { openCare } from "../parts-care.ts";
import { consoleHandlers, openConsole } from "../parts-console.ts";
import { checkHandlers } from "./check-handlers.ts";
import { discoveryHandlers } from "./discovery-handlers.ts";
import { historyHandlers } from "./history-handlers.ts";

export interface RunOptions {
  readonly file: string;
  readonly stateDir: string;
  /** Written while the gateway is healthy; for the launcher's watchdog. */
  readonly beat?: string;
}

/** Runs one gateway until it is told to stop. @throws GatewayError config.* | buffer.* | host.* */
export async function runGateway(options: RunOptions, context: CommandContext): Promise<void> {
  const drivers = await context.drivers();
  const configuration = loadGatewayConfiguration(options.file, { drivers, environment: context.environment });
  if (configuration.equipment.length <= maxThriftyEquipment) preferLittleMemory();
  const logger = await context.logger({ to: "stdout", level: configuration.log.level, format: configuration.log.format });
  for (const warning of configuration.warnings)
    logger.warn({ file: warning.file, line: warning.line, pointer: warning.pointer }, warning.sentence);
  const clock = new SystemClock(synchronisationProbe(configuration.clock.source));
  const signal = context.stopSignal();
  const platform = { clock, entropy: context.entropy, logger };
  const gateway = await assembleGateway(configuration, options.stateDir, platform, (running, discovery) => {
    const console = openConsole(configuration, running, {}, platform);
    const control = controlServer({
      folder: options.stateDir,
      clock,
      logger,
      handlers: {
        status: () => running.status(),
        health: () => running.health.look(),
        ...checkHandlers(() => running.checks),
        ...historyHandlers(() => running.history),
        ...discoveryHandlers(discovery, () => running.poller),
        ...consoleHandlers(() => console),
        poll: async (args, stop) => {
          await running.poller.pollNow(String(args.equipment), stop);
          return {};
        },
      },
    });
    const care = openCare(options, running, platform);
    return [control, ...care, ...(console === undefined ? [] : [console])];
  });
  const { id, tenant, site } = configuration.gateway;
  logger.info({ gateway: id, tenant, site, equipment: configuration.equipment.length }, "gateway starts");
  await gateway.run(signal);
  const { polled, delivered, buffered, dropped } = gateway.finalLedger;
  logger.info(
    { gateway: id, polledSamples: polled, deliveredSamples: delivered, bufferedSamples: buffered, droppedSamples: dropped },
    "gateway stopped",
  );
}
