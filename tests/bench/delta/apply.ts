/** `node apply.ts OLD DELTA NEXT OUT SHA256`: what the updater does with a delta, in a process of its own. Says `ready`, begins with the first byte on its input. */
import { once } from "node:events";
import { statSync } from "node:fs";
import { createReleaseSource } from "../../../cloud-bridge/uplink/release-source.ts";
import { slotDisk } from "../../../runtime/host/slot-disk.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { unpack } from "../../../runtime/update/transfer.ts";

const [, , base = "", packed = "", next = "", out = "", sha256 = ""] = process.argv;
const clock = new SystemClock(() => true);
const source = createReleaseSource({ url: "http://127.0.0.1:9", root: new Uint8Array(), state: undefined as never, clock });
const file = { path: "delta", length: statSync(packed).size, sha256: "", format: "delta" as const };
process.stdout.write("ready\n");
await once(process.stdin, "data");
const release = { version: "2.0.0", hardware: "linux-x64", sha256, length: statSync(next).size, files: [file] };
const startMs = performance.now();
await unpack({ clock, disk: slotDisk, source }, { file, packed, base }, release, out);
process.stdout.write(`done ${Math.round(performance.now() - startMs)}\n`);
process.exit(0);
