import { isGatewayError } from "#model/errors.ts";
import type { Instant } from "#model/time.ts";
import type { Entropy } from "#ports/entropy.ts";
import { Backlog, backlogFile, backlogMigrations } from "./backlog.ts";
import { openOrQuarantine, quarantine } from "./database.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { StoreLedger } from "./ledger.ts";
import { lockFolder } from "./lock.ts";
import { OpenGroup } from "./open-group.ts";
import { Outbox } from "./outbox.ts";
import { reconcile } from "./reconcile.ts";
import { blockBytes } from "./record.ts";
import { type Recovered, recoverJournal } from "./recovery.ts";
import { Ring } from "./ring.ts";
import { type RingScan, scanRing, writeSuperblock } from "./ring-scan.ts";
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
  const databaseBytes = Math.max(budgetBytes - ring.bytes - settings.ballastBytes, minJournalBytes);
  const isClean = recovered?.clean ?? !journal.replaced;
  const backlog = openBacklog(parts, databaseBytes, isClean, now, streams);
  const lastEviction = reconcile({ streams, ring, backlog, open, ledger, now }, recovered?.snapshot.dropId ?? 0);
  if (!isClean) ledger.restarts += 1;
  reopenStreams(streams, ledger, now, journal.scan.suspect || journal.replaced);
  const space = new Space(disk, { budgetBytes, databaseBytes, ballastBytes: settings.ballastBytes }, backlog);
  if (!space.ensureBallast()) log.warn({ ballastBytes: settings.ballastBytes }, "the file system has no room for the ballast");
  const snapshot = recovered?.snapshot;
  const core = new StoreCore(parts, {
    ring,
    open,
    ledger,
    outbox: new Outbox({ streams, backlog, space, ledger, clock, log }, lastEviction),
    tenure: new Tenure({ clean: isClean, polledAtMs: snapshot?.polledAtMs, pollBootId: snapshot?.pollBootId }),
    position: recovered?.position ?? 0,
  });
  core.begin();
  // A process has a telemetry stream of its own: dictionary revisions never mix within a stream.
  streams.split("T");
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
  /** A damaged journal was set aside. */
  readonly replaced: boolean;
}

function openJournal(parts: OpenStoreParts, budgetBytes: number, now: Instant): OpenedJournal {
  const { disk, log } = parts;
  const file = disk.open(journalFile);
  if (file === undefined) return { ...createJournal(parts, budgetBytes), replaced: false };
  try {
    const scan = scanRing(file);
    return { file, scan, replaced: false };
  } catch (error) {
    file.close();
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.corrupt") throw error;
    const setAside = quarantine(disk, journalFile, now.wallMs);
    log.error({ code: error.code, setAside }, "the journal is damaged and was set aside");
    return { ...createJournal(parts, budgetBytes), replaced: true };
  }
}

/** The largest journal up to the configured one that fits: a full disk at a start means a small journal, not none. */
function createJournal({ disk, entropy, settings, log }: OpenStoreParts, budgetBytes: number): Pick<OpenedJournal, "file" | "scan"> {
  const wanted = Math.max(minJournalBytes, Math.min(settings.journalBytes, budgetBytes / 4));
  const bufferId = Buffer.from(entropy.bytes(8)).toString("hex");
  for (let bytes = Math.floor(wanted / blockBytes) * blockBytes; ; bytes = Math.floor(bytes / 2 / blockBytes) * blockBytes) {
    try {
      const file = disk.preallocate(journalFile, bytes);
      writeSuperblock(file, bufferId);
      return { file, scan: { bufferId, records: [], highestSeq: 0, missing: 0, suspect: false } };
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (error.code !== "buffer.disk-full" || bytes / 2 < minJournalBytes) throw error;
      log.warn({ code: error.code, bytes }, "no room for the journal, trying a smaller one");
    }
  }
}

function openBacklog(parts: OpenStoreParts, maxBytes: number, isClean: boolean, now: Instant, streams: StreamTable): Backlog {
  const { disk, settings, log, clock } = parts;
  // Reading 20 KiB a millisecond is what a slow card does; a file too large for its time is checked row by row as it is read.
  const isCheckable = (disk.size(backlogFile) ?? 0) < settings.checkBudgetMs * 20 * 1024;
  const options = { migrations: backlogMigrations, maxBytes, cacheKiB: 1024, check: !isClean && isCheckable };
  const { database, setAside } = openOrQuarantine(disk, backlogFile, options, now.wallMs);
  const backlog = new Backlog(database);
  if (setAside === undefined) return backlog;
  const rows = salvage({ disk, file: `${setAside}/${backlogFile}`, into: backlog, streams, clock, budgetMs: settings.checkBudgetMs });
  log.error({ code: "buffer.corrupt", setAside, rows }, "the backlog is damaged and was set aside");
  return backlog;
}

/** After damage every class gets a new stream, since numbers of the old ones may be in use at the NOC without our knowing. */
function reopenStreams(streams: StreamTable, ledger: StoreLedger, now: Instant, isSuspect: boolean): void {
  for (const stream of streams.all()) {
    for (const [fromSeq, toSeq] of stream.tombstones) {
      // The NOC may never have heard of it: said again until its acknowledgement passes the range.
      ledger.report({ kind: "gap", observedAt: now, reason: "cap", stream: stream.id, fromSeq, toSeq });
    }
  }
  for (const streamClass of isSuspect ? (["T", "E", "I", "S"] as const) : []) streams.split(streamClass);
}
