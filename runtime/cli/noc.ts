import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import packageJson from "../../package.json" with { type: "json" };
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { registerAlarms } from "./noc-alarms.ts";
import type { Asked } from "./noc-asked.ts";
import { registerAuthority } from "./noc-authority.ts";
import { registerEnrolment } from "./noc-enrolment.ts";
import { registerReleases, renewalOf } from "./noc-release.ts";
import { registerSecrets } from "./noc-secret.ts";
import { registerSecurityTxt } from "./noc-security-txt.ts";
import { registerSigner, signerOf, signerOption } from "./noc-signer.ts";
import { registerTechnician } from "./noc-technician.ts";

const defaultUrl = "http://127.0.0.1:8440";
const defaultDir = "./gatehouse-state/noc";

interface ServeOptions {
  readonly broker: string;
  readonly dir: string;
  readonly listen: string;
  readonly tenant?: readonly string[];
  readonly tokenFile?: string;
  readonly allowHost?: readonly string[];
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly releases?: string;
  readonly releaseKeys?: string;
  readonly config?: string;
  readonly editorListen: string;
  readonly editorUrl?: string;
  readonly keys?: string;
  readonly signer?: string;
  readonly authority: boolean;
  readonly authorityUsername?: string;
  readonly authorityPasswordFile?: string;
  readonly authorityCert?: string;
  readonly authorityKey?: string;
}

/** `gatehouse noc serve|sign-in|devices|tail|ledger` */
export function register(program: Command, context: CommandContext): void {
  const noc = program
    .command("noc")
    .description("the NOC's end: run it, or ask a running one")
    .addHelpText("after", examples("noc serve", "noc devices"));
  const many = (value: string, before: readonly string[] = []) => [...before, value];
  noc
    .command("serve")
    .description("take in what gateways send, keep it, acknowledge it and show it")
    .option("--broker <url>", "MQTT broker", "mqtt://127.0.0.1:18830")
    .option("--dir <folder>", "where its database and token lie", defaultDir)
    .option("--listen <host:port>", "address of the page and the API", "127.0.0.1:8440")
    .option("--tenant <name>", "tenant to serve; may be repeated; all if none is named", many)
    .option("--token-file <file>", "API token; made at the first start (default: DIR/token)")
    .option("--allow-host <name>", "host name the page may be asked for; may be repeated", many)
    .option("--username <name>", "user at the broker")
    .option("--password-file <file>", "file with the broker's password")
    .option("--ca <file>", "certificate authority of the broker (PEM)")
    .option("--cert <file>", "client certificate (PEM)")
    .option("--key <file>", "key of the client certificate (PEM)")
    .option("--releases <folder>", "repository of releases for gateways, served under /releases/ (default: DIR/releases)")
    .option(
      "--release-keys <folder>",
      "snapshot.pem and timestamp.pem, with which release metadata is signed anew each day; those of root and targets do not belong there (default: DIR/release-keys)",
    )
    .option(
      "--editor-listen <host:port>",
      "where browsers reach the flow editors of gateways: another port than the page's; port 0 = any",
      "127.0.0.1:8441",
    )
    .option("--editor-url <url>", "address of the same behind a TLS proxy, e.g. https://editor.example.net")
    .option("--keys <folder>", "signing keys; made at the first start (default: DIR/keys)")
    .addOption(signerOption)
    .option("--no-authority", "only listen: sign nothing, order nothing")
    .option("--authority-username <name>", "user at the broker of the role that orders, if it is another")
    .option("--authority-password-file <file>", "file with its password")
    .option("--authority-cert <file>", "its client certificate (PEM)")
    .option("--authority-key <file>", "key of that certificate (PEM)")
    .option("--config <file>", "who is told of alarms (noc.yaml: connectors)")
    .addHelpText(
      "after",
      examples("noc serve", "noc serve --broker mqtts://broker.example.net:8883 --dir /var/lib/gatehouse-noc --tenant acme"),
    )
    .action((options: ServeOptions) => serve(options, context));
  registerQuestions(noc, context);
  registerConnectors(noc, context);
  registerReleases(noc, context);
  registerAlarms(noc, context, { url: defaultUrl, tokenFile: join(defaultDir, "token") }, (options) => client(options));
  registerEnrolment(noc, context);
  registerSigner(noc, context);
  registerTechnician(noc, context);
  registerSecrets(noc, context);
  registerSecurityTxt(noc, context);
  registerAuthority(noc, context);
}

