import type { HelloMessage, StateMessage } from "../../protocol/messages/presence.ts";
import type { ReportedMessage } from "../../protocol/messages/twin.ts";
import type { GatewayRow, JsonObject } from "../store/rows.ts";
import type { Draft } from "./drafts.ts";

/** Words for `why`; anything else a gateway says is shown as `other`. */
const knownReasons = new Set(["connect", "will", "shutdown", "reboot", "update"]);

/** Presence by `state`. False = a late will of a connection that was already replaced; nothing changed (PROTOCOL 5.1). */
export function applyState(row: Draft<GatewayRow>, message: StateMessage, nowMs: number): boolean {
  const connection = message.conn ?? row.connection;
  // Only farewells can be late. A greeting with a lower number is a gateway whose counter was lost with its state.
  if (!message.on && connection < row.connection) return false;
  if (row.online !== message.on) row.presenceSinceMs = nowMs;
  row.online = message.on;
  row.presenceWhy = message.why === undefined ? "" : knownReasons.has(message.why) ? message.why : "other";
  row.connection = connection;
  if (message.boot !== undefined) row.bootId = message.boot;
  return true;
}

/** The birth message of a connection. */
export function applyHello(row: Draft<GatewayRow>, message: HelloMessage, nowMs: number, retained: boolean): void {
  row.connection = message.conn;
  row.bootId = message.boot;
  row.hello = plain(message);
  // A retained hello says that the gateway was there once; whether it is there now, its retained state says.
  if (retained || row.online) return;
  row.online = true;
  row.presenceSinceMs = nowMs;
  row.presenceWhy = "connect";
}

export function applyReported(row: Draft<GatewayRow>, message: ReportedMessage): void {
  row.reported = plain(message);
}

function plain(message: object): JsonObject {
  return { ...message };
}
