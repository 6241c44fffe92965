import { Site } from "./generator.ts";
import { measureCpu, measureGenerator, measureSize, type Source } from "./measure.ts";
import { Switches } from "./switches.ts";

/** `node tests/bench/codec/main.ts`: sizes on the wire and CPU per sample of the codec, on the generator of PROTOCOL 1.1. */
const seeds = [1, 2, 3];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const fixed = (value: number, digits = 3) => Number(value.toFixed(digits));

for (const busyShare of [0.5, 1]) {
  const generator = seeds.map((seed) => measureGenerator(seed, busyShare));
  console.table({
    [`generator, ${busyShare === 1 ? "all ports busy" : "half of the ports busy"}`]: {
      "naive JSON + zstd-3 B/sample": fixed(mean(generator.map((one) => one.naiveBytes)), 2),
      "changed share": fixed(mean(generator.map((one) => one.changedShare))),
    },
  });
  const variants = [1, 5, 10].flatMap((intervalsPerChunk) =>
    (["cbor", "json"] as const).map((serialisation) => ({ intervalsPerChunk, serialisation })),
  );
  const sizes = variants.map(({ intervalsPerChunk, serialisation }) => {
    const all = seeds.map((seed) => measureSize({ seed, busyShare, intervalsPerChunk, serialisation, hours: 2 }));
    return {
      "intervals/chunk": intervalsPerChunk,
      as: serialisation,
      "B/sample": fixed(mean(all.map((one) => one.chunkBytes))),
      "key-frame": fixed(mean(all.map((one) => one.keyFrameBytes))),
      others: fixed(mean(all.map((one) => one.plainBytes))),
      "key-frames": mean(all.map((one) => one.keyFrames)),
      chunks: mean(all.map((one) => one.chunks)),
      "largest B": Math.max(...all.map((one) => one.largestChunk)),
      "dictionary B": Math.round(mean(all.map((one) => one.dictionaryBytes))),
    };
  });
  console.table(sizes);
}

function reportCpu(name: string, source: Source, intervals: number, intervalsPerChunk: number): void {
  const cpu = measureCpu(source, intervals, intervalsPerChunk);
  console.table({
    [`${name}, ${intervalsPerChunk} intervals/chunk`]: {
      "encode ns/sample": fixed(cpu.encodeNsPerSample, 1),
      "assemble + zstd": fixed(cpu.assembleNsPerSample, 1),
      "unzstd + decode + resolve": fixed(cpu.decodeNsPerSample, 1),
      "encoder, % of a core at 192,000/s": fixed(cpu.encodeNsPerSample * 192_000 * 1e-7, 2),
      samples: cpu.samples,
    },
  });
}

for (const intervalsPerChunk of [1, 10]) {
  const site = new Site({ seed: 5 });
  reportCpu("site of 1,500 series", { next: () => site.poll() }, 2_000, intervalsPerChunk);
  const switches = new Switches(100, 0.32);
  reportCpu("100 switches of 960 values", { next: () => switches.step() }, 60, intervalsPerChunk);
}
