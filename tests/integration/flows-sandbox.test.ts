import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowDocument, functionFlow, RunningWing } from "../flows/ground.ts";

/** Out of the function sandbox by a way that no text search sees; what holds then are the walls of the process. */
const wayOut = 'const word = ["constr", "uctor"].join(""); const out = Buffer[word]("return process")();';
const isPackaged = (process.env["GATEHOUSE_BINARY"] ?? "") !== "";
const isRoot = process.getuid?.() === 0;

/** What an escaped function tries, and how the refusal sounds. Each returns a text. */
const probes: readonly (readonly [string, string, RegExp])[] = [
  ["read a file outside", 'return out.getBuiltinModule("node:fs").readFileSync("/etc/passwd", "utf8");', /ERR_ACCESS_DENIED/],
  [
    "read the state of the gateway",
    'return out.getBuiltinModule("node:fs").readFileSync("STATE/secret.txt", "utf8");',
    /ERR_ACCESS_DENIED|EACCES/,
  ],
  ["list a folder outside", 'return out.getBuiltinModule("node:fs").readdirSync("/").join();', /ERR_ACCESS_DENIED/],
  ["write a file", 'out.getBuiltinModule("node:fs").writeFileSync("/tmp/gatehouse-escaped", "x"); return "written";', /ERR_ACCESS_DENIED/],
  [
    "write into the program",
    'out.getBuiltinModule("node:fs").writeFileSync("ROOT/flows/escaped", "x"); return "written";',
    /ERR_ACCESS_DENIED/,
  ],
  // The packaged program reads itself by an open file, descriptor 5; a checkout has none.
  [
    "write by the program's open file",
    'const fs = out.getBuiltinModule("node:fs"); if (!ISFILE) return "no such file"; fs.writeSync(5, "x"); return "written";',
    /EBADF|no such file/,
  ],
  [
    "change the rights of the program's open file",
    'out.getBuiltinModule("node:fs").fchmodSync(5, 0o777); return "written";',
    /ERR_ACCESS_DENIED/,
  ],
  [
    "change the times of the program's open file",
    'out.getBuiltinModule("node:fs").futimesSync(5, 1, 1); return "written";',
    /ERR_ACCESS_DENIED/,
  ],
  [
    "cut the program's open file",
    'out.getBuiltinModule("node:fs").ftruncateSync(5, 0); return "written";',
    /EINVAL|EBADF|ERR_ACCESS_DENIED/,
  ],
  ["start a program", 'return out.getBuiltinModule("node:child_process").execSync("id").toString();', /ERR_ACCESS_DENIED/],
  [
    "start a thread",
    'new (out.getBuiltinModule("node:worker_threads").Worker)("1", { eval: true }); return "started";',
    /ERR_ACCESS_DENIED/,
  ],
  [
    "load an addon",
    'out.dlopen({ exports: {} }, "ROOT/node_modules/better-sqlite3/build/Release/better_sqlite3.node"); return "loaded";',
    /ERR_DLOPEN_DISABLED|ERR_ACCESS_DENIED/,
  ],
  [
    "call the C library",
    'return String(out.getBuiltinModule("node:ffi").dlopen(null, { getpid: { arguments: [], return: "int32" } }).functions.getpid());',
    /ERR_ACCESS_DENIED|undefined/,
  ],
  [
    "open a database",
    'const { DatabaseSync } = out.getBuiltinModule("node:sqlite"); new DatabaseSync("/tmp/gatehouse-escaped.db"); return "opened";',
    /undefined|ERR_|not/,
  ],
  [
    "connect to loopback",
    'return await new Promise((done) => { const s = out.getBuiltinModule("node:net").connect(PORT, "127.0.0.1"); s.on("connect", () => done("connected")); s.on("error", (e) => done(e.code)); });',
    /ERR_ACCESS_DENIED/,
  ],
  [
    "send a datagram",
    'return await new Promise((done) => { const s = out.getBuiltinModule("node:dgram").createSocket("udp4"); s.on("error", (e) => done(e.code)); s.send("x", PORT, "127.0.0.1", (e) => done(e ? e.code : "sent")); });',
    /ERR_ACCESS_DENIED/,
  ],
  [
    "ask a name server",
    'return await new Promise((done) => out.getBuiltinModule("node:dns").resolve4("localhost", (e) => done(e ? e.code : "resolved")));',
    /ERR_ACCESS_DENIED/,
  ],
  ["attach the inspector", 'out.getBuiltinModule("node:inspector").open(0); return "open";', /ERR_ACCESS_DENIED|ERR_INSPECTOR/],
  [
    "look at the parent's memory",
    'return out.getBuiltinModule("node:fs").readFileSync("/proc/PARENT/environ", "utf8");',
    /ERR_ACCESS_DENIED/,
  ],
  [
    "read secrets of the environment",
    'return "env:" + Object.keys(out.env).filter((name) => name !== "PATH" && name !== "PWD" && name !== "SHLVL" && name !== "_").join();',
    /^env:$/,
  ],
];

