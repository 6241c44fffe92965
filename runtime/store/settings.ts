/** How much and how often the store writes. Defaults suit a gateway on an SD card. */
export interface StoreSettings {
  /** Journal, backlog and ballast together; never more than 25 % of the file system. */
  readonly budgetBytes: number;
  /** A power cut loses at most this much of the newest telemetry. */
  readonly durabilityWindowMs: number;
  /** Size of a new journal; an existing one keeps its size. */
  readonly journalBytes: number;
  /** A slot is sealed this long after its end. */
  readonly sealGraceMs: number;
  /** Acknowledgements ride on the next record; alone they are written this late. Lost ones cost chunks sent twice, nothing else. */
  readonly ackWindowMs: number;
  /** Space set aside to get out of a full disk. */
  readonly ballastBytes: number;
  /** Time that checking a database after an unclean stop may take. */
  readonly checkBudgetMs: number;
}

const mebibyte = 1024 * 1024;

export const defaultStoreSettings: StoreSettings = {
  budgetBytes: 512 * mebibyte,
  durabilityWindowMs: 10_000,
  journalBytes: 32 * mebibyte,
  sealGraceMs: 1_000,
  ackWindowMs: 300_000,
  ballastBytes: 8 * mebibyte,
  checkBudgetMs: 10_000,
};

export const openGroupBounds = {
  /** So much makes a record due before its window is over. */
  recordBytes: 4 * mebibyte,
  recordFrames: 8_192,
  /** Admitted and not durable. Twice a record: while one is being synced there is room for the next, and a slow disk stops nobody. */
  maxOpenBytes: 8 * mebibyte,
  maxOpenFrames: 16_384,
  maxHeldBytes: 16 * mebibyte,
  maxJsonFrames: 50,
} as const;

/** Smallest journal that is any use; below it the disk counts as full. */
export const minJournalBytes = mebibyte;
/** One record is at most this share of the journal. */
export const recordShare = 1 / 16;
