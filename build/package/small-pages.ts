import { readFileSync, writeFileSync } from "node:fs";

/** What segments are moved by in the file: whole pages of every kind of machine (arm64 has up to 64 KiB), never whole huge pages. */
const shift = 64 * 1_024;
/** Fields of ELF's 64-bit header and tables, by offset: System V ABI, chapters 4 and 5. */
const header = { size: 64, programs: 0x20, sections: 0x28, programSize: 0x36, programCount: 0x38, sectionSize: 0x3a, sectionCount: 0x3c };
const program = { offset: 0x08, address: 0x10, fileBytes: 0x20, memoryBytes: 0x28 };
const section = { offset: 0x18 };
const gnuStack = 0x6474e551;
const loaded = 1;

/**
 * Moves everything in an ELF file behind its header by 64 KiB, so that no segment lies in the file as it lies in memory modulo 2 MiB. A kernel whose page cache
 * holds the file in huge pages (ext4 since Linux 6.16, a freshly written or copied file) would map those whole: 26 MB of Node's text and constants that nobody
 * asked for, resident in each process.
 * @throws when it is not a 64-bit little-endian ELF file
 */
export function keepSmallPages(file: string): void {
  const before = readFileSync(file);
  if (before.readUInt32BE(0) !== 0x7f454c46 || before[4] !== 2 || before[5] !== 1) throw new Error(`${file} is not a 64-bit ELF file`);
  const head = Buffer.from(before.subarray(0, header.size));
  const move = (bytes: Buffer, at: number) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(shift), at);
  const table = (start: number, size: number, count: number) =>
    Array.from({ length: head.readUInt16LE(count) }, (_, index) => Number(head.readBigUInt64LE(start)) + index * head.readUInt16LE(size));
  const programs = table(header.programs, header.programSize, header.programCount);
  const sections = table(header.sections, header.sectionSize, header.sectionCount);
  // A stack and the first section, which is none, have no place in the file.
  for (const at of programs) if (before.readUInt32LE(at) !== gnuStack) move(before, at + program.offset);
  for (const at of sections.slice(1)) move(before, at + section.offset);
  move(head, header.programs);
  if (sections.length > 0) move(head, header.sections);
  writeFileSync(file, Buffer.concat([head, Buffer.alloc(shift - header.size), before]));
}

interface Segment {
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

function loadedSegments(file: Buffer): readonly Segment[] {
  const start = Number(file.readBigUInt64LE(header.programs));
  const size = file.readUInt16LE(header.programSize);
  const word = (at: number) => Number(file.readBigUInt64LE(at));
  return Array.from({ length: file.readUInt16LE(header.programCount) }, (_, index) => start + index * size)
    .filter((at) => file.readUInt32LE(at) === loaded)
    .map((at) => ({
      offset: word(at + program.offset),
      address: word(at + program.address),
      fileBytes: word(at + program.fileBytes),
      memoryBytes: word(at + program.memoryBytes),
    }));
}

/** Of each loaded segment: whether a huge page of the file could be mapped for it. */
export function hugePageSegments(file: Buffer, hugePage = 2 * 1_024 * 1_024): readonly boolean[] {
  return loadedSegments(file).map(({ offset, address }) => (address - offset) % hugePage === 0);
}

/**
 * Why a kernel with pages of this size could not map the program as it is meant; empty when it can. A segment has to lie in the file as in memory modulo a
 * page, and two segments may share a page only when it is the same page of the file, and nothing but zeros follows in the first one's.
 */
export function pageProblems(file: Buffer, pageBytes: number): readonly string[] {
  const segments = loadedSegments(file).toSorted((a, b) => a.address - b.address);
  const problems: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const name = `the segment at 0x${segment.address.toString(16)}`;
    if ((segment.address - segment.offset) % pageBytes !== 0) problems.push(`${name} cannot be mapped in pages of ${pageBytes} bytes`);
    const before = segments[index - 1];
    if (before === undefined) continue;
    const page = Math.floor(segment.address / pageBytes) * pageBytes;
    const isSharing = before.address + before.memoryBytes > page;
    const isSame = before.address - before.offset === segment.address - segment.offset && before.memoryBytes === before.fileBytes;
    if (isSharing && !isSame) problems.push(`${name} shares a page of ${pageBytes} bytes with the one before it`);
  }
  return problems;
}