function registerQuestions(noc: Command, context: CommandContext): void {
  const question = (name: string, description: string) =>
    noc
      .command(name)
      .description(description)
      .option("--url <url>", "address of the NOC's end", defaultUrl)
      .option("--token-file <file>", "its API token", join(defaultDir, "token"));
  question("sign-in", "print a link that signs a browser in, once")
    .addHelpText("after", examples("noc sign-in"))
    .action(async (options: Asked) => {
      const { url } = await (await client(options)).post<{ readonly url: string }>("/api/sign-in-links", context.stopSignal());
      context.print(`${url}\n`);
    });
  question("devices", "gateways and their equipment")
    .option("--gateway <id>", "only this gateway")
    .option("--json", "as JSON")
    .addHelpText("after", examples("noc devices", "noc devices --gateway gw-lisbon-01 --json"))
    .action(async (options: Asked) => {
      const { printDevices } = await import("./noc-questions.ts");
      await printDevices(await client(options), options, context);
    });
  question("tail", "values and events as they come in")
    .option("--gateway <id>", "only this gateway")
    .option("--search <words>", "only values whose equipment, table, row or metric has these words")
    .option("--events", "events and alarms only")
    .option("--json", "one JSON object per line")
    .addHelpText("after", examples("noc tail", "noc tail --gateway gw-lisbon-01 --search 'sw-1 octets' --json"))
    .action(async (options: Asked) => {
      const { tail } = await import("./noc-questions.ts");
      await tail(await client(options), options, context);
    });
  question("ledger", "what was delivered, twice, late, or is missing, per gateway")
    .option("--gateway <id>", "only this gateway")
    .option("--recount", "count from the stored chunks, not from counters")
    .option("--json", "as JSON")
    .addHelpText("after", examples("noc ledger", "noc ledger --gateway gw-lisbon-01 --recount --json"))
    .action(async (options: Asked) => {
      const { printLedger } = await import("./noc-questions.ts");
      await printLedger(await client(options), options, context);
    });
}

function registerConnectors(noc: Command, context: CommandContext): void {
  noc
    .command("connectors")
    .description("who is told of alarms, what waits and what could not be passed on")
    .option("--url <url>", "address of the NOC's end", defaultUrl)
    .option("--token-file <file>", "its API token", join(defaultDir, "token"))
    .option("--retry <name>", "try again what this connector has set aside")
    .option("--json", "as JSON")
    .addHelpText("after", examples("noc connectors", "noc connectors --retry ops"))
    .action(async (options: Asked & { readonly retry?: string }) => {
      const { printConnectors } = await import("./noc-connectors.ts");
      await printConnectors(await client(options), options, context);
    });
}

async function client(options: Pick<Asked, "url" | "tokenFile">) {
  const { NocClient } = await import("../../cloud-bridge/noc/api/client.ts");
  const { readToken } = await import("../../cloud-bridge/noc/store/open-token.ts");
  return new NocClient({ url: options.url, token: readToken(options.tokenFile) });
}

async function serve(options: ServeOptions, context: CommandContext): Promise<void> {
  const { createNoc } = await import("../../cloud-bridge/noc/noc.ts");
  const { SqliteStore } = await import("../../cloud-bridge/noc/store/sqlite/sqlite-store.ts");
  const { openToken } = await import("../../cloud-bridge/noc/store/open-token.ts");
  const { bundledPages } = await import("../../cloud-bridge/noc/pages/bundle.ts");
  const listen = addressOf(options.listen);
  const tokenFile = options.tokenFile ?? join(options.dir, "token");
  const logger = await context.logger({ to: "stderr" });
  if (!/^(127\.|::1$|localhost$)/.test(listen.host))
    logger.warn({ host: listen.host }, "the page is served without TLS beyond this machine");
  const store = new SqliteStore(options.dir);
  const noc = createNoc({
    brokerUrl: options.broker,
    credentials: credentialsOf(options),
    tenants: options.tenant ?? [],
    listen,
    ...(options.allowHost === undefined ? {} : { allowedHosts: options.allowHost }),
    token: openToken(tokenFile, context.entropy),
    store,
    clock: context.clock,
    entropy: context.entropy,
    logger,
    pages: bundledPages(),
    releases: options.releases ?? join(options.dir, "releases"),
    version: packageJson.version,
    ...(await connectorsOf(options, context)),
    ...(await authorityOf(options, context, logger)),
    renewal: await renewalOf(options, context, logger),
    editor: await editorOf(options),
  });
  const signal = context.stopSignal();
  const running = noc.run(signal);
  const greeted = noc.signInLink().then(
    (link) =>
      context.print(
        `NOC's end of ${options.broker}\n  page   ${link}\n         (signs one browser in; another link: gatehouse noc sign-in --token-file ${tokenFile})\n  token  ${tokenFile}\n`,
      ),
    () => undefined,
  );
  await Promise.all([running, greeted]);
}

