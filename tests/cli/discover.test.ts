import { describe, expect, it, onTestFinished } from "vitest";
import { startSite } from "../drivers/simulated/running-site.ts";
import { runCli, stackTrace } from "./run-cli.ts";

describe("gatehouse discover", () => {
  it("says what a scan would do, as text and as JSON", async () => {
    const text = await runCli(["discover", "127.0.1.0/29", "--preview", "--loopback"]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^127\.0\.1\.0\/29: 6 addresses, 0 credentials, about \d+ s, at most \d+ s/);
    const json = await runCli(["discover", "127.0.1.0/29", "--preview", "--loopback", "--json", "--exclude", "127.0.1.1"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ addresses: 5, credentials: [], packetsPerSecondMax: 50 });
  });

  it.each([
    [["8.8.8.0/24", "--preview"], /never scanned/],
    [["127.0.0.0/24", "--run"], /never scanned/],
    [["10.0.0.0/21", "--run"], /needs confirmation/],
    [["10.0.0.0/24"], /either --preview or --run/],
    [["10.0.0.0/24", "--preview", "--run"], /either --preview or --run/],
    [["10.0.0.0/24", "--preview", "--credential", "x"], /--config/],
    [["10.0.0.0/24", "--preview", "--community-env", "NOT_SET_HERE"], /is not set/],
  ])("refuses %j with a sentence and nothing sent", async (args, sentence) => {
    const { code, stderr, stdout } = await runCli(["discover", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(stackTrace);
  });

  it("finds two simulated switches of one name over real sockets and tells them apart", async () => {
    const one = await startSite({ seed: 1, host: "127.0.1.1" });
    onTestFinished(() => one.stop());
    const port = one.portOf("sw-1");
    const two = await startSite({ seed: 2, host: "127.0.1.2", basePort: port });
    onTestFinished(() => two.stop());
    const args = ["discover", "127.0.1.0/30", "--run", "--loopback", "--json", "--port", String(port), "--community-env", "SITE_COMMUNITY"];
    const { code, stdout, stderr } = await runCli(args, { environment: { SITE_COMMUNITY: "public" }, timeoutMs: 60_000 });
    expect([code, stderr]).toEqual([0, ""]);
    const { proposals, topology, status } = JSON.parse(stdout);
    const serials = [one, two].map((site) => site.devices.find(({ id }) => id === "sw-1")?.serial);
    const found = proposals.map((proposal: Record<string, unknown>) => [
      proposal.address,
      proposal.serial,
      proposal.deviceClass,
      proposal.credential,
    ]);
    expect(found.sort()).toEqual([
      ["127.0.1.1", serials[0], "switch", "environment"],
      ["127.0.1.2", serials[1], "switch", "environment"],
    ]);
    expect(topology.filter(({ source }: { source: string }) => source === "lldp").length).toBeGreaterThanOrEqual(6);
    expect(status.devices).toBe(2);
    expect(stdout).not.toContain('"public"');
  }, 90_000);
});
