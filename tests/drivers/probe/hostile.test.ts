import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
afterEach(() => servers.end());

/** Bytes a hostile server managed to hand over; the kernel's buffers on both sides included. */
const kernelBytes = 16 * 1024 * 1024;

describe("a server that means harm", () => {
  it("streams for ever: the check reads what it may and hangs up", async () => {
    let written = 0;
    const port = await servers.tcp((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const part = Buffer.alloc(65_536, "x");
      const push = () => {
        while (!socket.destroyed && socket.write(part)) written += part.length;
      };
      socket.on("drain", push);
      push();
    });
    const looking = { settings: { maxBodyBytes: 100_000, expect: { contains: ["y"] } } };
    const outcome = await probe({ type: "http", target: `http://127.0.0.1:${port}/`, ...looking });
    expect(outcome.failure).toMatchObject({ stage: "assertion", code: "too-large" });
    expect(outcome.values.get("bytes")).toBe(100_000);
    expect(outcome.traffic.bytes).toBeLessThan(2_000_000);
    expect(written).toBeLessThan(kernelBytes);
  });

  it("announces 8 GB: nothing of it is reserved, and where nobody looks at the body the rest is left", async () => {
    const port = await servers.tcp(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${8 * 2 ** 30}\r\n\r\n${"x".repeat(200_000)}`),
    );
    const before = process.memoryUsage().rss;
    const outcome = await probe({ type: "http", target: `http://127.0.0.1:${port}/` });
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.values.get("bytes")).toBe(65_536);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  it("redirects in a circle", async () => {
    let asked = 0;
    const { url } = await servers.http((request, response) => {
      asked += 1;
      response.writeHead(302, { location: request.url === "/a" ? "/b" : "/a" }).end();
    });
    const outcome = await probe({ type: "http", target: `${url}/a` });
    expect(outcome.failure).toMatchObject({ code: "redirects", text: "more than 5 redirects, in a circle" });
    expect(asked).toBe(6);
  });

  it.each(["ftp://127.0.0.1/", "file:///etc/passwd", "http://[", ""])("redirects to %j, which is not followed", async (location) => {
    const { url } = await servers.http((_request, response) => response.writeHead(302, { location }).end());
    const outcome = await probe({ type: "http", target: url, timeoutMs: 2_000 });
    expect(outcome.failure?.code).toBe("redirects");
  });

  it("sends a gzip bomb although it was asked for none: it is not unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const { url } = await servers.http((_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    const settings = { maxBodyBytes: 1_000_000, expect: { contains: ["x"] } };
    const outcome = await probe({ type: "http", target: url, settings });
    expect(outcome.failure?.text).toContain("it is not unpacked");
    expect(outcome.values.get("bytes")).toBe(bomb.length);
  });

  it("sends a header of a megabyte, or one field after the other without end", async () => {
    const long = await servers.tcp((socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(1_048_576)}\r\n\r\n`));
    expect((await probe({ type: "http", target: `http://127.0.0.1:${long}/` })).failure).toMatchObject({
      stage: "answer",
      code: "too-large",
    });
    const many = await servers.tcp((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = () => {
        while (!socket.destroyed && socket.write(`x-${"a".repeat(20)}: b\r\n`.repeat(50))) if (socket.bytesWritten > 10_000_000) return;
      };
      socket.on("drain", more);
      more();
    });
    expect((await probe({ type: "http", target: `http://127.0.0.1:${many}/` })).failure).toMatchObject({
      stage: "answer",
      code: "too-large",
    });
  });

  it("trickles its header: the run ends on time", async () => {
    const port = await servers.tcp((socket) => {
      const timer = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
      socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
    });
    const startedMs = performance.now();
    const outcome = await probe({ type: "http", target: `http://127.0.0.1:${port}/`, timeoutMs: 400 });
    expect(outcome.failure).toMatchObject({ stage: "request", code: "timeout", text: "not done after 400 ms: waiting for the answer" });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it("says 'continue' for ever, or trickles a body: the run ends on time", async () => {
    const continues = await servers.tcp((socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(100)), 5);
      socket.on("close", () => clearInterval(timer));
    });
    expect((await probe({ type: "http", target: `http://127.0.0.1:${continues}/`, timeoutMs: 300 })).failure?.code).toBe("timeout");
    const trickle = await servers.tcp((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const timer = setInterval(() => socket.write("."), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const outcome = await probe({ type: "http", target: `http://127.0.0.1:${trickle}/`, timeoutMs: 300 });
    expect(outcome.failure).toMatchObject({ stage: "answer", code: "timeout" });
  });

  it.each([
    ["speaks something else", "220 mail.example.net ESMTP\r\n", "bad-answer"],
    ["sends zero bytes", Buffer.alloc(10_000), "bad-answer"],
    [
      "contradicts itself about the length",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "bad-answer",
    ],
    ["sends chunks that are none", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "bad-answer"],
    ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "bad-answer"],
  ])("%s", async (_name, bytes, code) => {
    const port = await servers.tcp((socket) => void socket.end(bytes));
    const outcome = await probe({ type: "http", target: `http://127.0.0.1:${port}/`, timeoutMs: 2_000 });
    expect(outcome.failure).toMatchObject({ stage: "answer", code });
  });

  it("hangs up at once, or in the middle of a body", async () => {
    const atOnce = await servers.tcp((socket) => socket.destroy());
    expect((await probe({ type: "http", target: `http://127.0.0.1:${atOnce}/` })).failure?.code).toBe("reset");
    const middle = await servers.tcp((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", () => socket.destroy());
    });
    expect((await probe({ type: "http", target: `http://127.0.0.1:${middle}/` })).failure).toMatchObject({
      stage: "answer",
      code: "reset",
    });
  });

  it("sets thousands of cookies: fifty are kept, and the request stays short", async () => {
    let header: string | undefined;
    const { url } = await servers.http((request, response) => {
      header = request.headers.cookie;
      response.setHeader(
        "set-cookie",
        Array.from({ length: 120 }, (_, index) => `c${index}=${"v".repeat(20)}; Path=/`),
      );
      response.end();
    });
    await probe({ type: "http", target: url, settings: { steps: ["a", "b", "c"].map((name) => ({ name, url: `/${name}` })) } });
    expect(header?.split("; ")).toHaveLength(50);
  });

  it("answers JSON nested a hundred thousand deep", async () => {
    const { url } = await servers.http((_request, response) => response.end("[".repeat(100_000)));
    const settings = { maxBodyBytes: 200_000, expect: { json: [{ pointer: "/0" }] } };
    expect((await probe({ type: "http", target: url, settings })).failure?.text).toBe("the body is not JSON");
  });

  it("makes nobody wait for its pattern: a body built against it costs time in proportion to its length", async () => {
    const { url } = await servers.http((_request, response) => response.end("a".repeat(200_000)));
    const settings = { maxBodyBytes: 300_000, expect: { matches: ["(a|aa|a?b?)(a+b)?(x+x+)y"] } };
    const startedMs = performance.now();
    const outcome = await probe({ type: "http", target: url, settings });
    expect(outcome.failure?.code).toBe("assertion");
    // A backtracking matcher needs minutes at the least; the bound is far from what it takes, for a loaded machine.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it("leaves nothing of a run open when nobody wants it any more", async () => {
    let open = 0;
    const port = await servers.tcp((socket) => {
      open += 1;
      socket.on("close", () => {
        open -= 1;
      });
      socket.resume();
    });
    const stop = new AbortController();
    const running = probe({ type: "http", target: `http://127.0.0.1:${port}/` }, stop.signal);
    while (open === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new Error("nobody wants it"));
    await expect(running).rejects.toThrow("nobody wants it");
    while (open > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
