import { afterEach, describe, expect, it } from "vitest";
import { probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
afterEach(() => servers.end());

describe("an http check", () => {
  it("says where the time went, and how much came", async () => {
    const { url } = await servers.http((_request, response) => response.end("hello"));
    const outcome = await probe({ type: "http", target: `${url}/a?token=t0ps3cret`, settings: { expect: { contains: ["hello"] } } });
    expect(outcome).toMatchObject({ ok: true, target: `${url}/a` });
    const figures = ["resolve", "connect", "tls", "firstByte", "transfer"].map((name) => outcome.values.get(name) ?? Number.NaN);
    expect(outcome.values.get("latency")).toBeCloseTo(
      figures.reduce((sum, ms) => sum + ms, 0),
      2,
    );
    expect(outcome.values.get("status")).toBe(200);
    expect(outcome.values.get("bytes")).toBe(5);
    expect(outcome.traffic.bytes).toBeGreaterThan(300);
    expect(JSON.stringify(outcome.evidence)).not.toContain("t0ps3cret");
  });

  it.each([
    ["another status", { status: ["204"] }, "the status is 200, not 204"],
    ["a text that is not there", { contains: ["goodbye"] }, 'the body does not contain "goodbye"'],
    ["a text that should not be there", { notContains: ["up"] }, 'the body contains "up"'],
    ["a pattern that does not match", { matches: ["^\\d+$"] }, 'the body does not match "^\\\\d+$"'],
    ["a missing value", { json: [{ pointer: "/db/1" }] }, "there is no value at /db/1"],
    ["another value", { json: [{ pointer: "/state", equals: "down" }] }, 'the value at /state is not "down"'],
    ["a number out of range", { json: [{ pointer: "/load", max: 0.5 }] }, "the value at /load is above 0.5"],
    ["a missing header field", { header: [{ name: "x-missing" }] }, "the answer has no header field x-missing"],
    ["another header field", { header: [{ name: "x-node", equals: "b" }] }, "the header field x-node is not the expected text"],
    ["a body that is too long", { maxBytes: 10 }, "the body is longer than 10 bytes"],
  ])("fails for %s, and keeps what was measured", async (_name, expectation, text) => {
    const { url } = await servers.http((_request, response) => {
      response.setHeader("x-node", "a");
      response.end('{"state":"up","load":0.75,"db":[1]}');
    });
    const outcome = await probe({ type: "http", target: url, settings: { expect: expectation } });
    expect(outcome.failure).toMatchObject({ stage: "assertion", text });
    expect(outcome.values.get("up")).toBe(0);
    expect(outcome.latenciesMs).toHaveLength(1);
  });

  it("fails for an answer that is slower than it may be", async () => {
    const { url } = await servers.http((_request, response) => void setTimeout(() => response.end("late"), 60));
    const outcome = await probe({ type: "http", target: url, settings: { expect: { maxMs: 20 } } });
    expect(outcome.failure).toMatchObject({ stage: "assertion", code: "assertion" });
    expect(outcome.values.get("latency")).toBeGreaterThan(20);
  });

  it("measures a transaction step by step, with cookies and values taken along, and shows none of the secrets", async () => {
    const seen: string[] = [];
    const { url } = await servers.http((request, response) => {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        seen.push(`${request.method} ${request.url} ${request.headers.cookie ?? ""} ${request.headers.authorization ?? ""} ${body}`.trim());
        if (request.url === "/login") response.end('<input name="csrf" value="c5rf-value">');
        else if (request.url === "/session") {
          response.writeHead(302, { "set-cookie": ["sid=s3ss10n; Path=/; HttpOnly"], location: "/home/c5rf-value" });
          response.end();
        } else if (request.url === "/api") response.end('{"user":{"token":"t0k3n-1"}}');
        else response.end("Welcome");
      });
    });
    const outcome = await probe({
      type: "http",
      target: url,
      credential: { username: "bob", password: "p@ss word" },
      settings: {
        credential: "saas",
        steps: [
          { name: "form", url: "/login", extract: [{ name: "csrf", after: 'name="csrf" value="', before: '"' }] },
          {
            name: "sign-in",
            url: "/session",
            method: "POST",
            // biome-ignore lint/suspicious/noTemplateCurlyInString: the check's own placeholders
            form: { user: "${credential.username}", password: "${credential.password}", csrf: "${csrf}" },
            expect: { contains: ["Welcome"] },
          },
          { name: "api", url: "/api", extract: [{ name: "token", json: "/user/token" }] },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the check's own placeholders
          { name: "data", url: "/data", headers: { authorization: "Bearer ${token}" } },
        ],
      },
    });
    expect(outcome.failure).toBeUndefined();
    expect(seen).toEqual([
      "GET /login",
      "POST /session   user=bob&password=p%40ss+word&csrf=c5rf-value",
      "GET /home/c5rf-value sid=s3ss10n",
      "GET /api sid=s3ss10n",
      "GET /data sid=s3ss10n Bearer t0k3n-1",
    ]);
    for (const step of ["form", "sign-in", "api", "data"]) expect(outcome.values.get(`${step}/latency`)).toBeGreaterThan(0);
    const shown = JSON.stringify(outcome.evidence);
    for (const secret of ["p@ss", "p%40ss", "c5rf-value", "s3ss10n", "t0k3n-1"]) expect(shown).not.toContain(secret);
  });

  it("names the step that failed, and calls no part of the transaction its latency", async () => {
    const { url } = await servers.http((request, response) => {
      response.statusCode = request.url === "/two" ? 500 : 200;
      response.end();
    });
    const steps = ["one", "two", "three"].map((name) => ({ name, url: `/${name}` }));
    const outcome = await probe({ type: "http", target: url, settings: { steps } });
    expect(outcome.failure?.text).toBe("step two: the status is 500, not 2xx");
    expect(outcome.values.has("latency")).toBe(false);
    expect(outcome.latenciesMs).toEqual([]);
  });

  it("presents a credential as basic or bearer, and to nobody whom it is redirected to", async () => {
    const elsewhere: (string | undefined)[] = [];
    const other = await servers.http((request, response) => {
      elsewhere.push(request.headers.authorization, request.headers["x-key"] as string | undefined);
      response.end("other");
    });
    const own: (string | undefined)[] = [];
    const { url } = await servers.http((request, response) => {
      own.push(request.headers.authorization);
      response.writeHead(302, { location: other.url }).end();
    });
    const credential = { username: "bob", password: "hidden", token: "tok" };
    const settings = { credential: "saas", headers: { "x-key": "configured" } };
    await probe({ type: "http", target: url, credential, settings: { ...settings, auth: "basic" } });
    const outcome = await probe({ type: "http", target: url, credential, settings: { ...settings, auth: "bearer" } });
    expect(outcome.ok).toBe(true);
    expect(own).toEqual([`Basic ${Buffer.from("bob:hidden").toString("base64")}`, "Bearer tok"]);
    expect(elsewhere).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("does not send a body on to another origin", async () => {
    const other = await servers.http((_request, response) => response.end("other"));
    const { url } = await servers.http((_request, response) => response.writeHead(307, { location: other.url }).end());
    const outcome = await probe({ type: "http", target: url, settings: { method: "POST", body: "order" } });
    expect(outcome.failure).toMatchObject({ stage: "answer", code: "redirects" });
  });

  it("gives cookies back only where they belong", async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await servers.http((request, response) => {
      seen.push(request.headers.cookie);
      if (request.url === "/a/set") {
        response.setHeader("set-cookie", [
          "here=1",
          "all=2; Path=/",
          "secure=3; Path=/; Secure",
          "foreign=4; Domain=example.net",
          "gone=5; Path=/; Max-Age=0",
        ]);
      }
      response.end();
    });
    const steps = ["/a/set", "/a/next", "/b"].map((path, index) => ({ name: `step-${index}`, url: path }));
    await probe({ type: "http", target: url, settings: { steps } });
    expect(seen).toEqual([undefined, "here=1; all=2", "all=2"]);
  });

  it("tells a dead server from a refusing one and from a name that does not exist", async () => {
    const { url, server } = await servers.http((_request, response) => response.end());
    await new Promise((resolve) => server.close(resolve));
    expect((await probe({ type: "http", target: url })).failure).toMatchObject({ stage: "connect", code: "refused" });
    const nobody = await probe({ type: "http", target: "http://no-such-name.invalid/", timeoutMs: 5_000 });
    expect(nobody.failure?.stage).toBe("resolve");
    const silent = await servers.tcp(() => undefined);
    const outcome = await probe({ type: "http", target: `http://127.0.0.1:${silent}/`, timeoutMs: 300 });
    expect(outcome.failure).toMatchObject({ stage: "request", code: "timeout" });
  });
});
