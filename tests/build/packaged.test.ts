import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../cli/run-cli.ts";

const isPackaged = (process.env.GATEHOUSE_BINARY ?? "") !== "";

describe.skipIf(!isPackaged)("the packaged program (needs GATEHOUSE_BINARY)", () => {
  it("says what it is made of", async () => {
    const version = JSON.parse((await runCli(["version", "--json"])).stdout) as Readonly<Record<string, unknown>>;
    expect(version).toMatchObject({ name: "gatehouse", packaged: true, node: "26.10.0", commit: expect.stringMatching(/^[0-9a-f]{40}/) });
    const { stdout } = await runCli(["licenses", "--sbom"]);
    const sbom = JSON.parse(stdout) as { readonly components: readonly { readonly name: string }[] };
    expect(sbom.components.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["node", "openssl", "better-sqlite3", "mqtt", "@node-red/runtime"]),
    );
    expect((await runCli(["licenses"])).stdout).toContain("Permission is hereby granted");
  });

  it("takes no code from the environment", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-packaged-"));
    try {
      const planted = join(folder, "planted.cjs");
      writeFileSync(planted, "console.log('planted')");
      const { stdout } = await runCli(["version"], { environment: { NODE_OPTIONS: `--require ${planted}`, NODE_PATH: folder } });
      expect(stdout).toMatch(/^gatehouse \d+\.\d+\.\d+\n$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("unpacks SQLite into its state folder and nowhere else, without HOME", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-packaged-"));
    try {
      const { code } = await runCli(["self-test", "--state", folder]);
      expect(code).toBe(0);
      expect(readdirSync(folder)).toEqual(["native"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
