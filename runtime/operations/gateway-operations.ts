import { GatewayError } from "#model/errors.ts";
import type { Operation } from "#ports/operations.ts";
import type { Gateway } from "../gateway.ts";

export interface GatewayOperationParts {
  readonly gateway: () => Gateway;
  readonly restart: (reason: string) => void;
}

const nothing = { type: "object", additionalProperties: false } as const;

/** What the gateway does with itself. */
export function gatewayOperations(parts: GatewayOperationParts): readonly Operation[] {
  return [pollNow(parts.gateway), status(parts.gateway), restart(parts.restart)];
}

function pollNow(gateway: () => Gateway): Operation {
  return {
    name: "poll.now",
    risk: "read",
    summary: "Poll one equipment now, or all of them, besides their grid.",
    argumentsSchema: nothing,
    maxDurationMs: 120_000,
    async execute(command, progress, signal) {
      const { poller } = gateway();
      if (command.equipment !== undefined) {
        await poller.pollNow(command.equipment, signal);
        return outcomeOf(gateway(), command.equipment);
      }
      const ids = [...poller.equipment.keys()];
      let done = 0;
      await Promise.all(
        ids.map(async (id) => {
          await poller.pollNow(id, signal);
          done += 1;
          progress.report({ equipment: id }, (done * 100) / ids.length);
        }),
      );
      return { polled: ids.length, equipment: ids.slice(0, 500).map((id) => outcomeOf(gateway(), id)) };
    },
  };
}

function outcomeOf(gateway: Gateway, id: string) {
  const polled = gateway.poller.equipment.get(id);
  if (polled === undefined) throw new GatewayError("command.refused", { message: "the equipment was taken away meanwhile" });
  const { reachability, lastPoll } = polled;
  return {
    equipment: id,
    reachability: reachability.state,
    ...(reachability.failures === 0 ? {} : { error: reachability.lastCode ?? "unknown" }),
    ...(lastPoll === undefined ? {} : { atMs: lastPoll.wallMs, tables: lastPoll.tables }),
  };
}

function status(gateway: () => Gateway): Operation {
  return {
    name: "gateway.status",
    risk: "read",
    summary: "How the gateway is: equipment, buffer, uplink, costs.",
    argumentsSchema: nothing,
    maxDurationMs: 10_000,
    execute: () => gateway().status(),
  };
}

function restart(restartNow: (reason: string) => void): Operation {
  return {
    name: "gateway.restart",
    risk: "disruptive",
    summary: "Restart all that this program does, without losing anything; polls are late by seconds at most.",
    argumentsSchema: {
      type: "object",
      additionalProperties: false,
      properties: { reason: { type: "string", maxLength: 200, default: "ordered" } },
    },
    maxDurationMs: 5_000,
    execute: async (command) => {
      // The answer is in the journal before the restart begins.
      restartNow(String(command.arguments.reason));
      return { restarting: true };
    },
  };
}
