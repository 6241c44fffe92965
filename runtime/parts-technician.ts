/** How people come in at the console, what they may do there, and the book that it is written in. */
import { GatewayError } from "#model/errors.ts";
import type { Audit } from "#ports/audit.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { State } from "#ports/state.ts";
import { openSecret } from "../cloud-bridge/protocol/sealed-secret.ts";
import { InstanceIds } from "./alarms/identity.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { OfflineChallenge } from "./console/offline-challenge.ts";
import { TechnicianTokens } from "./console/technician-token.ts";
import type { ConsoleRooms } from "./parts-console.ts";
import { type Northbound, signedMessages } from "./parts-northbound.ts";
import type { Platform } from "./parts-platform.ts";

export interface TechnicianParts {
  readonly northbound: Northbound;
  readonly configuration: GatewayConfiguration;
  readonly state: State;
  readonly identity: IdentityStore;
  readonly audit: Pick<Audit, "write">;
}

/** Ways to sign in besides one-time codes, commands in a person's name, and the audit of both. */
export function technicianRooms(parts: TechnicianParts, platform: Platform): ConsoleRooms {
  const { northbound, configuration, state, identity, audit } = parts;
  const { clock, entropy } = platform;
  const { id: audience, tenant } = configuration.gateway;
  const { issuer } = configuration.authority;
  const tokens = new TechnicianTokens({
    verify: (token) =>
      signedMessages.verify(
        token,
        { type: "gh-tech+jws", purpose: "technician", audience, tenant, issuer },
        northbound.authority.keysFor("technician"),
      ),
    clock,
    state,
  });
  const offlineKey = identity.current()?.offlineKey;
  const offline = offlineKey === undefined ? undefined : new OfflineChallenge(Buffer.from(offlineKey, "base64url"), state, entropy);
  const ids = new InstanceIds(entropy);
  return {
    signInMethods: offline === undefined ? [tokens] : [tokens, offline],
    ...(offline === undefined ? {} : { challenge: () => offline.challenge() }),
    onSignIn: ({ person, method, from, ok }) =>
      audit.write({
        ...{ actor: ok ? person : "unknown", action: "console.sign-in", from, outcome: ok ? "ok" : "denied" },
        ...(ok ? { detail: method } : {}),
      }),
    command: async (operation, args, person, signal) => {
      const known = northbound.desk.operations.find((one) => one.name === operation);
      if (known === undefined) throw new GatewayError("command.refused", { message: `there is no operation ${operation}` });
      const { equipment, ...rest } = args;
      const command = {
        ...{ id: ids.next(clock.now().wallMs), operation, risk: known.risk, arguments: rest },
        ...(typeof equipment === "string" ? { equipment: equipment as never } : {}),
      };
      const result = await northbound.desk.submit(command, { actor: `technician:${person}`, from: "console" }, signal);
      if (result.status !== "ok")
        throw new GatewayError("command.refused", { message: result.error?.message ?? `the command ended with ${result.status}` });
      return result.output;
    },
  };
}

/** Opens what the NOC sealed to this gateway. @throws GatewayError config.secret */
export async function openSealed(sealed: string, identity: IdentityStore): Promise<string> {
  const [current, keys] = [identity.current(), identity.keys()];
  if (current === undefined || keys === undefined)
    throw new GatewayError("config.secret", { message: "a sealed secret cannot be opened: this gateway is not enrolled" });
  return openSecret(sealed, current.gateway, keys.sealing);
}
