import type { CheckDefinition } from "#model/check.ts";
import { failed } from "../failure.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { TcpSettings } from "../settings/generated/tcp.ts";
import { parseHostPort } from "../target.ts";
import { connect } from "./connect.ts";

/** Connects and hangs up; not a word is said. */
export async function probeTcp(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const { maxMs } = definition.settings as unknown as TcpSettings;
  const target = parseHostPort(definition.target);
  if (target === undefined) throw failed("resolve", "bad-answer", "the target is not host:port");
  const { socket, resolveMs, connectMs } = await connect(run, target);
  socket.destroy();
  const totalMs = rounded(resolveMs + connectMs);
  run.values.set("resolve", resolveMs);
  run.values.set("connect", connectMs);
  run.values.set("latency", totalMs);
  run.latenciesMs.push(totalMs);
  run.stage = "assertion";
  if (maxMs !== undefined && totalMs > maxMs)
    throw failed("assertion", "assertion", `connecting took ${totalMs} ms, longer than ${maxMs} ms`);
}
