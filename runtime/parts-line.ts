/** The line to the NOC: who it is, what it says at the beginning, who gets what comes in. */
import type { Equipment } from "#model/equipment.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { State } from "#ports/state.ts";
import { parseAck } from "../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../cloud-bridge/protocol/messages/presence.ts";
import { createMqttUplink } from "../cloud-bridge/uplink/mqtt-uplink.ts";
import type { TlsSettings } from "../cloud-bridge/uplink/socket.ts";
import packageJson from "../package.json" with { type: "json" };
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { currentRoute } from "./host/route.ts";
import { Link } from "./northbound/link.ts";
import { helloBody } from "./parts-hello.ts";
import type { Northbound } from "./parts-northbound.ts";
import type { Platform } from "./parts-platform.ts";

/** Opens nothing yet: the link connects when it runs. */
export function openLink(
  configuration: GatewayConfiguration,
  uplink: NonNullable<GatewayConfiguration["uplink"]>,
  parts: {
    readonly encoder: FrameEncoder;
    readonly buffer: Buffer;
    readonly state: State;
    readonly enrolled?: () => TlsSettings;
    readonly northbound: Northbound;
    readonly equipment: () => readonly Equipment[];
  },
  platform: Platform,
): Link {
  const { gateway } = configuration;
  const { northbound } = parts;
  const { tls, password, username } = uplink;
  const run = globalThis.Buffer.from(platform.entropy.bytes(12)).toString("base64url");
  const link = new Link({
    uplink: createMqttUplink({
      url: uplink.url,
      tenant: gateway.tenant,
      gateway: gateway.id,
      keepAliveS: uplink.keepAliveS,
      connectTimeoutMs: uplink.connectTimeoutMs,
      state: parts.state,
      ...platform,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: password.reveal() }),
      ...tlsOf(tls, parts.enrolled),
    }),
    buffer: parts.buffer,
    encoder: parts.encoder,
    messages: { parseAck, parseNocState },
    maxBackoffMs: uplink.retryMaxMs,
    route: currentRoute,
    ...platform,
    hello: (connection, sessionLimits) =>
      helloBody({
        gateway,
        version: packageJson.version,
        devices: parts.equipment().length,
        authority: northbound.greeting(),
        run,
        connection,
        limits: sessionLimits,
        ...parts,
        ...platform,
      }),
    onMessage: northbound.inbox.take,
    onConnected: northbound.connected,
  });
  northbound.attach(link);
  return link;
}

/** What the file says wins; what it leaves out comes from the enrolment. */
function tlsOf(
  file: NonNullable<GatewayConfiguration["uplink"]>["tls"],
  enrolled: (() => TlsSettings) | undefined,
): { readonly tls?: TlsSettings | (() => TlsSettings) } {
  const own: TlsSettings = {
    ...(file?.ca === undefined ? {} : { ca: file.ca }),
    ...(file?.cert === undefined ? {} : { cert: file.cert }),
    ...(file?.key === undefined ? {} : { key: file.key.reveal() }),
    ...(file?.serverName === undefined ? {} : { servername: file.serverName }),
  };
  if (enrolled === undefined) return file === undefined ? {} : { tls: own };
  return { tls: () => ({ ...enrolled(), ...own }) };
}
