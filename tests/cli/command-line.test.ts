import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram, type Register } from "../../runtime/cli/command-line.ts";
import { type CommandContext, Interrupted } from "../../runtime/cli/context.ts";
import { exitCodeMeanings, exitCodes } from "../../runtime/cli/exit-codes.ts";
import { plainRun } from "../../runtime/cli/plain-run.ts";
import { report } from "../../runtime/cli/report.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import { temporaryFolder, written } from "../config/configuration-kit.ts";
import { runCli, stackTrace } from "./run-cli.ts";

const cliFolder = join(import.meta.dirname, "../../runtime/cli");

/** Every command of every file in cli/, whoever adds one. */
async function everyCommand(): Promise<readonly Command[]> {
  const modules = await Promise.all(
    readdirSync(cliFolder)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => import(join(cliFolder, name)) as Promise<{ register?: Register }>),
  );
  const context = { print: () => undefined, say: () => undefined, columns: 80 } as unknown as CommandContext;
  const program = createProgram(
    modules.flatMap(({ register }) => register ?? []),
    context,
  );
  const below = (command: Command): readonly Command[] => command.commands.flatMap((child) => [child, ...below(child)]);
  return below(program);
}

/** What a person reads after `--help`. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

describe("help", () => {
  it("of every command says what it does and has examples", async () => {
    const commands = await everyCommand();
    const wanting = commands.filter((command) => {
      // A hidden command is a role that the program starts by itself.
      const hidden = (command as unknown as { _hidden: boolean })._hidden;
      return !hidden && (command.description() === "" || !helpOf(command).includes("Examples:\n  $ gatehouse "));
    });
    expect(commands.length).toBeGreaterThan(10);
    expect(wanting.map((command) => command.name())).toEqual([]);
  });

  it("of a command is printed to standard output and ends with 0", async () => {
    const { code, stdout, stderr } = await runCli(["config", "check", "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: gatehouse config check /);
    expect(stdout).toContain("--log-level");
  });

  it("of the program lists every exit code", async () => {
    const { code, stdout } = await runCli(["--help"]);
    expect(code).toBe(0);
    for (const [name, meaning] of Object.entries(exitCodeMeanings)) {
      expect(stdout).toContain(`${exitCodes[name as keyof typeof exitCodes]}  ${meaning}`);
    }
  });
});

describe("wrong usage ends with 2 and a sentence", () => {
  it.each([
    [["stauts"], /unknown command 'stauts'\n\(Did you mean status\?\)/],
    [["config", "chekc", "x"], /unknown command 'chekc'/],
    [["config", "check"], /missing required argument 'file'/],
    [["config", "check", "a", "b"], /too many arguments/],
    [["status", "--jsn"], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [["run"], /required option '--config <file>' not specified/],
    [["--log-level", "loud", "version"], /argument 'loud' is invalid. Allowed choices are error, warn, info, debug/],
    [["demo", "--for", "soon"], /argument 'soon' is invalid/],
    [[], /Usage: gatehouse/],
  ])("%j", async (args, sentence) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(stackTrace);
  });
});

describe("version", () => {
  it("names program and runtime as JSON", async () => {
    const { code, stdout } = await runCli(["version", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "gatehouse", version: expect.stringMatching(/^\d+\.\d+\.\d+$/), node: "26.10.0" });
  });
});

describe("a configuration", () => {
  it.each([
    ["that does not exist", undefined, /gatehouse.yaml does not exist/],
    ["that is empty", "", /:1:1 \/: the file is empty/],
    ["that is half written", "gateway: { id: gw-lisbon-01 }\nequipment:\n  - { id: sw-1, addr", /:3:\d+ \/: not valid YAML/],
    ["with an unknown key", "gateway: { id: gw-lisbon-01 }\ntrasp: {}\n", /:2:1 \/trasp: unknown key "trasp"; did you mean "traps"\?/],
    ["with a wrong type", "gateway: { id: gw-lisbon-01 }\ntraps: { port: yes }\n", /:2:16 \/traps\/port: must be a whole number, not text/],
    [
      "with an unknown driver",
      "gateway: { id: gw-lisbon-01 }\nequipment: [{ id: a, address: a, driver: snpm }]\n",
      /\/equipment\/0\/driver: unknown driver "snpm"; did you mean "snmp"\?/,
    ],
    [
      "with a missing secret",
      "gateway: { id: gw-lisbon-01 }\ncredentials: { a: { snmp: { version: 2c, community: { $env: NOPE } } } }\n",
      /the environment variable "NOPE" is not set/,
    ],
  ])("%s is refused by check and by run: exit code 2, a sentence, no stack", async (_what, yaml, sentence) => {
    const file = written(yaml === undefined ? {} : { "gatehouse.yaml": yaml });
    const results = await Promise.all([runCli(["config", "check", file]), runCli(["run", "--config", file, "--state", `${file}.state`])]);
    for (const { code, stdout, stderr } of results) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(sentence);
      expect(stderr).toMatch(/\[config\.[a-z]+\] /);
      expect(stderr).not.toMatch(stackTrace);
    }
  });

  const clearText = "gateway: { id: gw-lisbon-01 }\ncredentials: { a: { snmp: { version: 2c, community: s3cret } } }\n";

  it("with a community in clear text is accepted with a warning", async () => {
    const { code, stdout, stderr } = await runCli(["config", "check", written({ "gatehouse.yaml": clearText })]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/: ok, 0 equipment, 1 credential, 1 warning\n$/);
    expect(stderr).toMatch(/:2:\d+ \/credentials\/a\/snmp\/community: warning: a secret in clear text/);
    expect(stdout + stderr).not.toContain("s3cret");
  });

  it("is shown with its defaults and without its secrets, and what is shown is a configuration again", async () => {
    const { code, stdout } = await runCli(["config", "show", written({ "gatehouse.yaml": clearText })]);
    expect(code).toBe(0);
    expect(stdout).toContain("durabilityWindowMs: 10000");
    expect(stdout).not.toContain("s3cret");
    const again = await runCli(["config", "check", written({ "gatehouse.yaml": stdout })]);
    expect(again.code).toBe(0);
  });

  it("has a schema that says what it is", async () => {
    const { code, stdout } = await runCli(["config", "schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema", title: "GatewayFile" });
  });

  it("with everything that is refers to elsewhere is checked with --no-secrets", async () => {
    const { code, stdout } = await runCli(["config", "check", "--no-secrets", "examples/gatehouse.yaml"], {
      cwd: `${import.meta.dirname}/../..`,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "examples/gatehouse.yaml: ok, 7 equipment, 2 credentials\n" });
  });
});

describe("status", () => {
  it("ends with 5 when no gateway runs there", async () => {
    const { code, stderr } = await runCli(["status", "--state", temporaryFolder()]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/no gateway runs on the state folder/);
    expect(stderr).not.toMatch(stackTrace);
  });
});

describe("what is said at the end", () => {
  const said = (error: unknown) => {
    const lines: string[] = [];
    const code = report(error, { say: (text) => void lines.push(text) });
    return { code, text: lines.join("") };
  };

  it("is a sentence and what to do when the world misbehaved", () => {
    const { code, text } = said(new GatewayError("host.port-in-use", { message: "UDP port 1162 is taken" }));
    expect({ code, text }).toEqual({
      code: 3,
      text: "gatehouse: UDP port 1162 is taken\n[host.port-in-use] Another program uses this port. Stop it or choose another port.\n",
    });
  });

  it("is a sentence when a person ended the command", () => {
    const { code, text } = said(new Interrupted("SIGINT"));
    expect({ code, text }).toEqual({ code: 1, text: "gatehouse: ended by SIGINT before it was done; what was ordered already goes on\n" });
  });

  it("is a stack, and that it is a bug, when it is one", () => {
    const { code, text } = said(new TypeError("x is not a function"));
    expect(code).toBe(70);
    expect(text).toMatch(/this is a bug/);
    expect(text).toMatch(stackTrace);
  });
});

describe("the line by which launchers start a gateway", () => {
  it.each([
    [["run", "--config", "a.yaml"], { file: "a.yaml", stateDir: "./gatehouse-state" }],
    [["run", "--state", "b", "--beat", "c", "--config", "a.yaml"], { file: "a.yaml", stateDir: "b", beat: "c" }],
  ])("is read without the descriptions of all commands: %j", (args, options) => {
    expect(plainRun(args)).toEqual(options);
  });

  it.each([
    [["run"]],
    [["run", "--config"]],
    [["run", "--config", ""]],
    [["run", "--config", "--state"]],
    [["run", "--config=a.yaml"]],
    [["run", "--config", "a.yaml", "--help"]],
    [["run", "--config", "a.yaml", "--log-level", "debug"]],
    [["run", "--config", "a.yaml", "--toString", "b"]],
    [["config", "check", "a.yaml"]],
    [[]],
  ])("is left to commander when it is anything else: %j", (args) => {
    expect(plainRun(args)).toBeUndefined();
  });
});
