import { spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { LanNetwork, type LanParts } from "../../../drivers/discovery/lan-network.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import type { HostHint } from "../../../runtime/ports/discovery.ts";
import { mdnsAnswer, nodeStatusAnswer, ssdpAnswer } from "./datagrams.ts";

const hasFping = spawnSync("fping", ["-C1", "-q", "-r0", "-t200", "127.0.0.1"]).status === 0;
const clock = new SystemClock(() => true);
const never = new AbortController().signal;
const open = new Set<Socket>();

async function udpOn(host: string, port = 0): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket("udp4");
  open.add(socket);
  socket.bind(port, host);
  await once(socket, "listening");
  return { socket, port: socket.address().port };
}

function lan(more: Partial<LanParts> = {}): LanNetwork {
  return new LanNetwork({ clock, entropy: systemEntropy, leaseFiles: [], reverseDns: false, networks: () => [], ...more });
}

afterEach(() => {
  for (const socket of open) socket.close();
  open.clear();
});

describe("the network of this machine, on loopback", () => {
  it("connects, is refused, and waits no longer than it was told", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await lan().connect("127.0.0.1", port, 1_000, never)).toBe("open");
    const { port: closed, socket } = await udpOn("127.0.0.1");
    socket.close();
    open.delete(socket);
    expect(await lan().connect("127.0.0.1", closed, 1_000, never)).toBe("refused");
  });

  it.skipIf(!hasFping)("sweeps by fping (needs fping with the right to send ICMP)", async () => {
    const network = lan();
    expect(await network.echoMethod(never)).toBe("icmp");
    expect(await network.echo(["127.0.0.1", "127.0.0.2"], 500, never)).toEqual({ method: "icmp", alive: ["127.0.0.1", "127.0.0.2"] });
  });

  it("falls back to TCP without fping, and says so", async () => {
    const network = lan({ fping: "no-such-program" });
    expect(await network.echo(["127.0.0.1"], 500, never)).toEqual({ method: "tcp", alive: ["127.0.0.1"] });
  });

  it("hears mDNS and SSDP announcements and survives garbage among them", async () => {
    const [mdns, ssdp] = [await udpOn("127.0.0.1"), await udpOn("127.0.0.1")];
    const places = { host: "127.0.0.1", mdns: { group: "127.0.0.1", port: mdns.port }, ssdp: { group: "127.0.0.1", port: ssdp.port } };
    for (const { socket } of [mdns, ssdp]) {
      socket.close();
      open.delete(socket);
    }
    const heard: HostHint[] = [];
    const stop = new AbortController();
    const listening = lan({ places }).listen((hint) => heard.push(hint), stop.signal);
    const speaker = await udpOn("127.0.0.1");
    const deadline = clock.monotonicMs() + 60_000;
    while (new Set(heard.map(({ source }) => source)).size < 2 && clock.monotonicMs() < deadline) {
      speaker.socket.send(Uint8Array.of(1, 2, 3), mdns.port, "127.0.0.1");
      speaker.socket.send(mdnsAnswer, mdns.port, "127.0.0.1");
      speaker.socket.send(ssdpAnswer, ssdp.port, "127.0.0.1");
      await clock.sleep(20, never);
    }
    stop.abort();
    await listening;
    expect(new Set(heard.map(({ source, address }) => `${source} ${address}`))).toEqual(new Set(["mdns 127.0.0.1", "ssdp 127.0.0.1"]));
  });

  it("asks by mDNS and SSDP and takes the answers that come to its own port", async () => {
    const [mdns, ssdp] = [await udpOn("127.0.0.1"), await udpOn("127.0.0.1")];
    const places = { host: "127.0.0.1", mdns: { group: "127.0.0.1", port: mdns.port }, ssdp: { group: "127.0.0.1", port: ssdp.port } };
    const questions: string[] = [];
    mdns.socket.on("message", (bytes, { port, address }) => {
      questions.push(bytes.toString("latin1").includes("_ipp") ? "mdns" : "?");
      mdns.socket.send(mdnsAnswer, port, address);
    });
    ssdp.socket.on("message", (bytes, { port, address }) => {
      questions.push(bytes.toString("latin1").startsWith("M-SEARCH * HTTP/1.1\r\n") ? "ssdp" : "?");
      ssdp.socket.send(ssdpAnswer, port, address);
    });
    const heard: HostHint[] = [];
    const network = lan({ places });
    await Promise.all([
      network.askMdns("127.0.0.1", ["_ipp._tcp"], (hint) => heard.push(hint), never),
      network.searchSsdp("127.0.0.1", 1, (hint) => heard.push(hint), never),
    ]);
    expect([questions.sort(), heard.map(({ source }) => source).sort()]).toEqual([
      ["mdns", "ssdp"],
      ["mdns", "ssdp"],
    ]);
  });

  it("reads a NetBIOS name and takes silence and forged answers for no name", async () => {
    const { socket, port } = await udpOn("127.0.0.1");
    const network = lan({ netbiosPort: port });
    expect(await network.nodeStatus("127.0.0.1", 100, never)).toBeUndefined();
    socket.on("message", (bytes, remote) => {
      const answer = Uint8Array.from(nodeStatusAnswer);
      socket.send(answer, remote.port, remote.address); // another transaction
      answer.set(bytes.subarray(0, 2));
      socket.send(answer, remote.port, remote.address);
    });
    expect(await network.nodeStatus("127.0.0.1", 2_000, never)).toMatchObject({ hostName: "FILES", services: ["file-server"] });
  });
});
