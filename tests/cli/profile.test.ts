import { afterEach, describe, expect, it } from "vitest";
import { startSite } from "../drivers/simulated/running-site.ts";
import { folderOf } from "../drivers/snmp/profiles/support.ts";
import { runCli } from "./run-cli.ts";

const folders: { remove(): void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

function folder(files: Readonly<Record<string, string>>): string {
  const made = folderOf(files);
  folders.push(made);
  return made.folder;
}

describe("gatehouse profile check", () => {
  it("names file, line and key, and ends well while every file can be used", async () => {
    const path = folder({ "box.yaml": "sysobjectid: 1.3.6.1.4.1.99999.1\nmetrics:\n  - symbol: {OID: x.y, name: heat}\n" });
    const { code, stdout } = await runCli(["profile", "check", path]);
    expect(stdout).toContain("box.yaml:3: metrics[0].symbol.OID: is not an OID (the row is left out)");
    expect(code).toBe(0);
  });

  it("ends with 2 when a file cannot be used", async () => {
    const { code, stdout } = await runCli(["profile", "check", "--json", folder({ "bad.yaml": "a: [", "good.yaml": "metrics: []" })]);
    expect(JSON.parse(stdout)).toMatchObject({ files: 2, profiles: 1, unusable: 1 });
    expect(code).toBe(2);
  });

  it("ends with 2 when the folder is none", async () => {
    expect((await runCli(["profile", "check", "/nowhere/at/all"])).code).toBe(2);
  });
});

describe("gatehouse profile draft", () => {
  it("gives the draft as text, and as JSON with what it was made of", async () => {
    const site = await startSite();
    try {
      const args = ["profile", "draft", "127.0.0.1", "--port", String(site.portOf("sw-1")), "--root", "1.3.6.1.2.1.1"];
      const { code, stdout } = await runCli(args);
      expect(code).toBe(0);
      const json = JSON.parse((await runCli([...args, "--json"])).stdout);
      expect(json).toMatchObject({ root: "1.3.6.1.2.1.1", sysObjectId: expect.any(String) });
      // Its uptime goes on between the two.
      const still = (text: string) => text.replaceAll(/timeticks: \d+/g, "timeticks");
      expect(still(json.profile)).toBe(still(stdout));
      expect(json.values).toBeGreaterThan(5);
    } finally {
      await site.stop();
    }
  });
});
