import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AlarmList } from "../../../runtime/alarms/alarm-list.ts";
import { AlarmMemory } from "../../../runtime/alarms/alarm-memory.ts";
import { Marks } from "../../../runtime/alarms/marks.ts";
import { FileAlarmLog } from "../../../runtime/store/alarm-log.ts";
import { decodeBlock, encodeBlock } from "../../../runtime/store/history-block.ts";
import { openStore } from "../../../runtime/store/open-store.ts";
import { decodeHeader, headerBytes, unpackMeta } from "../../../runtime/store/record.ts";
import { firstDataOffset } from "../../../runtime/store/ring-scan.ts";
import { defaultStoreSettings } from "../../../runtime/store/settings.ts";
import { condition, ListKit } from "../../alarms/alarm-kit.ts";
import { seededEntropy, silentLogger } from "../../store/doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf } from "../../store/frames.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import { SimDisk } from "../../store/sim-disk.ts";
import { type FuzzSubject, taken } from "../subject.ts";
import { folderFor } from "./documents.ts";

const settings = { ...defaultStoreSettings, journalBytes: 256 * 1024, ballastBytes: 16 * 1024, budgetBytes: 4 * 1024 * 1024 };

const journalFile = "journal.ring";

function open(disk: SimDisk, clock: ManualClock) {
  return openStore({ disk, clock, entropy: seededEntropy(7), assembler: plainAssembler, log: silentLogger, settings }).core;
}

/** The journal of a gateway that was cut off. */
function filledJournal(): Uint8Array {
  const disk = new SimDisk();
  const clock = new ManualClock();
  const core = open(disk, clock);
  for (let id = 1; id <= 12; id += 1) {
    core.append([groupFrame(`${id} ${"x".repeat(900)}`, slotOf(id, clock.monotonicMs() + 60_000)), alarmFrame(`alarm ${id}`)]);
    core.commit(false);
    clock.step(60_000);
  }
  disk.cut(seededEntropy(3));
  return disk.readWhole(journalFile) ?? new Uint8Array();
}

/** The first record of a journal: its header and its descriptive part, unpacked. */
function firstRecord() {
  const whole = filledJournal();
  const header = whole.slice(firstDataOffset, firstDataOffset + headerBytes);
  const start = firstDataOffset + headerBytes;
  const metaBytes = decodeHeader(header)?.metaBytes ?? 0;
  return { header, meta: zstdDecompressSync(whole.slice(start, start + metaBytes)) };
}

/** Journal, history and logs of the state folder. */
export const storeSubjects: readonly FuzzSubject[] = [
  {
    name: "journal record, descriptive part",
    files: ["runtime/store/record.ts"],
    open: () => {
      // Sound to the checks of its compression: what is tried is the reader behind them.
      return { valid: [firstRecord().meta], read: taken((bytes) => unpackMeta(zstdCompressSync(bytes), bytes.length)) };
    },
  },
  {
    name: "journal record, header",
    files: ["runtime/store/record.ts"],
    open: () => ({ valid: [firstRecord().header], read: taken(decodeHeader) }),
  },
  {
    name: "history block",
    files: ["runtime/store/history-block.ts"],
    open: () => {
      const block = encodeBlock([
        { id: 1, times: [1, 2, 3], values: Float64Array.of(1, 2, 3) },
        { id: 2, times: [5], values: Float64Array.of(7) },
      ]);
      return { valid: [zstdDecompressSync(block)], read: taken((bytes) => decodeBlock(zstdCompressSync(bytes))) };
    },
  },
  {
    name: "history block, packed",
    files: ["runtime/store/history-block.ts"],
    open: () => ({
      valid: [encodeBlock([{ id: 1, times: [1, 2, 3], values: Float64Array.of(1, 2, 3) }])],
      read: taken((bytes) => decodeBlock(bytes)),
    }),
  },
  {
    name: "alarm log",
    files: ["runtime/store/alarm-log.ts", "runtime/alarms/alarm-list.ts"],
    open: () => {
      const folder = folderFor("alarms");
      const log = new FileAlarmLog(folder.path, silentLogger);
      const kit = new ListKit();
      kit.list.set(condition());
      kit.list.set(condition({ path: "interface/gi2" }));
      log.append(kit.flush());
      const file = join(folder.path, "alarms.log");
      const valid = [readFileSync(file)];
      const read = taken((bytes) => {
        writeFileSync(file, bytes);
        const { clock, state } = kit;
        const marks = new Marks({ state, newId: () => "mark-1" });
        const parts = {
          gateway: "gw-1",
          clock,
          entropy: seededEntropy(1),
          memory: new AlarmMemory(state),
          marks,
          onPending: () => undefined,
        };
        new AlarmList({ ...parts, log: new FileAlarmLog(folder.path, silentLogger) }).history({ fromMs: 0, equipment: "sw-1", limit: 100 });
      });
      return { valid, form: "text", read, close: folder.end };
    },
  },
];
