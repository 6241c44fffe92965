import type { Command } from "commander";
import type { ServeOptions, ShipOptions } from "../parts-noc-enrolment.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

const defaultDir = "./gatehouse-state/noc-enrolment";

const exampleOf: Readonly<Record<string, string>> = {
  init: "init --name 'Acme gateways'",
  serve: "serve --broker mqtts://broker.example.net:8883 --listen 0.0.0.0:8443 --server-name noc.example.net",
  ship: "ship GH-1000-0001 --tenant acme --site lisbon-01",
  approve: "approve GH-1000-0001 --tenant acme --site lisbon-01 --label-file label.txt",
  list: "list --json",
  revoke: "revoke gh-1000-0001",
  release: "release gh-1000-0001",
  "server-certificate": "server-certificate broker.example.net --out /etc/mosquitto/certs",
  "broker-files": "broker-files /etc/mosquitto/gatehouse",
};

/** `gatehouse noc enrolment ...`: who may become a gateway. A role of its own, with a folder of its own: it alone holds the authority's key. */
export function registerEnrolment(noc: Command, context: CommandContext): void {
  const group = noc
    .command("enrolment")
    .description("the certificate authority and the shipping list: who may become a gateway")
    .addHelpText(
      "after",
      examples("noc enrolment init --name 'Acme gateways'", "noc enrolment ship GH-1000-0001 --tenant acme --site lisbon-01"),
    );
  const sub: Sub = (name, description) =>
    group
      .command(name)
      .description(description)
      .option("--dir <folder>", "folder of the enrolment role", defaultDir)
      .addHelpText("after", examples(`noc enrolment ${exampleOf[name.split(" ", 1)[0] ?? ""] ?? name}`));
  registerAuthority(sub, context);
  registerDevices(sub, context);
}

type Sub = (name: string, description: string) => Command;
const parts = () => import("../parts-noc-enrolment.ts");

function registerAuthority(sub: Sub, context: CommandContext): void {
  sub("init", "make the authority's key and certificate, once")
    .option("--name <text>", "name of the authority", "Gatehouse NOC")
    .action(async (options: { dir: string; name: string }) => {
      context.print(await (await parts()).initialise(options.dir, options.name, context));
    });
  sub("serve", "answer devices that want to enrol or renew, by HTTPS; writes the broker's files after every change")
    .option("--listen <host:port>", "address", "127.0.0.1:8443")
    .requiredOption("--broker <url>", "mqtts:// address that gateways get")
    .option("--server-name <name>", "name or address devices use for this server; may be repeated", many, [])
    .option("--unlisted-wait", "devices on no list wait for approval instead of being refused")
    .option("--trust <file>", "root of trust for signed documents, JSON, given to every enrolled gateway")
    .option("--broker-files <folder>", "keep acl and revocation list for the broker there")
    .option("--broker-pid-file <file>", "tell the broker to read them again (SIGHUP)")
    .action(async (options: ServeOptions) => (await parts()).serve(options, context));
  sub("server-certificate <names...>", "key and certificate for a server of the NOC: the broker, the page")
    .option("--out <folder>", "where server-key.pem and server-cert.pem go", ".")
    .option("--days <number>", "validity", "365")
    .action(async (names: string[], options: { dir: string; out: string; days: string }) => {
      context.print(await (await parts()).serverCertificate(names, options, context));
    });
  sub("broker-files <folder>", "write mosquitto's listener, ACL and revocation list, and EMQX's ACL")
    .option("--port <number>", "port of the listener", "8883")
    .action(async (folder: string, options: { dir: string; port: string }) => {
      context.print(await (await parts()).brokerFiles(folder, options, context));
    });
}

function registerDevices(sub: Sub, context: CommandContext): void {
  sub("ship <serial>", "put a device on the shipping list and print what stands on its label")
    .requiredOption("--tenant <name>", "whose it is")
    .requiredOption("--site <name>", "where it goes")
    .option("--gateway <id>", "its gateway id; left out: the serial in lower case")
    .option("--days <number>", "how long the claim is valid", "365")
    .action(async (serial: string, options: ShipOptions) => {
      context.print(await (await parts()).ship(serial, options, context));
    });
  sub("approve <serial>", "let a waiting or released device in; prints a new label")
    .requiredOption("--tenant <name>", "whose it is")
    .requiredOption("--site <name>", "where it stands")
    .option("--gateway <id>", "its gateway id; left out: the serial in lower case")
    .option("--label-file <file>", "the label that is on the device already; its claim is taken instead of a new one")
    .action(async (serial: string, options: ShipOptions) => {
      context.print(await (await parts()).approve(serial, { ...options, days: "30" }, context));
    });
  sub("list", "devices, their state and how long their certificates last")
    .option("--json", "as JSON")
    .action(async (options: { dir: string; json?: boolean }) => {
      context.print(await (await parts()).list(options.dir, options.json === true));
    });
  sub("events", "who came, with which outcome, newest first").action(async (options: { dir: string }) => {
    context.print(await (await parts()).events(options.dir));
  });
  sub("revoke <gateway>", "void its certificate: it gets no other, and the broker refuses it once it has the new list").action(
    async (gateway: string, options: { dir: string }) => context.print(await (await parts()).revoke(gateway, options.dir, context)),
  );
  sub("release <gateway>", "revoke, and let the device enrol again with a new label: after a repair, or for a new owner").action(
    async (gateway: string, options: { dir: string }) => context.print(await (await parts()).release(gateway, options.dir, context)),
  );
}

function many(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