/** The role that orders: its own keys, its own database, its own line to the broker. Ingest is given none of them. */
async function authorityOf(options: ServeOptions, context: CommandContext, logger: Logger) {
  if (!options.authority) return {};
  const { NocAuthority } = await import("../../cloud-bridge/noc/authority/noc-authority.ts");
  const { AuthorityStore } = await import("../../cloud-bridge/noc/authority/authority-store.ts");
  const { clock, entropy } = context;
  const { authorityUsername, authorityPasswordFile, authorityCert, authorityKey } = options;
  const own = {
    ...(authorityUsername === undefined ? {} : { username: authorityUsername }),
    ...(authorityPasswordFile === undefined ? {} : { passwordFile: authorityPasswordFile }),
    ...(authorityCert === undefined ? {} : { cert: authorityCert }),
    ...(authorityKey === undefined ? {} : { key: authorityKey }),
  };
  const credentials = credentialsOf({ ...options, ...own });
  const line = { brokerUrl: options.broker, tenants: options.tenant ?? [], credentials };
  const authority = new NocAuthority({
    ...line,
    store: new AuthorityStore(options.dir),
    keys: await signerOf(options, context),
    clock,
    entropy,
    logger,
  });
  const { openServiceDirectory } = await import("../parts-noc-services.ts");
  const { Rollouts } = await import("../../cloud-bridge/noc/releases/rollouts.ts");
  const releases = options.releases ?? join(options.dir, "releases");
  return { directory: openServiceDirectory(), authority, rollouts: new Rollouts({ authority, releases, clock, logger }) };
}

async function editorOf({ editorListen, editorUrl }: ServeOptions) {
  const { installedEditorFiles } = await import("../parts-noc-editor.ts");
  const files = installedEditorFiles();
  return {
    listen: addressOf(editorListen),
    ...(editorUrl === undefined ? {} : { url: editorUrl.replace(/\/+$/, "") }),
    ...(files === undefined ? {} : { files }),
  };
}

async function connectorsOf({ config }: ServeOptions, context: CommandContext) {
  if (config === undefined) return {};
  const { loadNocConfiguration } = await import("../config/noc-configuration.ts");
  const { formatProblem } = await import("../config/problem.ts");
  const { value, warnings } = loadNocConfiguration(config, context.environment);
  for (const warning of warnings) context.say(`${formatProblem(warning)}\n`);
  const connectors = value.connectors.map(({ name, tenants, minSeverity, holdMs, url, secret, ca, timeoutMs, maxPerMinute }) => ({
    rules: { name, tenants, minSeverity, holdMs },
    target: { url, secret: secret.reveal(), timeoutMs, ...(ca === undefined ? {} : { ca }) },
    maxPerMinute,
  }));
  return { connectors };
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-f:]+\]|[^:]*):([0-9]{1,5})$/i.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) throw new GatewayError("config.invalid", { message: `--listen needs HOST:PORT, not ${text}` });
  return { host: (match[1] ?? "").replaceAll(/[[\]]/g, "") || "127.0.0.1", port };
}

function credentialsOf(options: ServeOptions) {
  return {
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.passwordFile === undefined ? {} : { password: secretOf(options.passwordFile).trim() }),
    ...(options.ca === undefined ? {} : { ca: secretOf(options.ca) }),
    ...(options.cert === undefined ? {} : { cert: secretOf(options.cert) }),
    ...(options.key === undefined ? {} : { key: secretOf(options.key) }),
  };
}

function secretOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.secret", { message: `cannot read ${file}`, cause });
  }
}
