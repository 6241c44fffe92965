import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import { compareOids, hasPrefix } from "./oid.ts";
import { storeCell } from "./table-cells.ts";
import { blockSpec, cellAt, cellCount, widthOf } from "./table-layout.ts";
import type { Block, CompiledPlan } from "./table-plan.ts";
import { fate } from "./table-progress.ts";
import { readVarbind, varbindSpan } from "./values.ts";

/** What a careful reading found, besides the values stored. */
export interface CarefulFindings {
  /** Varbinds read. */
  varbinds: number;
  /** Cells that became known to be there or not. */
  resolved: number;
  oidViolations: number;
  /** The columns whose OIDs they were, each as often as it was wrong. */
  readonly violated: number[];
  changed: boolean;
  malformed: boolean;
  /** The agent stopped before all was answered, though nothing had come to its end: the answer was full. */
  isCut: boolean;
}

/**
 * Reads an answer that is not what was predicted: holes, rows in between, an early end, cut answers, wrong OIDs. Values are believed only under
 * the name they came with. When the answer is malformed nothing of it is kept.
 */
export function readCarefully(plan: CompiledPlan, block: Block, bytes: Uint8Array, fates: Uint8Array): CarefulFindings {
  const reader = new CarefulReader(plan, block, bytes, fates);
  reader.readAll(pdu.varbindsStart, pdu.varbindsEnd);
  return reader.findings;
}

/** Whether these bytes are varbinds from the first to the last. */
export function isSound(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    if (!readVarbind(bytes, at, end)) return false;
    at = varbindSpan.end;
  }
  return true;
}

class CarefulReader {
  readonly findings: CarefulFindings = {
    varbinds: 0,
    resolved: 0,
    oidViolations: 0,
    violated: [],
    changed: false,
    malformed: false,
    isCut: false,
  };
  readonly #plan: CompiledPlan;
  readonly #block: Block;
  readonly #bytes: Uint8Array;
  readonly #fates: Uint8Array;
  readonly #width: number;
  /** Per requested varbind: name of the last answer (or of the request), and the first row not passed yet. */
  readonly #names: Uint8Array[];
  readonly #nextRow: number[];
  readonly #ended: boolean[];

  constructor(plan: CompiledPlan, block: Block, bytes: Uint8Array, fates: Uint8Array) {
    this.#plan = plan;
    this.#block = block;
    this.#bytes = bytes;
    this.#fates = fates;
    this.#width = widthOf(block);
    this.#names = blockSpec(plan, block).varbinds.map(requestedName);
    this.#nextRow = Array.from({ length: this.#width }, () => block.group.rows[block.rowFrom] ?? 0);
    this.#ended = new Array<boolean>(this.#width).fill(false);
  }

