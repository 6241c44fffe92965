import { beforeAll, describe, expect, it } from "vitest";
import { Bench } from "./desk-bench.ts";
import { type NocPens, nocPens } from "./noc-pen.ts";

let noc: NocPens;
beforeAll(async () => {
  noc = await nocPens();
});

describe("the command desk, of what is nobody's business,", () => {
  it("writes down of an order no more than may be remembered, and runs it whole in this run of the gateway or never", async () => {
    const bench = new Bench(noc);
    const written = () => bench.state.keys("command/", 100).map((key) => bench.state.getText(key) ?? "");
    const id = await bench.send("test.secret", { risk: "write", args: { word: "hush-1" } });
    expect(bench.ran).toEqual(["hush-1"]);
    expect(bench.result(id)).toMatchObject({ status: "ok", output: { wrote: "[kept back]" } });
    expect(bench.stand.audit).toMatchObject([{ id, operation: "test.secret", actor: "anna", about: "a word" }]);
    await bench.send("test.unknown", { risk: "write", args: { word: "hush-2" } });
    await bench.send("test.secret", { risk: "read", args: { word: "hush-3" } });
    for (let count = 0; count < 4; count++) await bench.send("test.hang");
    const waiting = await bench.send("test.secret", { risk: "write", args: { word: "hush-4" } });
    expect(written().join("\n")).not.toContain("hush");
    await bench.reboot(1_000);
    expect(bench.result(waiting)).toMatchObject({
      error: { code: "command.interrupted", message: expect.stringContaining("order it again") },
    });
    expect(bench.ran).not.toContain("hush-4");
    await bench.stand.stop();
  });

  it("takes out what a version before wrote down in clear", async () => {
    const bench = new Bench(noc);
    const id = await bench.send("test.secret", { risk: "write", args: { word: "hush" } });
    const key = `command/${id.toLowerCase()}`;
    const entry = JSON.parse(bench.state.getText(key) ?? "{}");
    const clear = {
      ...entry,
      command: { ...entry.command, arguments: { word: "hush" } },
      result: { ...entry.result, output: { wrote: "hush" } },
    };
    bench.state.put({ [key]: JSON.stringify(clear) });
    await bench.reboot(1_000);
    expect(bench.state.getText(key)).not.toContain("hush");
    expect(bench.result(id)).toMatchObject({ status: "ok" });
    await bench.stand.stop();
  });
});
