import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { datagramBunches } from "../../runtime/host/datagram-bunches.ts";
import type { BunchedSocket } from "../../runtime/ports/datagrams.ts";

const loopback = 0x7f00_0001;
const hasBunches = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");
const opened: { readonly bunched: BunchedSocket; readonly socket: Socket }[] = [];

/** A bunched socket in the loop's care, as the engine has it. */
async function open(): Promise<{ readonly bunched: BunchedSocket; readonly socket: Socket; readonly port: number }> {
  const bunched = datagramBunches(process.platform, process.arch).open();
  if (bunched === undefined) throw new Error("no bunches on this platform");
  const socket = createSocket("udp4");
  const listening = once(socket, "listening");
  socket.bind({ fd: bunched.descriptor });
  await listening;
  opened.push({ bunched, socket });
  // The kernel gives it a port with the first datagram that leaves.
  bunched.put(Uint8Array.of(0), loopback, 9);
  bunched.flush(() => undefined);
  return { bunched, socket, port: socket.address().port };
}

async function plain(): Promise<{ readonly socket: Socket; readonly port: number; readonly texts: string[] }> {
  const socket = createSocket("udp4");
  const texts: string[] = [];
  socket.on("message", (bytes) => texts.push(String(bytes)));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  opened.push({ bunched: { close: () => undefined } as BunchedSocket, socket });
  return { socket, port: socket.address().port, texts };
}

afterEach(() => {
  for (const { bunched, socket } of opened.splice(0)) {
    bunched.close();
    socket.close();
  }
});

it("there are none on other systems and other machines", () => {
  expect(datagramBunches("darwin", "arm64").open()).toBeUndefined();
  expect(datagramBunches("linux", "arm").open()).toBeUndefined();
});

describe.skipIf(!hasBunches)("a bunch", () => {
  it("leaves with one call, each datagram whole and to its own address", async () => {
    const { bunched } = await open();
    const [first, second] = [await plain(), await plain()];
    const long = "x".repeat(1_200);
    expect(bunched.put(Buffer.from("to the first"), loopback, first.port)).toBe(true);
    expect(bunched.put(Buffer.from(long), loopback, second.port)).toBe(true);
    expect(bunched.size).toBe(2);
    bunched.flush(() => expect.unreachable("the kernel refuses nothing"));
    expect(bunched.size).toBe(0);
    await expect.poll(() => [first.texts, second.texts], { timeout: 60_000 }).toEqual([["to the first"], [long]]);
  });

  it("to one receiver arrives as the datagrams that were put, whatever their lengths", async () => {
    const { bunched } = await open();
    const [first, second] = [await plain(), await plain()];
    const lengths = [93, 114, 114, 114, 109, 114, 114, 62, 62, 62, 45, 45, 1, 1_200, 1_200, 1_200, 700, 701];
    const texts = lengths.map((length, index) => String.fromCharCode(97 + index).repeat(length));
    for (let round = 0; round < 3; round++) {
      for (const text of texts) expect(bunched.put(Buffer.from(text), loopback, first.port)).toBe(true);
      expect(bunched.put(Buffer.from("between"), loopback, second.port)).toBe(true);
      bunched.flush(() => expect.unreachable("the kernel refuses nothing"));
    }
    await expect.poll(() => first.texts.toSorted(), { timeout: 60_000 }).toEqual([...texts, ...texts, ...texts].sort());
    await expect.poll(() => second.texts, { timeout: 60_000 }).toEqual(["between", "between", "between"]);
  });

  it("has no room for a datagram too many or too long", async () => {
    const { bunched } = await open();
    expect(bunched.put(new Uint8Array(4_096), loopback, 9)).toBe(false);
    let taken = 0;
    while (bunched.put(Uint8Array.of(1), loopback, 9)) taken += 1;
    expect(taken).toBe(64);
  });

  it("names what the kernel refuses, with its bytes, and everything behind it", async () => {
    const { bunched } = await open();
    const { port, texts } = await plain();
    bunched.put(Buffer.from("good"), loopback, port);
    // Nobody may send to everybody without asking for it.
    bunched.put(Buffer.from("to all"), 0xffff_ffff, port);
    bunched.put(Buffer.from("to ale"), 0xffff_ffff, port);
    bunched.put(Buffer.from("behind"), loopback, port);
    const refused: [number, string][] = [];
    bunched.flush((place, bytes) => refused.push([place, String(Buffer.from(bytes))]));
    expect(refused).toEqual([
      [1, "to all"],
      [2, "to ale"],
      [3, "behind"],
    ]);
    await expect.poll(() => texts, { timeout: 60_000 }).toEqual(["good"]);
  });

  it("is received with sender and length of each, no more at a time than was asked for", async () => {
    const { bunched, socket, port } = await open();
    const { socket: sender, port: from } = await plain();
    const texts = Array.from({ length: 40 }, (_, index) => String(index).repeat(index + 1));
    for (const text of texts) sender.send(text, port, "127.0.0.1");
    const received: string[] = [];
    const counts: number[] = [];
    socket.on("message", (bytes) => {
      received.push(String(bytes));
      const count = bunched.receive((more, start, end, sender) => {
        expect([sender.address, sender.port]).toEqual([loopback, from]);
        received.push(String(more.subarray(start, end)));
      }, 20);
      counts.push(count);
    });
    await expect.poll(() => received.length, { timeout: 60_000 }).toBe(40);
    expect([...received].sort()).toEqual([...texts].sort());
    expect(Math.max(...counts)).toBeLessThanOrEqual(20);
  });

  it("does nothing once it is closed: its descriptor may be another file's", async () => {
    const { bunched } = await open();
    const { port } = await plain();
    bunched.put(Buffer.from("late"), loopback, port);
    bunched.close();
    expect(bunched.put(Buffer.from("later"), loopback, port)).toBe(false);
    bunched.flush(() => expect.unreachable("nothing is sent"));
    expect(bunched.receive(() => expect.unreachable("nothing is read"), 1)).toBe(0);
  });
});
