import type { DeviceKeys, GatewayIdentity } from "#model/identity.ts";

/** Who this gateway is, kept apart from everything that may be lost with a buffer. Encrypted at rest; every write is one durable step. */
export interface IdentityStore {
  /** undefined = not enrolled. */
  current(): GatewayIdentity | undefined;
  /** undefined = no keys were made yet. */
  keys(): DeviceKeys | undefined;
  /** @throws GatewayError buffer.denied | buffer.disk-full */
  keepKeys(keys: DeviceKeys): void;
  /** @throws GatewayError buffer.denied | buffer.disk-full */
  keep(identity: GatewayIdentity): void;
}
