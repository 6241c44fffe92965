import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseFping, parsePing, parseUnreachable } from "../../../drivers/probe/icmp/echo-programs.ts";
import { parseFpingHop, parseTracepath, parseTraceroute } from "../../../drivers/probe/path/trace.ts";
import { peer } from "../../peers.ts";
import { gatehouseCommand } from "../../program.ts";
import { probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
const folder = mkdtempSync(join(tmpdir(), "gatehouse-path-"));
afterEach(() => servers.end());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fping = peer("fping");
const canPing = fping.available && spawnSync(fping.path, ["-c", "1", "-q", "127.0.0.1"]).status === 0;
const nowhere = {
  fping: "/nonexistent/fping",
  ping: "/nonexistent/ping",
  traceroute: "/nonexistent/traceroute",
  tracepath: "/nonexistent/tracepath",
};

/** A program that says what it is told, for machines without the real one. */
function program(name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

describe.skipIf(!canPing)("an icmp check with fping (fping with the right to send ICMP)", () => {
  it("measures each echo and says how", async () => {
    const outcome = await probe({ type: "icmp", target: "127.0.0.1", settings: { packets: 3 } });
    expect(outcome).toMatchObject({ ok: true, vantage: "lo/127.0.0.1", evidence: { method: "icmp (fping)" } });
    expect(outcome.latenciesMs).toHaveLength(3);
    expect(outcome.values.get("loss")).toBe(0);
    expect(outcome.traffic).toEqual({ bytes: 6 * 84, packets: 6 });
  });

  it("measures from the address it is told to", async () => {
    const outcome = await probe({ type: "icmp", target: "127.0.0.1", vantage: "127.0.0.9", settings: { packets: 1 } });
    expect(outcome).toMatchObject({ ok: true, vantage: "lo/127.0.0.9" });
  });

  it("is a failure with all of it lost, never zero milliseconds, where nobody answers", async () => {
    // TEST-NET-3 (RFC 5737) belongs to nobody.
    const outcome = await probe({ type: "icmp", target: "203.0.113.1", timeoutMs: 1_500, settings: { packets: 2 } });
    expect(outcome.failure?.stage).toBe("answer");
    expect(outcome.values.get("loss")).toBe(100);
    expect(outcome.values.has("latency")).toBe(false);
    expect(outcome.latenciesMs).toEqual([]);
  });
});

describe("an icmp check without fping", () => {
  it("takes ping where that is there", async () => {
    const ping = program(
      "ping",
      "echo '64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=1.50 ms'; echo '64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=2.50 ms'; exit 0",
    );
    const outcome = await probe({ type: "icmp", target: "127.0.0.1", settings: { packets: 3 }, programs: { ...nowhere, ping } });
    expect(outcome).toMatchObject({ ok: true, evidence: { method: "icmp (ping)", roundTripsMs: [1.5, null, 2.5] } });
    expect(outcome.values.get("loss")).toBeCloseTo(33.333, 3);
    expect(outcome.values.get("latency")).toBe(2);
  });

  it("connects by TCP where no program may send ICMP, and says so", async () => {
    const refused = program("fping-refused", "echo 'fping: can not create socket (must run as root?)' >&2; exit 4");
    const outcome = await probe({ type: "icmp", target: "127.0.0.1", settings: { packets: 2 }, programs: { ...nowhere, fping: refused } });
    expect(outcome).toMatchObject({
      ok: true,
      evidence: { method: "tcp", note: expect.stringContaining("TCP connections to ports 443, 22, 80 instead") },
    });
    expect(outcome.latenciesMs).toHaveLength(2);
  });

  it("ends on time with a program that hangs or talks without end", async () => {
    const hangs = program("hangs", "exec sleep 60");
    const outcome = await probe({
      type: "icmp",
      target: "127.0.0.1",
      timeoutMs: 1_000,
      settings: { packets: 1 },
      programs: { ...nowhere, fping: hangs },
    });
    expect(outcome.failure?.code).toBe("timeout");
    const talks = program("talks", "yes 127.0.0.1 >&2");
    const other = await probe({
      type: "icmp",
      target: "127.0.0.1",
      timeoutMs: 2_000,
      settings: { packets: 1 },
      programs: { ...nowhere, fping: talks },
    });
    expect(other.evidence["method"]).toBe("tcp");
  });
});

describe("what the programs print", () => {
  it("is read as round trips in the order of sending", () => {
    expect(parseFping("192.0.2.1 : 0.35 - 12\n", "192.0.2.1", 3)).toEqual([0.35, undefined, 12]);
    expect(parseFping("192.0.2.10 : 0.35\n", "192.0.2.1", 1)).toBeUndefined();
    expect(parseFping("ICMP Host Unreachable from 192.0.2.9 for ICMP Echo sent to 192.0.2.1\n\n192.0.2.1 : -\n", "192.0.2.1", 1)).toEqual([
      undefined,
    ]);
    // BusyBox counts from zero; the duplicate comes after what it repeats.
    const busyBox = "64 bytes from 192.0.2.1: seq=0 ttl=64 time=0.5 ms\n64 bytes from 192.0.2.1: seq=0 ttl=64 time=9.0 ms (DUP!)\n";
    expect(parsePing(busyBox, 2)).toEqual([0.5, undefined]);
    expect(parsePing("64 bytes from x: icmp_seq=99999 ttl=64 time=1 ms\nnonsense time=", 1)).toEqual([undefined]);
  });

  it("is read for who says that there is no way", () => {
    expect(parseUnreachable("ICMP Host Unreachable from 192.0.2.9 for ICMP Echo sent to 10.0.0.1\n")).toEqual({
      said: "Host Unreachable",
      by: "192.0.2.9",
    });
    expect(parseUnreachable("ICMP Time Exceeded from 192.0.2.9 for ICMP Echo sent to 10.0.0.1\n")).toBeUndefined();
  });

  it("is read as a path", () => {
    expect(parseFpingHop("ICMP Time Exceeded from 10.0.0.1 for ICMP Echo sent to 10.9.9.9\n\n10.9.9.9 : -\n", "10.9.9.9")).toEqual({
      address: "10.0.0.1",
      ms: null,
      reached: false,
    });
    expect(parseFpingHop("10.9.9.9 : 3.25\n", "10.9.9.9")).toEqual({ address: "10.9.9.9", ms: 3.25, reached: true });
    const traceroute =
      "traceroute to 10.9.9.9 (10.9.9.9), 16 hops max, 60 byte packets\n 1  10.0.0.1  0.512 ms\n 2  *\n 3  10.9.9.9  4.1 ms\n";
    expect(parseTraceroute(traceroute, "10.9.9.9")).toEqual([
      { hop: 1, address: "10.0.0.1", ms: 0.512 },
      { hop: 2, address: null, ms: null },
      { hop: 3, address: "10.9.9.9", ms: 4.1 },
    ]);
    const tracepath =
      " 1?: [LOCALHOST]                      pmtu 1500\n 1:  10.0.0.1                            0.285ms \n 1:  10.0.0.1                            0.150ms \n 2:  no reply\n 3:  10.9.9.9                            4.1ms reached\n";
    expect(parseTracepath(tracepath, "10.9.9.9")).toEqual([
      { hop: 1, address: "10.0.0.1", ms: 0.285 },
      { hop: 2, address: null, ms: null },
      { hop: 3, address: "10.9.9.9", ms: 4.1 },
    ]);
  });
});

describe("a path check", () => {
  it("names what this machine lacks instead of calling the path broken", async () => {
    await expect(probe({ type: "path", target: "127.0.0.1", programs: nowhere })).rejects.toMatchObject({
      code: "driver.unsupported",
      message: expect.stringContaining("fping with the right to send ICMP, traceroute or tracepath"),
    });
  });

  it.each(["traceroute", "tracepath"])("takes %s where there is no fping", async (name) => {
    const line = name === "traceroute" ? " 1  127.0.0.1  0.2 ms" : " 1:  127.0.0.1   0.2ms reached";
    const outcome = await probe({ type: "path", target: "127.0.0.1", programs: { ...nowhere, [name]: program(name, `echo '${line}'`) } });
    expect(outcome).toMatchObject({ ok: true, evidence: { method: name, reached: true } });
  });
});

const ip = peer("ip");
const names = ["a", "r", "b"].map((end) => `gh${process.pid % 100_000}${end}`);
const [nearSite = "", router = "", farSite = ""] = names;
const inNear = (...words: readonly string[]) => spawnSync(ip.path, ["netns", "exec", nearSite, ...words], { encoding: "utf8" });
const hasNamespaces = ip.available && canPing && spawnSync(ip.path, ["netns", "add", nearSite]).status === 0;

describe.skipIf(!hasNamespaces)("a path check over a real router (ip netns: the right to make network namespaces)", () => {
  beforeAll(() => {
    const run = (...words: readonly string[]) => execFileSync(ip.path, [...words], { stdio: "pipe" });
    for (const name of [router, farSite]) run("netns", "add", name);
    for (const [index, site] of [nearSite, farSite].entries()) {
      run("link", "add", `${site}0`.slice(-14), "netns", site, "type", "veth", "peer", "name", `up${index}`, "netns", router);
      run("-n", site, "addr", "add", `10.91.${index + 1}.2/24`, "dev", `${site}0`.slice(-14));
      run("-n", router, "addr", "add", `10.91.${index + 1}.1/24`, "dev", `up${index}`);
      run("-n", site, "link", "set", `${site}0`.slice(-14), "up");
      run("-n", router, "link", "set", `up${index}`, "up");
      run("-n", site, "route", "add", "default", "via", `10.91.${index + 1}.1`);
    }
    run("netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1");
  });
  afterAll(() => {
    for (const name of names) spawnSync(ip.path, ["netns", "del", name]);
  });

  it("names the router on the way, and the target", () => {
    const args = ["probe", "run", "path", "10.91.2.2", "--json", "--set", 'through=["10.91.1.1"]', "--set", "maxHops=4"];
    const { command, args: words } = gatehouseCommand(args);
    const { stdout } = inNear(command, ...words);
    const result = JSON.parse(stdout) as {
      readonly ok: boolean;
      readonly vantage: string;
      readonly evidence: { readonly hops: readonly { readonly address: string }[] };
    };
    expect(result.ok).toBe(true);
    expect(result.vantage).toMatch(/\/10\.91\.1\.2$/);
    expect(result.evidence.hops.map((hop) => hop.address)).toEqual(["10.91.1.1", "10.91.2.2"]);
  });

  it("says how far it came where the way ends", () => {
    const args = ["probe", "run", "path", "10.91.2.77", "--json", "--set", "maxHops=3", "--set", "hopTimeoutMs=300"];
    const { command, args: words } = gatehouseCommand(args);
    const { stdout } = inNear(command, ...words);
    const result = JSON.parse(stdout) as { readonly failure: { readonly text: string } };
    expect(result.failure.text).toContain("the last to answer was hop 1, 10.91.1.1");
  });
});
