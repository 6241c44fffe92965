import { GatewayError } from "#model/errors.ts";
import type { Peer } from "./peer.ts";

export function badAnswer(message: string): GatewayError {
  return new GatewayError("driver.bad-answer", { message });
}

/** No answer to any attempt, and what else is known about that. */
export function silence(peer: Peer, socketFailure: string | undefined): GatewayError {
  const fields = { address: peer.target.address, port: peer.target.port };
  const obstacle = socketFailure ?? peer.sendError;
  if (obstacle !== undefined) return new GatewayError("driver.unreachable", { message: `cannot send: ${obstacle}`, fields });
  const { forgedAnswers } = peer.counters;
  const hint = peer.security.version === 3 ? "" : " (a wrong community looks the same)";
  const message = forgedAnswers > 0 ? "no valid answer; answers came that were not believed, see forgedAnswers" : `no answer${hint}`;
  return new GatewayError("driver.timeout", { message, fields: { ...fields, forgedAnswers } });
}

export function closed(): GatewayError {
  return new GatewayError("driver.unreachable", { message: "the SNMP session was closed" });
}

export function tooMany(maxPending: number): GatewayError {
  return new GatewayError("driver.limit", { message: "too many SNMP requests at once", fields: { maxPending } });
}

export function givenUp(reason: unknown): GatewayError {
  return new GatewayError("driver.timeout", { message: "the request was given up", cause: reason });
}
