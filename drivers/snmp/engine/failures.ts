import { GatewayError } from "#model/errors.ts";
import type { Exchange } from "./exchange.ts";

export function badAnswer(message: string): GatewayError {
  return new GatewayError("driver.bad-answer", { message });
}

/** No answer to any attempt, and what else is known about that: what came meanwhile, not what came once. */
export function silence({ peer, forgedBefore, malformedBefore }: Exchange, socketFailure: string | undefined): GatewayError {
  const fields = { address: peer.target.address, port: peer.target.port };
  const obstacle = socketFailure ?? peer.sendError;
  if (obstacle !== undefined) return new GatewayError("driver.unreachable", { message: `cannot send: ${obstacle}`, fields });
  const { forgedAnswers, malformedAnswers } = peer.counters;
  const hint = peer.security.version === 3 ? "" : " (a wrong community looks the same)";
  let message = `no answer${hint}`;
  if (forgedAnswers > forgedBefore)
    message = "no valid answer; what came was not believed: from another address or port, or with another credential";
  else if (malformedAnswers > malformedBefore) message = "no valid answer; what came cannot be read: cut short, or not SNMP";
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