  readAll(from: number, end: number): void {
    const { findings } = this;
    if (!isSound(this.#bytes, from, end)) {
      findings.malformed = true;
      return;
    }
    let at = from;
    let position = this.#block.sentinel ? -1 : 0;
    const most = cellCount(this.#block);
    for (; at < end && position < most; position++) {
      if (!readVarbind(this.#bytes, at, end)) return;
      at = varbindSpan.end;
      findings.varbinds += 1;
      if (position < 0) this.#readSentinel();
      else if (this.#block.type === tags.getBulk) this.#readRepetition(position % this.#width);
      else this.#readSingle(position);
    }
    findings.isCut = position < most && findings.varbinds > 0 && !this.#ended.includes(true);
  }

  #readSentinel(): void {
    const prefix = this.#plan.columns.prefix(cellAt(this.#block, 0).column);
    if (varbindSpan.tag === tags.endOfMibView || !this.#isAfter(0)) return;
    if (hasPrefix(this.#bytes, varbindSpan.nameStart, varbindSpan.nameEnd, prefix)) this.findings.changed = true;
  }

  /** Whether the varbind's name comes after the name last known for this requested varbind; otherwise it is a violation. */
  #isAfter(request: number): boolean {
    const { nameStart, nameEnd } = varbindSpan;
    const last = this.#names[request];
    const isAfter = last !== undefined && compareOids(this.#bytes, nameStart, nameEnd, last) > 0;
    if (!isAfter) this.findings.oidViolations += 1;
    return isAfter;
  }

  #readRepetition(x: number): void {
    if (this.#ended[x] === true) return;
    const { column } = cellAt(this.#block, x);
    const request = x + (this.#block.sentinel ? 1 : 0);
    if (varbindSpan.tag === tags.endOfMibView) {
      this.#endColumn(x, column);
      return;
    }
    if (!this.#isAfter(request)) {
      this.findings.violated.push(column);
      this.#ended[x] = true;
      return;
    }
    this.#names[request] = this.#bytes.subarray(varbindSpan.nameStart, varbindSpan.nameEnd);
    const prefix = this.#plan.columns.prefix(column);
    if (!hasPrefix(this.#bytes, varbindSpan.nameStart, varbindSpan.nameEnd, prefix)) {
      this.#endColumn(x, column);
      return;
    }
    const found = this.#plan.rows.find(this.#bytes, varbindSpan.nameStart + prefix.length, varbindSpan.nameEnd);
    const row = found >= 0 ? found : -1 - found;
    for (let skipped = this.#nextRow[x] ?? 0; skipped < row; skipped++) this.#settle(column, skipped, fate.absent);
    this.#nextRow[x] = found >= 0 ? row + 1 : row;
    if (found >= 0) this.#store(column, row);
    else this.findings.changed = true;
  }

  /** The agent has nothing more in this column: what was asked for and not answered is not there. */
  #endColumn(x: number, column: number): void {
    this.#ended[x] = true;
    const last = this.#plan.rows.count;
    for (let row = this.#nextRow[x] ?? 0; row < last; row++) this.#settle(column, row, fate.absent);
  }

  #readSingle(position: number): void {
    const { column, row } = cellAt(this.#block, position);
    const prefix = this.#plan.columns.prefix(column);
    const { nameStart, nameEnd, tag } = varbindSpan;
    const isOfColumn = hasPrefix(this.#bytes, nameStart, nameEnd, prefix);
    const found = isOfColumn ? this.#plan.rows.find(this.#bytes, nameStart + prefix.length, nameEnd) : -1;
    if (this.#block.type === tags.get) {
      if (found === row && isOfColumn) this.#store(column, row);
      else {
        this.findings.oidViolations += 1;
        this.findings.violated.push(column);
      }
      return;
    }
    if (tag === tags.endOfMibView) this.#settle(column, row, fate.absent);
    else if (this.#isAfter(position)) {
      if (isOfColumn && found === row) this.#store(column, row);
      else {
        this.#settle(column, row, fate.absent);
        if (isOfColumn && found < 0 && -1 - found <= row) this.findings.changed = true;
      }
    } else this.findings.violated.push(column);
  }

  #store(column: number, row: number): void {
    const { tag } = varbindSpan;
    if (tag === tags.noSuchObject || tag === tags.noSuchInstance || tag === tags.endOfMibView) this.#settle(column, row, fate.absent);
    else if (storeCell(this.#plan, column, row, this.#bytes)) this.#settle(column, row, fate.value);
    else {
      this.#plan.present[column * this.#plan.rows.count + row] = 0;
      this.#settle(column, row, fate.unfit);
    }
  }

  #settle(column: number, row: number, what: number): void {
    const cell = column * this.#plan.rows.count + row;
    const known = this.#fates[cell] ?? 0;
    // A value already read is not taken back by a neighbour's answer.
    if (known === fate.value && what !== fate.unfit) return;
    if (known === fate.unknown) this.findings.resolved += 1;
    this.#fates[cell] = what;
  }
}

/** The name inside an encoded request varbind. */
function requestedName(varbind: Uint8Array): Uint8Array {
  readVarbind(varbind, 0, varbind.length);
  return varbind.subarray(varbindSpan.nameStart, varbindSpan.nameEnd);
}
