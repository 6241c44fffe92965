import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** Larger than any chunk: what is longer is not one. */
const maxInputBytes = 1_048_576;

/** `gatehouse chunk dump FILE|-` */
export function register(program: Command, context: CommandContext): void {
  const chunk = program
    .command("chunk")
    .description("look into what travels to the NOC")
    .addHelpText("after", examples("chunk dump dead-letter.bin", "chunk dump --dict dictionary.bin - < chunk.bin"))
    .action(() => chunk.help({ error: true }));

  chunk
    .command("dump")
    .argument("<file>", "a payload as published (CBOR or JSON, zstd, gzip or plain); - = standard input")
    .option("--dict <file...>", "dictionary records of the same stream, so that values are shown by name")
    .description("show a chunk, a dictionary record or a batch of events as JSON")
    .addHelpText("after", examples("chunk dump dead-letter.bin", "chunk dump chunk.bin --dict dict-1.bin dict-2.bin"))
    .action(async (file: string, options: { dict?: string[] }) => {
      const { createChunkDecoder } = await import("../../cloud-bridge/protocol/codec/decoder.ts");
      const { DictionaryBook } = await import("../../cloud-bridge/protocol/codec/dictionary-book.ts");
      const { dumpPayload } = await import("../../cloud-bridge/protocol/codec/dump.ts");
      const decoder = createChunkDecoder();
      const book = new DictionaryBook();
      for (const dictionaryFile of options.dict ?? []) {
        const payload = decoder.decode(await read(dictionaryFile));
        if (payload.kind !== "dict") throw new GatewayError("codec.malformed", { message: `${dictionaryFile} is not a dictionary record` });
        if (!book.apply(payload.record)) context.say(`${dictionaryFile}: builds on revision ${payload.record.base}, which is not given\n`);
      }
      context.print(`${JSON.stringify(dumpPayload(decoder.decode(await read(file)), decoder, book), null, 2)}\n`);
    });
}

/** @throws GatewayError config.unreadable | codec.limit */
async function read(file: string): Promise<Uint8Array> {
  const { createReadStream } = await import("node:fs");
  const stream = file === "-" ? process.stdin : createReadStream(file);
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of stream) {
      parts.push(part);
      length += part.length;
      if (length > maxInputBytes) break;
    }
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `${file} cannot be read`, cause });
  }
  if (length > maxInputBytes) throw new GatewayError("codec.limit", { message: `${file} is longer than any chunk` });
  return Buffer.concat(parts);
}
