import { writeSync } from "node:fs";
import type { Frame } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openBufferInline } from "../../runtime/store/buffer-inline.ts";
import { openState } from "../../runtime/store/state.ts";
import { silentLogger } from "./doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf } from "./frames.ts";
import { slowDisk } from "./slow-disk.ts";

/**
 * A gateway reduced to its store, to be killed: polls, raises alarms, drains, and says on standard output what was promised.
 * Lines: `P n` frame n is durable; `C stream seq hex` published bytes; `A stream seq` the NOC has it; `S n` state n is durable.
 * Arguments: folder, first number, share acknowledged, sync delay in ms, journal bytes.
 */
const [folder = "", first = "1", acked = "0.5", delayMs = "0", journalBytes = "1048576"] = process.argv.slice(2);
const clock = new SystemClock(() => true);
const { bootId } = clock.now();
const say = (line: string): void => void writeSync(1, `${line}\n`);

const state = openState(folder);
const buffer = openBufferInline({
  disk: slowDisk(folder, Number(delayMs)),
  clock,
  entropy: systemEntropy,
  logger: silentLogger,
  assembler: plainAssembler,
  settings: {
    journalBytes: Number(journalBytes),
    ballastBytes: 64 * 1024,
    budgetBytes: 64 * 1024 * 1024,
    durabilityWindowMs: 5,
    sealGraceMs: 0,
    ackWindowMs: 20,
  },
});
say("R");

let next = Number(first);
const stop = new AbortController();

async function poll(): Promise<void> {
  for (;;) {
    const nowMs = clock.monotonicMs();
    const slot = slotOf(Math.floor(clock.now().wallMs), nowMs + 15, { bootId });
    const frames: Frame[] = [];
    const from = next;
    for (let n = 0; n < 4; n += 1)
      frames.push(groupFrame(`n${next++}.${"x".repeat(400)}`, slot, { samples: 5, wallMs: clock.now().wallMs }));
    if (systemEntropy.random() < 0.2) frames.push(alarmFrame(`n${next++}.`));
    const last = next - 1;
    const position = await buffer.append(frames);
    void buffer.durable(position).then(() => {
      for (let n = from; n <= last; n += 1) say(`P ${n}`);
    }, ignoreClosed);
    await clock.sleep(3, stop.signal);
  }
}

async function drain(): Promise<void> {
  for (;;) {
    await buffer.sealed(stop.signal);
    for (const { stream, firstSeq } of (await buffer.stats()).streams) {
      for (const chunk of await buffer.read({ stream, fromSeq: firstSeq, maxChunks: 16, maxBytes: 1e6 })) {
        say(`C ${stream} ${chunk.seq} ${Buffer.from(chunk.bytes).toString("hex")}`);
        if (systemEntropy.random() >= Number(acked)) continue;
        say(`A ${stream} ${chunk.seq}`);
        await buffer.acknowledge({ stream, upTo: 0, ranges: [[chunk.seq, chunk.seq]] });
      }
    }
  }
}

async function keepState(): Promise<void> {
  for (;;) {
    const n = Number(state.getText("n") ?? "0") + 1;
    state.put({ n: String(n) });
    say(`S ${n}`);
    await clock.sleep(7, stop.signal);
  }
}

function ignoreClosed(error: unknown): void {
  if (!isGatewayError(error)) throw error;
}

function died(error: unknown): void {
  say(`X ${isGatewayError(error) ? error.code : String(error)}`);
  if (!isGatewayError(error)) process.exit(3);
}

for (const task of [poll, drain, keepState]) task().catch(died);
