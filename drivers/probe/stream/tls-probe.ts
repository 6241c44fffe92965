import type { CheckDefinition } from "#model/check.ts";
import { failed } from "../failure.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { TlsSettings } from "../settings/generated/tls.ts";
import { parseHostPort } from "../target.ts";
import { connect, countStream, saidOf } from "./connect.ts";
import { handshake } from "./handshake.ts";

/** A handshake and what it showed: protocol, cipher, certificate. */
export async function probeTls(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = definition.settings as unknown as TlsSettings;
  const target = parseHostPort(definition.target);
  if (target === undefined) throw failed("resolve", "bad-answer", "the target is not host:port");
  const { socket, address, resolveMs, connectMs } = await connect(run, target);
  run.values.set("resolve", resolveMs);
  run.values.set("connect", connectMs);
  try {
    const demands = { ...settings, serverName: settings.serverName ?? target.host };
    const { socket: secured, tlsMs } = await handshake(run, socket, demands, saidOf(target, address));
    const protocol = secured.getProtocol();
    secured.destroy();
    const totalMs = rounded(resolveMs + connectMs + tlsMs);
    run.values.set("tls", tlsMs);
    run.values.set("latency", totalMs);
    run.latenciesMs.push(totalMs);
    run.stage = "assertion";
    if (protocol === null || protocol < settings.minProtocol)
      throw failed("assertion", "tls", `the server speaks ${protocol}, older than ${settings.minProtocol}`);
    if (settings.maxMs !== undefined && totalMs > settings.maxMs)
      throw failed("assertion", "assertion", `it took ${totalMs} ms, longer than ${settings.maxMs} ms`);
  } finally {
    countStream(run, socket);
    socket.destroy();
  }
}
