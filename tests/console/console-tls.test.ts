import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Console } from "../../runtime/console/console.ts";
import type { ConsoleTls } from "../../runtime/console/source.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { consoleTls } from "../../runtime/parts-console-tls.ts";
import { load, temporaryFolder } from "../config/configuration-kit.ts";
import { until } from "../integration/processes.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";

const configured = (yaml: string) => load(`gateway: { id: gw-tls-01 }\nconsole: ${yaml}\n`);

describe("the console beyond this machine", () => {
  let state = "";
  let tls: ConsoleTls;
  let site: Console;
  let stop: AbortController;
  let running: Promise<void>;
  let handedOver = "";

  beforeEach(async () => {
    state = temporaryFolder();
    const made = consoleTls(state, configured("{ host: 0.0.0.0, port: 8480 }"), systemEntropy);
    if (made === undefined) throw new Error("no certificate");
    tls = await made();
    site = new Console({
      listen: { host: "0.0.0.0", port: 0 },
      allowedHosts: [],
      tls: made,
      gateway: { id: "gw-tls-01", site: "lisbon", tenant: "acme", version: "1" },
      source: { status: async () => ({}) },
      pages: async () => ({ html: "<p>page</p>", script: "1", style: "a{}" }),
      editor: {
        state: () => ({ state: "open", connections: 0, people: [] }),
        open: async () => ({ path: "/editor/", token: "t", expiresInMs: 1_000 }),
        close: () => undefined,
        handOver: (connection, head) => {
          handedOver = Buffer.from(head).toString("latin1");
          connection.write(Buffer.from("HTTP/1.1 204 No Content\r\n\r\n"));
          connection.end();
          connection.resume();
        },
      },
      clock: new SystemClock(() => true),
      entropy: systemEntropy,
      logger: new CollectingLogger(),
    });
    stop = new AbortController();
    running = site.run(stop.signal);
    await until("the console is open", () => site.url !== undefined);
  });

  afterEach(async () => {
    stop.abort(new Error("over"));
    await running;
  });

  interface Answer {
    readonly status: number;
    readonly cookie: string;
    readonly body: string;
    readonly protocol: string | null;
    readonly fingerprint: string;
  }

  function ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body = ""): Promise<Answer> {
    const { port } = new URL(site.url ?? "");
    return new Promise((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port,
        path,
        method,
        ca: tls.certificate,
        agent: false,
        headers: { "x-gatehouse": "1", ...headers },
      };
      const request = httpsRequest(options, (response) => {
        const socket = response.socket as TLSSocket;
        const facts = { protocol: socket.getProtocol(), fingerprint: socket.getPeerCertificate().fingerprint256 };
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, cookie: response.headers["set-cookie"]?.join() ?? "", body: text, ...facts }),
        );
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  it("is encrypted with TLS 1.3, shows the fingerprint that the gateway says, and marks its cookie so", async () => {
    expect(site.status()).toEqual({ url: expect.stringMatching(/^https:\/\//), fingerprint: tls.fingerprint });
    expect(await ask("GET", "/")).toMatchObject({ status: 200, body: "<p>page</p>", protocol: "TLSv1.3", fingerprint: tls.fingerprint });
    const { code } = site.codes.issue();
    const signedIn = await ask("POST", "/api/session", { "content-type": "application/json" }, JSON.stringify({ secret: code }));
    expect(signedIn).toMatchObject({ status: 200, cookie: expect.stringContaining("; Secure") });
    const [cookie = ""] = signedIn.cookie.split(";");
    expect((await ask("GET", "/editor/", { cookie })).status).toBe(204);
    expect(handedOver).toContain("GET /editor/");
  });

  it("says nothing to whoever asks without encryption", async () => {
    const { port } = new URL(site.url ?? "");
    const plain = new Promise((resolve, reject) => {
      httpRequest({ host: "127.0.0.1", port, path: "/" }, resolve).on("error", reject).end();
    });
    await expect(plain).rejects.toThrow();
  });

  it("keeps its certificate, encrypted on the disk", async () => {
    const again = await consoleTls(state, configured("{ host: 0.0.0.0 }"), systemEntropy)?.();
    expect(again?.fingerprint).toBe(tls.fingerprint);
    expect(readFileSync(join(state, "identity", "console-tls.sealed"), "utf8")).not.toContain("PRIVATE");
  });

  it("is plain on this machine only, or where somebody says so", () => {
    expect(consoleTls(state, configured("{ host: 127.0.0.1 }"), systemEntropy)).toBeUndefined();
    expect(consoleTls(state, configured("{ host: 0.0.0.0, tls: off }"), systemEntropy)).toBeUndefined();
    expect(consoleTls(state, configured('{ host: "::" }'), systemEntropy)).toBeDefined();
  });
});
