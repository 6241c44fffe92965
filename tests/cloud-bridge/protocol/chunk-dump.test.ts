import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { register } from "../../../runtime/cli/chunk.ts";
import { runCommandLine } from "../../../runtime/cli/command-line.ts";
import type { CommandContext } from "../../../runtime/cli/context.ts";
import { instant, MemoryStore, metric, reportOf, seededEntropy, shapeOf, tableReport } from "./site.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-chunk-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `gatehouse chunk dump ...` and catches what it prints. */
async function dump(...args: readonly string[]) {
  const out = { code: -1, printed: "", said: "" };
  const context: Pick<CommandContext, "print" | "say" | "columns"> = {
    columns: 80,
    print: (text) => {
      out.printed += text;
    },
    say: (text) => {
      out.said += text;
    },
  };
  out.code = await runCommandLine(["chunk", "dump", ...args], [register], context as CommandContext);
  return out;
}

/** A dictionary record and a chunk as files. */
function files(serialisation: "cbor" | "json", compression: "zstd" | "gzip" | "none") {
  const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1" });
  const store = new MemoryStore(createChunkAssembler({ serialisation, compression }));
  const shape = shapeOf("sw-1", "IF-MIB:ifXTable", [metric("ifHCInOctets", "counter"), metric("temperature", "gauge", 10)], 1);
  const present = Uint8Array.of(1);
  const at = instant(0);
  const columns = [
    { kind: "counter", present, absolute: BigUint64Array.of(2n ** 63n), increment: Float64Array.of(Number.NaN) },
    { kind: "number", present, value: Float64Array.of(21.5) },
  ] as const;
  store.append(encoder.encodeReport(reportOf(at, [tableReport(shape, columns, at)])));
  store.sealNow();
  return store.chunks.map(({ bytes, seq }) => {
    const path = join(folder, `${serialisation}-${compression}-${seq}.bin`);
    writeFileSync(path, bytes);
    return path;
  });
}

describe("gatehouse chunk dump", () => {
  it.each([
    ["cbor", "zstd"],
    ["json", "gzip"],
    ["json", "none"],
  ] as const)("shows a %s chunk with %s by name when the dictionary is given", async (serialisation, compression) => {
    const [dictionary = "", chunk = ""] = files(serialisation, compression);
    const { code, printed } = await dump(chunk, "--dict", dictionary);
    expect(code).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({
      kind: "chunk",
      seq: 2,
      keyFrame: true,
      groups: [
        {
          equipment: "sw-1",
          table: "IF-MIB:ifXTable",
          rows: [
            {
              at: "2026-11-21T20:48:41.000Z",
              values: { r0: { ifHCInOctets: { increment: null, absolute: "9223372036854775808" }, temperature: 21.5 } },
            },
          ],
        },
      ],
    });
  });

  it("shows the groups as they stand without a dictionary, and the dictionary itself", async () => {
    const [dictionary = "", chunk = ""] = files("cbor", "none");
    expect(JSON.parse((await dump(chunk)).printed)).toMatchObject({
      kind: "chunk",
      groups: [{ gid: 1, vals: [true, 215], base: ["9223372036854775808"] }],
    });
    expect(JSON.parse((await dump(dictionary)).printed)).toMatchObject({ kind: "dictionary", seq: 1, full: true });
  });

  it("says in a sentence what is wrong with a file that is no chunk or is not there", async () => {
    const noise = join(folder, "noise.bin");
    writeFileSync(noise, "no chunk");
    for (const path of [noise, join(folder, "missing")]) {
      const { code, printed, said } = await dump(path);
      expect({ code, printed }).toEqual({ code: path === noise ? 1 : 2, printed: "" });
      expect(said).not.toMatch(/^\s+at /m);
    }
  });
});
