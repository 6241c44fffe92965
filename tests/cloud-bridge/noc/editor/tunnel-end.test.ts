import { describe, expect, it } from "vitest";
import { TunnelEnd } from "../../../../cloud-bridge/noc/editor/tunnel-end.ts";
import { editorFrameCodec, editorTunnelWindowBytes } from "../../../../cloud-bridge/protocol/editor-frames.ts";
import type { EditorFrame } from "../../../../runtime/ports/editor.ts";

const session = "session-0123456789abcdef";
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The NOC's end with a line that can be cut; `sent` is what the gateway would get. */
function tunnel() {
  const sent: EditorFrame[] = [];
  const line = { isThere: true };
  const end = new TunnelEnd(session, (bytes) => {
    if (line.isThere) sent.push(editorFrameCodec.decode(bytes));
    return line.isThere;
  });
  const told = (type: EditorFrame["type"], connection = 1) =>
    sent.filter((frame) => frame.type === type && frame.connection === connection);
  const answer = (sequence: number, text: string, connection = 1) =>
    end.receive({ session, connection, sequence, type: "data", bytes: Buffer.from(text) }, 100);
  return { end, sent, line, told, answer };
}

describe("the NOC's end of a tunnel to a gateway's editor", () => {
  it("says that a connection is open, what is written in order, and that it ended", async () => {
    const { end, sent } = tunnel();
    const stream = end.connect();
    stream.write("hello ");
    stream.end("there");
    await settled();
    expect(sent.map(({ type, sequence, bytes }) => [type, sequence, Buffer.from(bytes ?? []).toString()])).toEqual([
      ["open", 0, ""],
      ["data", 1, "hello "],
      ["data", 2, "there"],
      ["end", 3, ""],
    ]);
  });

  it("has no more than its window on the way, and goes on with what the gateway has taken", async () => {
    const { end, told } = tunnel();
    const stream = end.connect();
    stream.write(Buffer.alloc(3 * editorTunnelWindowBytes, 1));
    await settled();
    const bytes = () => told("data").reduce((sum, frame) => sum + (frame.bytes?.length ?? 0), 0);
    expect(bytes()).toBe(editorTunnelWindowBytes);
    expect(Math.max(...told("data").map((frame) => frame.bytes?.length ?? 0))).toBeLessThanOrEqual(16_384);
    end.receive({ session, connection: 0, sequence: 0, type: "window", credit: 16_384 }, 20);
    expect(bytes()).toBe(editorTunnelWindowBytes + 16_384);
  });

  it("gives the gateway credit for what the browser has read, and for nothing twice", async () => {
    const { end, answer, told } = tunnel();
    const stream = end.connect();
    let read = "";
    stream.on("data", (part: Buffer) => {
      read += part.toString();
    });
    answer(1, "one ");
    answer(1, "one ");
    answer(2, "two");
    await settled();
    expect(read).toBe("one two");
    expect(told("window", 0).reduce((sum, { credit = 0 }) => sum + credit, 0)).toBe(7);
  });

  it("ends a connection of whose answer a piece is missing, and does not keep the gateway's window", async () => {
    const { end, answer, told } = tunnel();
    const stream = end.connect();
    let why = "";
    stream.on("error", (error) => {
      why = error.message;
    });
    answer(1, "one");
    answer(3, "three");
    await settled();
    expect(why).toBe("a piece of the answer was lost");
    expect(told("reset")).toHaveLength(1);
    expect(told("window", 0).reduce((sum, { credit = 0 }) => sum + credit, 0)).toBe(8);
    expect(end.connections).toBe(0);
  });

  it("ends what was under way when the line is cut, and tells the gateway once there is one again", async () => {
    const { end, line, sent, told } = tunnel();
    const streams = [end.connect(), end.connect()];
    line.isThere = false;
    end.lineLost();
    await settled();
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
    expect(() => end.connect()).toThrow("there is no line to the gateway");
    const before = sent.length;
    line.isThere = true;
    end.recover();
    expect(sent.slice(before).map(({ type, connection }) => [type, connection])).toEqual(
      expect.arrayContaining([
        ["window", 0],
        ["reset", 1],
        ["reset", 2],
      ]),
    );
    expect(told("window", 0).at(-1)?.credit).toBe(editorTunnelWindowBytes);
    expect(end.connect().destroyed).toBe(false);
  });

  it("refuses more connections than a gateway takes", () => {
    const { end } = tunnel();
    for (let count = 0; count < 20; count += 1) end.connect();
    expect(() => end.connect()).toThrow("too many requests to the editor at once");
    end.close();
    expect(end.connections).toBe(0);
  });

  it("survives frames of connections there are not", () => {
    const { end, answer, told } = tunnel();
    answer(1, "lost", 77);
    end.receive({ session, connection: 77, sequence: 1, type: "end" }, 10);
    end.receive({ session, connection: 77, sequence: 1, type: "reset" }, 10);
    expect(told("window", 0).map(({ credit }) => credit)).toEqual([4]);
  });
});