describe("a function that escaped its sandbox cannot", () => {
  let wing: RunningWing;
  const server = createServer((socket) => socket.end("reached"));
  const answers = new Map<string, string>();

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    wing = new RunningWing();
    writeFileSync(join(wing.ground.folder, "secret.txt"), "canary");
    await wing.running();
    const root = join(import.meta.dirname, "../..");
    const fill = (code: string) =>
      code
        .replaceAll("ISFILE", String(isPackaged))
        .replaceAll("STATE", wing.ground.folder)
        .replaceAll("ROOT", root)
        .replaceAll("PORT", String(port))
        .replaceAll("PARENT", String(process.pid));
    // One order per probe: the answer comes back as the text of an alarm.
    for (const [index, [, code]] of probes.entries()) {
      const func = `${wayOut} const attempt = async () => { ${fill(code)} }; let said; try { said = String(await attempt()); } catch (error) { said = String(error.code || error.message); } return { payload: { raise: true, text: "said: " + said.slice(0, 200) } };`;
      const nodes = [
        ...functionFlow(func, "")
          .slice(0, 2)
          .map((node) => ("func" in node ? { ...node, wires: [["al"]] } : node)),
        { id: "al", type: "alarm", alarm: "probe", severity: "warning", text: "", x: 3, y: 1, wires: [[]] },
      ];
      await wing.apply([flowDocument(`probe${index}`, nodes, { health: { soakS: 0, maxErrors: 9, firstReport: { withinS: 10 } } })]);
      answers.set(
        String(index),
        wing.ground.active.get(`||probe|probe${index}`)?.text ?? `nothing: ${JSON.stringify(wing.wing.status().services)}`,
      );
    }
  }, 120_000);

  afterAll(async () => {
    await wing.stop();
    server.close();
  });

  it.each(probes.map(([what, , refusal], index) => [what, refusal, index] as const))("%s", (_what, refusal, index) => {
    const said = (answers.get(String(index)) ?? "").replace(/^said: /, "");
    expect(said).toMatch(refusal);
    expect(said).not.toMatch(/canary|connected|written|started|resolved|^sent|opened|reached|loaded/);
    expect(existsSync("/tmp/gatehouse-escaped")).toBe(false);
  });

  it.skipIf(!isRoot)("kill the telemetry process (own user; root gives it one)", async () => {
    const func = `${wayOut} let said; try { out.kill(${process.pid}, 0); said = "reached"; } catch (error) { said = error.code; } return { payload: { raise: true, text: said } };`;
    const nodes = [
      ...functionFlow(func, "")
        .slice(0, 2)
        .map((node) => ("func" in node ? { ...node, wires: [["al"]] } : node)),
      { id: "al", type: "alarm", alarm: "probe", severity: "warning", text: "", x: 3, y: 1, wires: [[]] },
    ];
    await wing.apply([flowDocument("killer", nodes, { health: { soakS: 0, firstReport: { withinS: 10 } } })]);
    expect(wing.ground.active.get("||probe|killer")?.text).toBe("EPERM");
  });

  it("listen on a port: it ends the process, and the service that tried is named", async () => {
    const func = `${wayOut} out.getBuiltinModule("node:net").createServer().listen(0); return msg;`;
    const [outcome] = await wing.apply([flowDocument("listener", functionFlow(func, ""), { health: { soakS: 2 } })]);
    expect(outcome?.status).toBe("rolled-back");
    expect(outcome?.problem?.message).toMatch(/ERR_ACCESS_DENIED|listener/);
  });

  it("say something to the gateway that upsets it: garbage on the pipe costs the child its life only", async () => {
    const func = `${wayOut} out.getBuiltinModule("node:fs").writeSync(3, Buffer.alloc(64, 255)); return msg;`;
    const [outcome] = await wing.apply([flowDocument("garbler", functionFlow(func, ""), { health: { soakS: 2 } })]);
    expect(outcome?.status).toBe("rolled-back");
    await wing.running();
  });
});
