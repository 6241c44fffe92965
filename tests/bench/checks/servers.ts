import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { UdpResponder } from "../../../drivers/probe/udp/responder.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { silentLogger } from "../../sim/silent-logger.ts";

/** Everything the bench's checks look at, on loopback, in the bench's own process: its CPU is not the gateway's. */
export async function startServers(): Promise<{
  readonly web: number;
  readonly tls: number;
  readonly names: number;
  readonly udp: number;
  readonly ca: string;
}> {
  const web = createHttpServer((_request, response) => response.end("x".repeat(4_000)));
  const { key, cert } = certificate();
  const tls = createTlsServer({ key, cert }, (socket) => socket.on("error", () => undefined).resume());
  const names = createSocket("udp4");
  names.on("message", (query, from) => {
    const answer = Buffer.concat([query, Buffer.from("c00c00010001000000200004c0000207", "hex")]);
    answer.writeUInt16BE(0x8180, 2);
    answer.writeUInt16BE(1, 6);
    names.send(answer, from.port, from.address);
  });
  web.listen(0, "127.0.0.1");
  tls.listen(0, "127.0.0.1");
  names.bind(0, "127.0.0.1");
  await Promise.all([web, tls, names].map((server) => once(server, "listening")));
  const udp = Promise.withResolvers<number>();
  const clock = new SystemClock(() => true);
  const listen = { host: "127.0.0.1", port: 0, packetsPerSecondPerSource: 10_000, clock, logger: silentLogger };
  new UdpResponder({ ...listen, onListening: ({ port }) => udp.resolve(port) }).run(new AbortController().signal).catch(udp.reject);
  const portOf = (server: { address(): unknown }) => (server.address() as { readonly port: number }).port;
  return { web: portOf(web), tls: portOf(tls), names: names.address().port, udp: await udp.promise, ca: cert };
}

function certificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  try {
    const files = ["-keyout", join(folder, "key"), "-out", join(folder, "pem")];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", ...files, "-days", "2", ...names],
      {
        stdio: "pipe",
      },
    );
    return { key: readFileSync(join(folder, "key"), "utf8"), cert: readFileSync(join(folder, "pem"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
