import { CborWriter } from "./cbor-writer.ts";

/** Below the size from which malloc maps each block on its own (runtime/host/lean-start.ts), and room for some twenty frames of a switch. */
const blockBytes = 16_384;

/** Scratch of an encoder, shared by its groups: nothing is allocated per value, and of a frame only its payload's view. */
export class GroupScratch {
  /** The frame under way, behind those of before. */
  readonly out = new CborWriter(blockBytes);
  readonly base = new CborWriter(4_096);
  readonly rebase = new CborWriter(1_024);
  state = new Uint8Array(1_024);
  valCount = 0;
  baseCount = 0;
  rebaseCount = 0;
  samples = 0;
  /** Text values cut to the longest allowed, since start. */
  cutTexts = 0;
  /** Text values left out because the frame was full, since start. */
  refusedTexts = 0;
  #valsAt = 0;

  begin(series: number): void {
    const stateBytes = (series + 3) >>> 2;
    if (this.state.length < stateBytes) this.state = new Uint8Array(stateBytes * 2);
    this.state.fill(0, 0, stateBytes);
    this.out.reset();
    this.base.reset();
    this.rebase.reset();
    this.valCount = 0;
    this.baseCount = 0;
    this.rebaseCount = 0;
    this.samples = 0;
  }

  /** From here on `out` takes values. */
  beginVals(): void {
    this.#valsAt = this.out.length;
  }

  /** Bytes of values so far. */
  get valBytes(): number {
    return this.out.length - this.#valsAt;
  }

  setState(series: number, value: number): void {
    const at = series >>> 2;
    this.state[at] = (this.state[at] ?? 0) | (value << ((series & 3) << 1));
  }
}
