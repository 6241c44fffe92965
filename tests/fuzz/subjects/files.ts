import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SealedFiles } from "../../../runtime/host/sealed-file.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { NodeDisk } from "../../../runtime/store/node-disk.ts";
import { openState } from "../../../runtime/store/state.ts";
import type { FuzzSubject } from "../subject.ts";
import { folderFor } from "./documents.ts";

const rows = 14;
const orders = (at: number) => JSON.stringify({ id: at, text: "x".repeat(60 + at * 40) });

/** A file of orders, and the copy that its program left beside it. */
function stateImage(): { readonly image: Uint8Array; readonly copy: Uint8Array } {
  const folder = folderFor("image");
  const state = openState(folder.path, { wallMs: 0, onDamage: () => undefined });
  for (let at = 0; at < rows; at++) state.put({ [`order/${at}`]: orders(at), [`config/${at}`]: orders(at) });
  state.close();
  const [image, copy] = [readFileSync(join(folder.path, "state.db")), readFileSync(join(folder.path, "state.bak"))];
  folder.end();
  return { image, copy };
}

/** Opens a damaged state.db in a folder in memory, with the copy of a good one beside it or without. */
function openDamaged(withCopy: boolean): FuzzSubject {
  return {
    name: withCopy ? "state.db, its copy beside it" : "state.db",
    share: 0.05,
    files: ["runtime/store/state.ts", "runtime/store/state-values.ts", "runtime/store/database.ts", "runtime/store/migrations.ts"],
    open: () => {
      const folder = folderFor("state");
      const { image, copy } = stateImage();
      const disk = new NodeDisk(folder.path);
      let damaged = 0;
      const read = (bytes: Uint8Array) => {
        for (const name of ["state.db", "state.db-wal", "state.bak", "corrupt"]) disk.remove(name);
        writeFileSync(join(folder.path, "state.db"), bytes);
        if (withCopy) writeFileSync(join(folder.path, "state.bak"), copy);
        const tell = () => void damaged++;
        const state = openState(folder.path, { disk, wallMs: 0, onDamage: tell, onDamagedValue: tell });
        let changed = 0;
        try {
          for (const prefix of ["order/", "config/"])
            for (const key of state.keys(prefix, 100)) if (state.getText(key) !== orders(Number(key.slice(prefix.length)))) changed++;
          state.put({ "a/b": "c" });
          if (state.getText("a/b") !== "c") throw new Error("what was put is not there");
        } finally {
          state.close();
        }
        // With the mark of the copy, what comes out is what was put, or nothing; without it there are no checksums to believe.
        return withCopy && changed > 0;
      };
      const check = () => {
        if (damaged === 0) throw new Error("no damage was noticed");
      };
      return { valid: [image], read, check, close: folder.end };
    },
  };
}

/** Files of the state folder. */
export const fileSubjects: readonly FuzzSubject[] = [
  openDamaged(false),
  openDamaged(true),
  {
    name: "identity file (sealed)",
    files: ["runtime/host/sealed-file.ts"],
    open: () => {
      const folder = folderFor("sealed");
      const sealed = new SealedFiles(join(folder.path, "root.key"), systemEntropy, () => "board");
      const identity = join(folder.path, "identity.sealed");
      sealed.write(identity, { gateway: "gw-fuzz-01" });
      const read = (bytes: Uint8Array) => {
        writeFileSync(identity, bytes);
        return JSON.stringify(sealed.read(identity)) !== '{"gateway":"gw-fuzz-01"}';
      };
      return { valid: [readFileSync(identity)], form: "json", read, close: folder.end };
    },
  },
];
