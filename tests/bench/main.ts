/** `npm run bench -- snmp|store|uplink|codec|site|checks|commits|flows|flow-memory|late-crash|activation|remote-editor|footprint|delta|alarms|attacks|fuzz [arguments]`: one bench after the other; each figure with its goal. README.md says how each is got. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const names = [
  "snmp",
  "store",
  "uplink",
  "codec",
  "site",
  "checks",
  "commits",
  "flows",
  "flow-memory",
  "late-crash",
  "activation",
  "remote-editor",
  "footprint",
  "delta",
  "alarms",
  "attacks",
  "fuzz",
];
const given = process.argv.slice(2);
const chosen = given.filter((argument) => names.includes(argument));
// What is not the name of a bench belongs to the bench: `-- site --seconds 300`.
const rest = given.filter((argument) => !names.includes(argument));
if (chosen.length === 0) {
  console.log(`npm run bench -- ${names.join("|")} [arguments of the bench]`);
  process.exit(2);
}
for (const name of chosen) {
  const program = fileURLToPath(new URL(`${name}/main.ts`, import.meta.url));
  if (!existsSync(program)) throw new Error(`there is no bench ${name} in this checkout`);
  const child = spawn(process.execPath, [program, ...rest], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) process.exitCode = code ?? 1;
}
