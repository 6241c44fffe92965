import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { canonicalJson } from "../../../cloud-bridge/protocol/release/canonical-json.ts";
import { applyDelta, makeDelta } from "../../../cloud-bridge/protocol/release/delta.ts";
import { parseRole, type RoleName, type RootRole, roleNames, verifySignatures } from "../../../cloud-bridge/protocol/release/metadata.ts";
import { ReleaseKit } from "../../update/release-kit.ts";
import type { FuzzSubject } from "../subject.ts";
import { folderFor } from "./documents.ts";

const maxProduced = 8_000;

function role(name: RoleName): FuzzSubject {
  return {
    name: `release metadata, ${name}`,
    share: 0.3,
    files: ["cloud-bridge/protocol/release/metadata.ts", "cloud-bridge/protocol/release/canonical-json.ts"],
    open: () => {
      const kit = new ReleaseKit();
      kit.release("1.0.0", Buffer.from("#!/bin/sh\n"));
      const metadata = (one: RoleName) =>
        readFileSync(kit.path(`repository/metadata/${one === "timestamp" ? "" : one === "root" ? "1." : "2."}${one}.json`));
      const rootRole = parseRole("root", metadata("root")).signed as RootRole;
      const genuine = metadata(name);
      const canonical = canonicalJson(parseRole(name, genuine).signed);
      const read = (bytes: Uint8Array) => {
        const document = parseRole(name, bytes);
        verifySignatures(rootRole, name, document);
        return canonicalJson(document.signed) !== canonical;
      };
      return { valid: [genuine], form: "json", read, close: () => rmSync(kit.folder, { recursive: true, force: true }) };
    },
  };
}

/** `isUnpacked`: damage is done inside the packed stream, or nearly every input would end at its checks. */
function delta(isUnpacked: boolean): FuzzSubject {
  return {
    name: isUnpacked ? "delta of a release, instructions" : "delta of a release",
    share: 0.2,
    files: ["cloud-bridge/protocol/release/delta.ts"],
    open: () => {
      const folder = folderFor("delta");
      const old = Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 31) & 0xff));
      const [base, packed] = [join(folder.path, "old"), join(folder.path, "delta")];
      writeFileSync(base, old);
      const whole = makeDelta(old, Buffer.concat([old.subarray(0, 1_000), Buffer.from("new"), old.subarray(900)]));
      const read = async (bytes: Uint8Array) => {
        writeFileSync(packed, isUnpacked ? Buffer.concat([Buffer.from("GHD1"), zstdCompressSync(bytes)]) : bytes);
        let length = 0;
        for await (const piece of applyDelta(packed, base, maxProduced)) length += piece.length;
        return length > maxProduced;
      };
      return { valid: [isUnpacked ? zstdDecompressSync(whole.subarray(4)) : whole], read, close: folder.end };
    },
  };
}

/** Signed metadata of releases, and the delta that they name. */
export const releaseSubjects: readonly FuzzSubject[] = [...roleNames.map(role), delta(false), delta(true)];
