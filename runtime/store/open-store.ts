import type { Database } from "better-sqlite3";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Instant } from "#model/time.ts";
import type { Entropy } from "#ports/entropy.ts";
import { Backlog } from "./backlog.ts";
import { BacklogKeeper } from "./backlog-keeper.ts";
import { backlogFile, backlogMigrations, backlogTables } from "./backlog-schema.ts";
import { openOrQuarantine, quarantine } from "./database.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { StoreLedger } from "./ledger.ts";
import { lockFolder } from "./lock.ts";
import { OpenGroup } from "./open-group.ts";
import { Outbox } from "./outbox.ts";
import { assumeBacklog, bookEvictions, reconcile } from "./reconcile.ts";
import { blockBytes } from "./record.ts";
import { type Recovered, recoverJournal } from "./recovery.ts";
import { Relief } from "./relief.ts";
import { Ring } from "./ring.ts";
import { journalBytesOf, type RingScan, scanRing, writeSuperblock } from "./ring-scan.ts";
import { salvage } from "./salvage.ts";
import { minJournalBytes, openGroupBounds } from "./settings.ts";
import { Space } from "./space.ts";
import { StoreCore, type StoreParts } from "./store-core.ts";
import { StreamTable } from "./streams.ts";
import { Tenure } from "./tenure.ts";

export interface OpenStoreParts extends StoreParts {
  readonly disk: Disk;
  readonly entropy: Entropy;
}

const journalFile = "journal.ring";
const deviceProofBytes = 1024 * 1024;
const lockFile = "lock";

/**
 * Opens the store of a folder, whatever state it was left in: damaged files are set aside under `corrupt/` and reported as gaps.
 * @throws GatewayError buffer.busy | buffer.denied | buffer.version; buffer.disk-full when not even the smallest journal fits
 */
