import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gatehouseProgram } from "../program.ts";

const root = join(import.meta.dirname, "../..");

/** One change of the source: what is replaced by what, wherever it stands. */
export interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const atRun = (body: string): Patch => ({
  file: "runtime/main.ts",
  from: "const args = process.argv.slice(2);",
  to: `const args = process.argv.slice(2);\nif (args[0] === "run") ${body}`,
});
const migration = (statement: string): Patch => ({
  file: "runtime/store/state.ts",
  from: 'STRICT, WITHOUT ROWID",\n    ],\n  ],\n  contract',
  to: `STRICT, WITHOUT ROWID",\n    ],\n    ["${statement}"],\n  ],\n  contract`,
});
/** Goes on as if nothing were, some time after it began: later than a start takes, sooner than it is confirmed. */
const later = (body: string): Patch => atRun(`setTimeout(() => { ${body} }, 3_000);`);

/** Everything that a new version can do wrong after it was built, signed and published in order. */
export const badVersions = {
  "crashes at its start": [atRun(`throw new Error("planted");`)],
  "crashes later": [later(`throw new Error("planted");`)],
  "hangs at its start": [atRun("for (;;);")],
  "hangs later": [later("for (;;);")],
  "cannot reach the NOC": [
    { file: "cloud-bridge/uplink/socket.ts", from: "const { host, port } = address;", to: "const { host } = address;\n  const port = 1;" },
  ],
  "breaks the schema": [migration("ALTER TABLE entry RENAME TO entries")],
  "breaks the schema for the version before only": [
    migration("ALTER TABLE entry RENAME TO entries"),
    { file: "runtime/store/state.ts", from: 'tables: ["entry",', to: 'tables: ["entries",' },
    { file: "runtime/store/self-test.ts", from: 'tables: ["entry"]', to: 'tables: ["entries"]' },
    { file: "runtime/store/state.ts", from: "FROM entry ", to: "FROM entries " },
    ...['"entry"', "FROM entry", "entry.key", "entry.value"].map((from) => ({
      file: "runtime/store/state-values.ts",
      from,
      to: from.replace("entry", "entries"),
    })),
  ],
  "widens the schema and crashes then": [
    migration("CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"),
    later(`throw new Error("planted");`),
  ],
} satisfies Readonly<Record<string, readonly Patch[]>>;

/** A copy of the tree from which versions are packed; the packages are links to the same files. */
export class PackagedVersions {
  readonly #tree: string;
  readonly #out: string;

  constructor(folder: string) {
    this.#tree = join(folder, "tree");
    this.#out = join(folder, "packed");
    const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0");
    for (const file of files.filter((one) => one !== "" && !one.startsWith("tests/"))) {
      mkdirSync(dirname(join(this.#tree, file)), { recursive: true });
      cpSync(join(root, file), join(this.#tree, file));
    }
    execFileSync("cp", ["-al", join(root, "node_modules"), join(this.#tree, "node_modules")]);
  }

  /** @returns what the gateways come with: the very artefact that GATEHOUSE_BINARY names, otherwise one packed as `version` */
  async factory(version: string): Promise<string> {
    return (process.env["GATEHOUSE_BINARY"] ?? "") === "" ? await this.pack(version) : gatehouseProgram();
  }

  /** @returns the packaged program of this version, for this machine */
  async pack(version: string, patches: readonly Patch[] = []): Promise<string> {
    const before = patches.map(({ file }) => [join(this.#tree, file), readFileSync(join(this.#tree, file), "utf8")] as const);
    const out = join(this.#out, version);
    try {
      for (const { file, from, to } of patches) {
        const text = readFileSync(join(this.#tree, file), "utf8");
        if (!text.includes(from)) throw new Error(`${file} looks different: the planted fault does not fit any more`);
        writeFileSync(join(this.#tree, file), text.replaceAll(from, to));
      }
      await promisify(execFile)(
        process.execPath,
        ["build/package/main.ts", "--artefact", "gatehouse", "--arch", process.arch, "--out", out],
        {
          cwd: this.#tree,
          env: { ...process.env, GATEHOUSE_VERSION: version, GATEHOUSE_COMMIT: "0".repeat(40) },
        },
      );
    } finally {
      for (const [file, text] of before) writeFileSync(file, text);
    }
    return join(out, `gatehouse-linux-${process.arch}`);
  }
}
