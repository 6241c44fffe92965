import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { usageError } from "./snmp-target.ts";

const scopes = ["view", "operate", "flows.read", "flows.write"];
const longestHours = 8;

/** `gatehouse noc technician token|answer`: lets a person in at a gateway's own page. Works beside a running NOC, and without one. */
export function registerTechnician(noc: Command, context: CommandContext): void {
  const group = noc
    .command("technician")
    .description("let a technician in at a gateway's own page: by a token, or by telephone")
    .addHelpText("after", examples("noc technician token gw-lisbon-01 --person ana@acme --scope 'view flows.write'"));
  group
    .command("token <gateway>")
    .description("a token for one person and one gateway, good once; the gateway verifies it without asking anybody")
    .requiredOption("--person <name>", "who it is for; stands in the audit book")
    .option("--tenant <name>", "the gateway's tenant", "default")
    .option("--scope <words>", `what the person may do: ${scopes.join(", ")}`, "view operate")
    .option("--hours <number>", "how long it is good, at most 8", "8")
    .option("--dir <folder>", "folder of the NOC's end, with its signing keys", "./gatehouse-state/noc")
    .option("--keys <folder>", "the signing keys themselves, where noc signer serve has them (default: DIR/keys)")
    .addHelpText(
      "after",
      examples("noc technician token gw-lisbon-01 --tenant acme --person ana@acme --scope 'view operate flows.write' --hours 4"),
    )
    .action((gateway: string, options: TokenOptions) => token(gateway, options, context));
  group
    .command("answer <gateway> <challenge>")
    .description("the answer to the challenge a technician reads from the gateway's page; ask who it is first")
    .option("--dir <folder>", "folder of the enrolment role", "./gatehouse-state/noc-enrolment")
    .addHelpText("after", examples("noc technician answer gw-lisbon-01 7K3M-2QXZ-4"))
    .action((gateway: string, challenge: string, options: { dir: string }) => answer(gateway, challenge, options.dir, context));
}

interface TokenOptions {
  readonly person: string;
  readonly tenant: string;
  readonly scope: string;
  readonly hours: string;
  readonly dir: string;
  readonly keys?: string;
}

async function token(gateway: string, options: TokenOptions, context: CommandContext): Promise<void> {
  const wanted = options.scope.split(/[\s,]+/).filter((word) => word !== "");
  const unknown = wanted.filter((word) => !scopes.includes(word));
  const hours = Number(options.hours);
  if (wanted.length === 0 || unknown.length > 0)
    throw usageError(context, `--scope: ${unknown.join(", ") || "nothing"} is none of ${scopes.join(", ")}`);
  if (!(hours > 0 && hours <= longestHours)) throw usageError(context, "--hours must be more than 0 and at most 8");
  if (!/^[\x20-\x7e]{1,120}$/.test(options.person)) throw usageError(context, "--person must be 1 to 120 printable characters");
  const { issuer, SigningKeys } = await import("../../cloud-bridge/noc/authority/signing-keys.ts");
  const nowS = () => Math.floor(context.clock.now().wallMs / 1_000);
  const folder = options.keys ?? join(options.dir, "keys");
  // Opening would make keys, and no gateway obeys those.
  if (!existsSync(join(folder, "signing.json")))
    throw usageError(context, `${folder} holds no signing keys; name the folder of noc serve with --dir, or that of the keys with --keys`);
  const keys = await SigningKeys.open(folder, nowS);
  const claims = {
    ...{ iss: issuer, aud: gateway, tenant: options.tenant, sub: options.person, scope: wanted.join(" ") },
    ...{ jti: Buffer.from(context.entropy.bytes(12)).toString("base64url"), iat: nowS(), exp: nowS() + Math.round(hours * 3_600) },
  };
  context.print(`${await keys.sign("gh-tech+jws", Buffer.from(JSON.stringify(claims)))}\n`);
}

async function answer(gateway: string, challenge: string, dir: string, context: CommandContext): Promise<void> {
  const { Roster } = await import("../../cloud-bridge/noc/enrolment/roster.ts");
  const { challengeResponse, isChallenge } = await import("../console/offline-challenge.ts");
  if (!isChallenge(challenge))
    throw usageError(context, "a challenge is two groups of four and a number, as in 7K3M-2QXZ-4: ask for it again");
  const file = join(dir, "enrolment.db");
  if (!existsSync(file)) throw usageError(context, `${dir} is no folder of the enrolment role (no enrolment.db); name it with --dir`);
  const roster = new Roster(file);
  try {
    const device = roster.findGateway(gateway);
    if (device === undefined || device.state !== "enrolled" || device.offlineKey === "")
      throw new GatewayError("noc.invalid", { message: `${gateway} is not enrolled here, so there is no key for an answer` });
    roster.note({ atMs: context.clock.now().wallMs, serial: device.serial, what: "answered a technician's challenge", from: "operator" });
    context.print(`${challengeResponse(Buffer.from(device.offlineKey, "base64url"), challenge)}\n`);
  } finally {
    roster.close();
  }
}