export function openStore(parts: OpenStoreParts): { readonly core: StoreCore; readonly release: () => void } {
  const lock = lockFolder(parts.disk, lockFile);
  try {
    return { core: openLocked(parts), release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openLocked(parts: OpenStoreParts): StoreCore {
  const { disk, clock, entropy, settings, log } = parts;
  const now = clock.now();
  const budgetBytes = Math.min(settings.budgetBytes, Math.floor(disk.space().totalBytes / 4));
  const journal = openJournal(parts, budgetBytes, now);
  const streams = new StreamTable(entropy);
  const open = new OpenGroup(groupLimits(parts));
  const ring = new Ring(disk, journalFile, journal.file, journal.scan);
  const recovered = recoverJournal(journal.file, journal.scan, { ring, streams, open });
  const ledger = new StoreLedger(now.wallMs);
  if (recovered !== undefined) restoreLedger(ledger, recovered);
  const isClean = recovered?.clean ?? !journal.isLost;
  const databaseBytes = Math.max(budgetBytes - ring.bytes - settings.ballastBytes, minJournalBytes);
  const space = new Space(disk, { budgetBytes, databaseBytes, ballastBytes: settings.ballastBytes });
  let check = !isClean;
  const keeper = new BacklogKeeper({
    clock,
    log,
    open: (isUnfit) => {
      const backlog = openBacklog(parts, { maxBytes: databaseBytes, check, isUnfit, streams, space });
      check = true; // Opened again, it is because something was wrong.
      return backlog;
    },
  });
  const outbox = new Outbox({ ring, streams, keeper, ledger, clock, log });
  const relief = new Relief({ ring, outbox, keeper, space, ledger, clock }, recovered?.snapshot.dropId ?? 0);
  keeper.onMended = (backlog) => {
    const books = { streams, outbox, ring, backlog, open, ledger, now: clock.now() };
    relief.lastEvictionId = bookEvictions(books, relief.lastEvictionId);
    reconcile(books);
  };
  repeatTombstones(streams, ledger, now); // Before new ones are made and told below.
  if (!keeper.takeIn()) assumeBacklog(streams, recovered?.snapshot.streams ?? []);
  if (!isClean) ledger.restarts += 1;
  // After damage every class gets a new stream, since numbers of the old ones may be in use at the NOC without our knowing.
  for (const streamClass of journal.scan.suspect || journal.isLost ? (["T", "E", "C", "I", "S"] as const) : [])
    streams.replace(streamClass);
  // What was sealed in a lost record is sealed again below: not behind what came after it.
  if (recovered?.damaged === true) streams.split("T");
  if (!space.ensureBallast()) log.warn({ ballastBytes: settings.ballastBytes }, "the file system has no room for the ballast");
  const tenure = new Tenure(isClean, recovered?.snapshot ?? {});
  const core = new StoreCore(parts, { ring, open, ledger, outbox, relief, keeper, space, tenure, position: recovered?.position ?? 0 });
  // A process has a telemetry stream of its own, so that dictionary revisions do not mix within a stream; but not before what the last process
  // left is sealed into the old one, whose dictionary it needs. On a disk that refuses now the old stream goes on, with a full dictionary.
  if (core.begin()) streams.split("T");
  log.info({ clean: isClean, buffered: core.stats().ledger.buffered, journalBytes: ring.bytes, budgetBytes }, "buffer opened");
  return core;
}

function groupLimits({ settings, assembler }: OpenStoreParts): ConstructorParameters<typeof OpenGroup>[0] {
  return {
    ...openGroupBounds,
    windowMs: settings.durabilityWindowMs,
    graceMs: settings.sealGraceMs,
    maxChunkBytes: assembler.maxFrameBytes,
  };
}

function restoreLedger(ledger: StoreLedger, { snapshot, lastRecord }: Recovered): void {
  const { polled, delivered, dropped } = lastRecord.header;
  const { sinceMs, restarts, drops, gaps } = snapshot;
  ledger.restore({ polled, delivered, dropped, sinceMs, restarts, drops }, gaps);
}

interface OpenedJournal {
  readonly file: DiskFile;
  readonly scan: RingScan;
  /** There was a journal, and nothing in it can be read. */
  readonly isLost: boolean;
}

function openJournal(parts: OpenStoreParts, budgetBytes: number, now: Instant): OpenedJournal {
  const { disk, log } = parts;
  const file = disk.open(journalFile);
  if (file === undefined) return { ...createJournal(parts, budgetBytes), isLost: false };
  try {
    const whole = restoreLength(disk, file);
    if (whole !== file) log.error({ code: "buffer.corrupt", foundBytes: file.bytes, bytes: whole.bytes }, "the journal had lost its end");
    const scan = scanRing(whole);
    // Its newest records may have stood in the lost part.
    // A journal that was begun has a record, unless the power went in its first moment: nothing says what stood there.
    return { file: whole, scan: { ...scan, suspect: scan.suspect || whole !== file }, isLost: scan.records.length === 0 };
  } catch (error) {
    file.close();
    if (!isGatewayError(error)) throw error;
    // What a newer version left and nobody here can read costs its measurements, not the site's connection.
    if (error.code !== "buffer.corrupt" && error.code !== "buffer.version") throw error;
    if (file.isDevice) return { ...beginDevice(parts, error.code === "buffer.version"), isLost: error.code === "buffer.version" };
    const setAside = quarantine(disk, journalFile, now.wallMs);
    log.error({ code: error.code, setAside }, "the journal is damaged, or a newer version's, and was set aside");
    return { ...createJournal(parts, budgetBytes), isLost: true };
  }
}

/**
 * A journal that was cut short gets its length back; what stood in the lost part is missed when it is read. Where nothing says how long it was, it must
 * at least be of use.
 */
function restoreLength(disk: Disk, file: DiskFile): DiskFile {
  const bytes = journalBytesOf(file) ?? (file.isDevice ? file.bytes : Math.max(file.bytes, minJournalBytes));
  if (file.bytes >= bytes) return file;
  const content = file.read(0, file.bytes);
  file.close();
  return disk.preallocate(journalFile, bytes, content);
}

/** A partition that is empty, or that was a newer version's, becomes a journal. One that holds anything else is somebody's. @throws GatewayError buffer.denied */
function beginDevice({ disk, entropy, log }: OpenStoreParts, isOurs: boolean): Pick<OpenedJournal, "file" | "scan"> {
  const file = disk.open(journalFile);
  if (file === undefined) throw new Error("the journal's device vanished");
  if (isOurs)
    log.error({ code: "buffer.version" }, "the journal's device was a newer version's: it is begun anew, what stood there is lost");
  else if (file.bytes < minJournalBytes || file.read(0, deviceProofBytes).some((byte) => byte !== 0)) {
    const message = "the device under journal.ring is too small or holds something else; clear its first MiB to let it be used";
    throw new GatewayError("buffer.denied", { message, fields: { bytes: file.bytes } });
  }
  const bufferId = Buffer.from(entropy.bytes(8)).toString("hex");
  writeSuperblock(file, bufferId);
  return { file, scan: emptyScan(bufferId) };
}

function emptyScan(bufferId: string): RingScan {
  return { bufferId, records: [], highestSeq: 0, missing: 0, suspect: false };
}

/** The largest journal up to the configured one that fits: a full disk at a start means a small journal, not none. */
function createJournal({ disk, entropy, settings, log }: OpenStoreParts, budgetBytes: number): Pick<OpenedJournal, "file" | "scan"> {
  const wanted = Math.max(minJournalBytes, Math.min(settings.journalBytes, budgetBytes / 4));
  const bufferId = Buffer.from(entropy.bytes(8)).toString("hex");
  for (let bytes = Math.floor(wanted / blockBytes) * blockBytes; ; bytes = Math.floor(bytes / 2 / blockBytes) * blockBytes) {
    try {
      const file = disk.preallocate(journalFile, bytes);
      writeSuperblock(file, bufferId);
      return { file, scan: emptyScan(bufferId) };
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (error.code !== "buffer.disk-full" || bytes / 2 < minJournalBytes) throw error;
      log.warn({ code: error.code, bytes }, "no room for the journal, trying a smaller one");
    }
  }
}

function openBacklog(
  parts: OpenStoreParts,
  how: {
    readonly maxBytes: number;
    readonly check: boolean;
    readonly isUnfit: boolean;
    readonly streams: StreamTable;
    readonly space: Space;
  },
): Backlog {
  const { disk, settings, log, clock } = parts;
  // Reading 20 KiB a millisecond is what a slow card does; a file too large for its time is checked row by row as it is read.
  const isCheckable = (disk.size(backlogFile) ?? 0) < settings.checkBudgetMs * 20 * 1024;
  const options = {
    migrations: backlogMigrations,
    tables: backlogTables,
    maxBytes: how.maxBytes,
    cacheKiB: 1024,
    check: how.check && isCheckable,
  };
  const { wallMs } = clock.now();
  const unfit = how.isUnfit ? quarantine(disk, backlogFile, wallMs) : undefined;
  const opened = openWithRoom(() => openOrQuarantine(disk, backlogFile, options, wallMs), how.space);
  const { database, setAside = unfit, code = "buffer.corrupt" } = opened;
  const backlog = backlogOn(database);
  if (setAside === undefined) return backlog;
  const file = `${setAside}/${backlogFile}`;
  const rows = salvage({ disk, file, into: backlog, streams: how.streams, clock, budgetMs: settings.checkBudgetMs });
  log.error({ code, setAside, rows }, "the backlog is damaged, or a newer version's, and was set aside");
  return backlog;
}

/** What is damaged shows in the first statements at the latest; a connection that stayed open would keep out every later one. */
function backlogOn(database: Database): Backlog {
  try {
    return new Backlog(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opening writes; on a full disk the ballast makes room for it. */
function openWithRoom<T>(open: () => T, space: Space): T {
  try {
    return open();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.disk-full") throw error;
    space.dropBallast();
    return open();
  }
}

/** The NOC may never have heard of what was given up: said again until its acknowledgement passes the range. */
function repeatTombstones(streams: StreamTable, ledger: StoreLedger, now: Instant): void {
  for (const stream of streams.all()) {
    for (const [fromSeq, toSeq] of stream.tombstones)
      ledger.report({ kind: "gap", observedAt: now, reason: "cap", stream: stream.id, fromSeq, toSeq });
  }
}
