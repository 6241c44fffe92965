import type { Logger } from "#ports/logger.ts";
import type { CommandDoor } from "./command-door.ts";
import type { EditorDoor } from "./editor-door.ts";
import type { Feed } from "./feed.ts";
import type { FlowSet } from "./flow-set.ts";
import type { UnitTracker } from "./health.ts";
import type { HostDesk } from "./host-desk.ts";
import type { HostLink } from "./host-link.ts";
import { type FromHost, localUnit } from "./protocol.ts";

/** Who hears what the flow host says. */
export interface HostHearers {
  readonly logger: Logger;
  readonly set: FlowSet;
  readonly feed: Feed;
  readonly desk: HostDesk;
  readonly tracker: UnitTracker;
  readonly commands: CommandDoor;
  readonly editor: EditorDoor;
  /** Nodes created since the child started. */
  onCreated(nodes: number): void;
}

/** Passes each message of the untrusted child to whom it concerns. @param signal the wing's life */
export function hear(message: FromHost, link: HostLink, hearers: HostHearers, signal: AbortSignal): void {
  const { editor, tracker, commands, set } = hearers;
  const isRunning = (service: string) => service.startsWith(`${localUnit}/`) || set.unit(service) !== undefined;
  switch (message.t) {
    case "pong":
      hearers.onCreated(message.created);
      tracker.droppedTotals(message.dropped);
      return;
    case "deployed":
      hearers.onCreated(message.created);
      return;
    case "subscribe":
      hearers.feed.subscribe(message.list.filter(({ service }) => isRunning(service)));
      return;
    case "order":
      hearers.desk.receive(message, link, signal);
      return;
    case "log": {
      const { unit, node, level, text } = message;
      if (level <= 20 && unit !== "") tracker.error(unit, text);
      hearers.logger.debug({ unit, node, level, text }, "a flow says");
      return;
    }
    case "status":
      tracker.status(message.unit, message.node, message);
      return;
    case "result":
      commands.result(message.n, message.value, message.error);
      return;
    case "editor":
      editor.answered(message.n, message.error);
      return;
    case "connection":
      editor.connections.event(message.connection, message.event);
      return;
    case "window":
      editor.connections.taken(message.connection, message.bytes);
      return;
    default:
  }
}
