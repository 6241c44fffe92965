import { Agent, createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AnswerCache } from "../../../../cloud-bridge/noc/editor/answer-cache.ts";
import { forward } from "../../../../cloud-bridge/noc/editor/forward.ts";
import type { RemoteSession } from "../../../../cloud-bridge/noc/editor/remote-editors.ts";

const listen = (server: Server) =>
  new Promise<number>((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));

describe("a request that the NOC carries to a gateway's editor", () => {
  const asked: { url: string; headers: IncomingHttpHeaders; body: string }[] = [];
  const cache = new AnswerCache();
  let isDown = false;
  const gateway = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    asked.push({ url: request.url ?? "", headers: request.headers, body });
    if (request.headers["if-none-match"] === '"t1"') response.writeHead(304).end();
    else
      response
        .writeHead(200, {
          etag: '"t1"',
          "content-type": "text/plain",
          "set-cookie": "a=b",
          location: "http://elsewhere/",
          "x-powered-by": "x",
        })
        .end("nodes");
  });
  let noc: Server;
  let url = "";

  beforeAll(async () => {
    const port = await listen(gateway);
    const agent = new Agent();
    Object.assign(agent, { createConnection: () => (isDown ? connect(1, "127.0.0.1") : connect(port, "127.0.0.1")) });
    const session = { agent, tenant: "acme", gateway: "gw-1", person: "ana" } as unknown as RemoteSession;
    noc = createServer((request, response) => forward({ session, path: (request.url ?? "").slice(1), cache }, request, response));
    url = `http://127.0.0.1:${await listen(noc)}`;
  });
  beforeEach(() => {
    asked.length = 0;
  });
  afterAll(() => {
    noc.closeAllConnections();
    noc.close();
    gateway.closeAllConnections();
    gateway.close();
  });

  it("takes along what the editor needs, and nothing of the NOC", async () => {
    const headers = {
      cookie: "noc=secret",
      origin: "https://noc.example.net",
      authorization: "Bearer t",
      "content-type": "application/json",
      "x-forwarded-for": "1.2.3.4",
    };
    const answer = await fetch(`${url}/flows`, { method: "POST", headers, body: "[]" });
    expect(asked[0]).toMatchObject({ url: "/editor/flows", body: "[]", headers: { host: "gateway", authorization: "Bearer t" } });
    for (const name of ["cookie", "origin", "x-forwarded-for"]) expect(asked[0]?.headers[name]).toBeUndefined();
    expect(await answer.text()).toBe("nodes");
    for (const name of ["set-cookie", "location", "x-powered-by"]) expect(answer.headers.get(name)).toBeNull();
  });

  it("is asked again by its tag, and answered from what is kept", async () => {
    const first = await fetch(`${url}/nodes`);
    expect([first.status, await first.text()]).toEqual([200, "nodes"]);
    const again = await fetch(`${url}/nodes`);
    expect([again.status, await again.text()]).toEqual([200, "nodes"]);
    expect(asked.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"t1"']);
    const known = await fetch(`${url}/nodes`, { headers: { "if-none-match": '"t1"' } });
    expect(known.status).toBe(304);
  });

  it("is refused when it is too large, before anything goes over the line", async () => {
    const answer = await fetch(`${url}/flows`, { method: "POST", body: new Uint8Array(8 * 1_048_576 + 1) }).catch(() => undefined);
    expect(answer === undefined || answer.status === 413).toBe(true);
    expect(asked).toEqual([]);
  });

  it("says that the gateway does not answer when it does not", async () => {
    isDown = true;
    const answer = await fetch(`${url}/settings`);
    isDown = false;
    expect(answer.status).toBe(504);
    expect(await answer.text()).toContain("What you drew is still in this page");
  });
});
