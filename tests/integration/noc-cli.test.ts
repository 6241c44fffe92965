import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDemoBroker } from "../../runtime/demo/broker.ts";
import { ended, runCli, stackTrace, startCli } from "../cli/run-cli.ts";
import { SmallGateway, switchReport, switchShape } from "../cloud-bridge/noc/small-gateway.ts";
import { freePort, Publisher, until } from "./noc-peers.ts";

const shape = switchShape("sw-1", 2, 60_000);

describe("gatehouse noc", () => {
  const stop = new AbortController();
  const dir = mkdtempSync(join(tmpdir(), "noc-cli-"));
  let brokerUrl: string;
  let broker: Promise<void>;

  beforeAll(async () => {
    const port = await freePort();
    const listening = Promise.withResolvers<void>();
    broker = runDemoBroker("127.0.0.1", port, stop.signal, () => listening.resolve());
    await listening.promise;
    brokerUrl = `mqtt://127.0.0.1:${port}`;
  });

  afterAll(async () => {
    stop.abort(new Error("test over"));
    await broker;
    rmSync(dir, { recursive: true, force: true });
  });

  /** `noc serve`, up and at the broker. */
  async function serve(): Promise<{
    readonly child: ChildProcess;
    readonly url: string;
    readonly link: string;
    readonly end: ReturnType<typeof ended>;
  }> {
    const child = startCli(["noc", "serve", "--broker", brokerUrl, "--dir", dir, "--listen", "127.0.0.1:0", "--tenant", "acme"]);
    let said = "";
    child.stdout?.on("data", (text) => {
      said += text;
    });
    child.stderr?.on("data", (text) => {
      said += text;
    });
    const end = ended(child, 60_000);
    const link = await until("it says where its page is", () => /http:\/\/\S+#sign-in=\S+/.exec(said)?.[0]);
    await until("it is at the broker", () => said.includes("connected to the broker"));
    return { child, url: new URL(link).origin, link, end };
  }

  it("serves, answers the other commands, and stops on request with 0", async () => {
    const { child, url, link, end } = await serve();
    const asking = ["--url", url, "--token-file", join(dir, "token")];
    expect(statSync(join(dir, "token")).mode & 0o777).toBe(0o600);
    const publisher = await Publisher.connect(brokerUrl, "gw-one");
    const gateway = new SmallGateway("gw-one");
    const polls = [0, 1, 2].flatMap((poll) =>
      gateway.poll(switchReport(shape, { wallMs: Date.now() - 180_000 + poll * 60_000, monotonicMs: 1e6 + poll * 60_000 }, poll)),
    );
    await publisher.send(polls);
    await until("all is acknowledged", () => publisher.acked("aaaaaaaaaaaa")?.upTo === polls.length);

    const devices = await runCli(["noc", "devices", "--json", ...asking]);
    expect(JSON.parse(devices.stdout)).toMatchObject([{ id: "gw-one", tenant: "acme", equipment: [{ id: "sw-1" }] }]);
    expect((await runCli(["noc", "devices", ...asking])).stdout).toMatch(/acme\/gw-one .*\n {2}equipment +status/);
    const ledger = await runCli(["noc", "ledger", "--recount", "--json", ...asking]);
    expect(JSON.parse(ledger.stdout)).toMatchObject([{ delivered: 30, recount: { samples: 30 }, missing: 0 }]);
    const signIn = await runCli(["noc", "sign-in", ...asking]);
    expect(signIn.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#sign-in=\S{20,}\n$/);
    expect(signIn.stdout.trim()).not.toBe(link);

    const tail = startCli(["noc", "tail", "--json", "--search", "temperature port1", ...asking]);
    const tailed = ended(tail, 30_000);
    let lines = "";
    tail.stdout?.on("data", (text) => {
      lines += text;
    });
    await until("what is there", () => lines.includes("21.5"));
    await publisher.send(gateway.poll(switchReport(shape, { wallMs: Date.now(), monotonicMs: 1e6 + 180_000 }, 3, 66.6)));
    await until("what comes in", () => lines.includes("66.6"));
    tail.kill("SIGTERM");
    expect(await tailed).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(lines.trim().split("\n").at(-1) ?? "")).toMatchObject({
      equipment: "sw-1",
      row: "port1",
      metric: "temperature",
      value: 66.6,
      unit: "Cel",
    });
    await publisher.end();
    child.kill("SIGTERM");
    expect((await end).code).toBe(0);
  }, 120_000);

  it("keeps token and data over a restart", async () => {
    const first = await serve();
    first.child.kill("SIGTERM");
    await first.end;
    const second = await serve();
    const devices = await runCli(["noc", "devices", "--json", "--url", second.url, "--token-file", join(dir, "token")]);
    expect(JSON.parse(devices.stdout)).toMatchObject([{ id: "gw-one" }]);
    second.child.kill("SIGTERM");
    await second.end;
  }, 120_000);

  it("says in a sentence what is wrong, with the exit code for it", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const wrongToken = join(dir, "wrong-token");
    writeFileSync(wrongToken, `${"0".repeat(64)}\n`);
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [["noc", "serve", "--broker", brokerUrl, "--dir", join(dir, "a"), "--listen", `127.0.0.1:${port}`], 3, /host\.port-in-use/],
      [["noc", "serve", "--dir", join(dir, "b"), "--listen", "nonsense"], 2, /HOST:PORT/],
      [["noc", "serve", "--dir", "/dev/null/noc"], 4, /folder/],
      [["noc", "serve", "--dir", join(dir, "c"), "--password-file", join(dir, "none")], 2, /cannot read/],
      [["noc", "devices", "--url", "http://127.0.0.1:1", "--token-file", wrongToken], 5, /no answer from/],
      [["noc", "devices", "--token-file", join(dir, "none")], 5, /token file cannot be read/],
      [["noc", "devices", "--url", "not a url", "--token-file", wrongToken], 2, /not a URL/],
    ];
    try {
      for (const [args, code, sentence] of cases) {
        const result = await runCli(args);
        expect({ args, code: result.code }).toEqual({ args, code });
        expect(result.stderr).toMatch(sentence);
        expect(result.stderr).not.toMatch(stackTrace);
      }
      const { child, url, end } = await serve();
      const denied = await runCli(["noc", "devices", "--url", url, "--token-file", wrongToken]);
      expect(denied).toMatchObject({ code: 5 });
      expect(denied.stderr).toContain("the token is wrong");
      child.kill("SIGTERM");
      await end;
    } finally {
      server.close();
    }
  }, 90_000);
});
