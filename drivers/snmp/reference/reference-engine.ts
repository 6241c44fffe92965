import { isIP } from "node:net";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { SnmpEngine, SnmpSession, SnmpTarget } from "#ports/snmp.ts";
import { ReferenceSession } from "./reference-session.ts";

/**
 * The SNMP port on npm net-snmp: what contract tests compare our own engine with. A session has its own socket; addresses are IP literals.
 */
export function createReferenceEngine({ clock }: { readonly clock: Clock }): SnmpEngine {
  const sessions = new Set<ReferenceSession>();
  return {
    open(target: SnmpTarget): SnmpSession {
      if (isIP(target.address) === 0)
        throw new GatewayError("driver.unsupported", { message: "the reference engine takes IP addresses only" });
      const session = new ReferenceSession(target, clock, () => sessions.delete(session));
      sessions.add(session);
      return session;
    },
    async close(): Promise<void> {
      for (const session of sessions) session.close();
    },
  };
}
