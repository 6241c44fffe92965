import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peer } from "../../peers.ts";

/** A certificate for localhost and 127.0.0.1 that signs itself: its own authority. */
export function localCertificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-notify-"));
  try {
    const files = ["-keyout", join(folder, "key"), "-out", join(folder, "pem")];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    execFileSync(peer("openssl").path, ["req", "-x509", ...key, ...files, "-days", "2", ...names], { stdio: "pipe" });
    return { key: readFileSync(join(folder, "key"), "utf8"), cert: readFileSync(join(folder, "pem"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
