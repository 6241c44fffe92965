import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli, stackTrace, startCli } from "./run-cli.ts";

async function listener(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

describe("gatehouse probe", () => {
  it("shows the phases of a check that passes, and ends with 0", async () => {
    const { code, stdout } = await runCli(["probe", "run", "tcp", `127.0.0.1:${await listener()}`]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok: tcp 127\.0\.0\.1:\d+\nfrom lo\/127\.0\.0\.1\n/);
    expect(stdout).toMatch(/^connect +[\d.]+$/m);
  });

  it("says how far a check came that fails, and ends with 1", async () => {
    const { code, stdout, stderr } = await runCli(["probe", "run", "tls", `127.0.0.1:${await listener()}`, "--timeout", "300", "--json"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^waited 0\.[3-9] s; --timeout \(now 300\) says how many milliseconds at most\n$/);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      failure: { stage: "tls", code: "timeout" },
      traffic: { packets: expect.any(Number) },
    });
  });

  it("refuses what makes no sense with a sentence, everything at once", async () => {
    const { code, stderr } = await runCli(["probe", "run", "icmp", "--timeout", "200", "--", "-f"]);
    expect(code).not.toBe(0);
    expect(stderr).not.toMatch(stackTrace);
    const nonsense = await runCli(["probe", "run", "http", "ftp://x/", "--set", 'expect={"status":[]}']);
    expect(nonsense.stderr).toContain("target must be an http:// or https:// URL; settings.expect.status cannot be true: no status passes");
    expect((await runCli(["probe", "run", "teapot", "x"])).stderr).toContain("It wants one of icmp, tcp");
  });

  it("answers udp checks of another until it is told to stop", async () => {
    const responder = startCli(["probe", "respond", "--host", "127.0.0.1", "--port", String(await listener())]);
    let said = "";
    responder.stdout?.on("data", (text) => {
      said += text;
    });
    while (!said.includes("answering udp checks")) await new Promise((resolve) => setImmediate(resolve));
    const port = /port (\d+)/.exec(said)?.[1] ?? "";
    const { code, stdout } = await runCli(["probe", "run", "udp", `127.0.0.1:${port}`, "--set", "packets=20", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, evidence: { stream: { sent: 20, received: 20, answered: 20 } } });
    const closed = once(responder, "close");
    responder.kill("SIGTERM");
    await closed;
    expect(said).toContain("21 packets answered, 0 swallowed");
  });
});
