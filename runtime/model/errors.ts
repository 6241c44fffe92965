/**
 * The one table of errors. A code is never renumbered, renamed or reused; its prefix is the port that throws it.
 * `help` says what a person can do. The reference in the documentation is generated from this table.
 */
export const errorTable = {
  "driver.timeout": { retryable: true, help: "The equipment did not answer. Check address, port, firewall and that SNMP is on." },
  "driver.unreachable": {
    retryable: true,
    help: "The address has no way to it: its name is not known, or the network refused the datagram. Check the address, DNS and routing.",
  },
  "driver.auth": { retryable: true, help: "The equipment refused the credential. Check community, user, keys and protocols." },
  "driver.bad-answer": {
    retryable: true,
    help: "The equipment answered something that is not valid. See the counters in `gatehouse status`.",
  },
  "driver.unsupported": { retryable: false, help: "The driver or this machine cannot do that." },
  "driver.refused": { retryable: false, help: "The equipment refused the operation; it may be read-only." },
  "driver.limit": { retryable: false, help: "A limit (rows, requests, time) was reached before the end of the answer." },
  "buffer.closed": { retryable: false, help: "The buffer is closed; the gateway is shutting down." },
  "buffer.full": {
    retryable: true,
    help: "The buffer reached its budget and what is in it may not be dropped. Raise buffer.budgetBytes or restore the uplink.",
  },
  "buffer.disk-full": {
    retryable: true,
    help: "The file system is full. Free space; measurements are kept in memory meanwhile, as far as it goes.",
  },
  "buffer.io": { retryable: true, help: "The disk reported an error. The file is reopened; if this repeats, replace the card." },
  "buffer.corrupt": { retryable: false, help: "A file of the buffer is damaged. It was set aside under corrupt/ and a new one begun." },
  "buffer.busy": { retryable: false, help: "Another process uses this state folder. Stop it or choose another with --state." },
  "buffer.denied": { retryable: false, help: "The state folder cannot be written. Check owner and rights." },
  "buffer.version": { retryable: false, help: "The state folder was written by a newer version. Use that version or another folder." },
  "buffer.migration": {
    retryable: false,
    help: "This version changes a database so that the version before could not go on. Nothing was changed; do not install it.",
  },
  "codec.malformed": { retryable: false, help: "The bytes are not a valid chunk." },
  "codec.limit": { retryable: false, help: "The chunk exceeds a limit of the protocol." },
  "codec.dictionary": { retryable: true, help: "The chunk refers to a dictionary revision that is not known yet." },
  "codec.signature": {
    retryable: false,
    help: "The document is not signed by a key trusted for its purpose, or is meant for another gateway. Check the NOC's signing keys.",
  },
  "uplink.refused": { retryable: true, help: "The broker, or the NOC at enrolment, refused. Check identity, approval, ACL and its log." },
  "uplink.unreachable": { retryable: true, help: "The broker cannot be reached. Check the URL, DNS, firewall and the line." },
  "uplink.tls": { retryable: true, help: "The TLS handshake failed. Check the CA, the certificate's dates and this machine's clock." },
  "uplink.lost": { retryable: true, help: "The connection to the broker was lost; the gateway reconnects by itself." },
  "uplink.no-puback": { retryable: true, help: "The broker stopped acknowledging; the connection is replaced." },
  "uplink.rejected": { retryable: true, help: "The broker rejected a publication. Check its ACL and limits." },
  "uplink.too-large": { retryable: false, help: "The message exceeds the broker's maximum packet size." },
  "notify.unreachable": {
    retryable: true,
    help: "The receiver of the notification cannot be reached. Check its address, DNS, firewall and the line.",
  },
  "notify.tls": { retryable: true, help: "The receiver's certificate is not trusted. Check ca, host name and this machine's clock." },
  "notify.unavailable": { retryable: true, help: "The receiver took the connection but not the notification; it is tried again." },
  "notify.refused": { retryable: false, help: "The receiver refuses the notification. Check its address, secret, user and rights." },
  "config.unreadable": { retryable: false, help: "A file or folder that was named cannot be read. Check the path and rights." },
  "config.invalid": { retryable: false, help: "The configuration has errors; each is listed with file, line and pointer." },
  "config.secret": { retryable: false, help: "A referenced secret is not there. Set the variable or create the file." },
  "flow.refused": { retryable: false, help: "The flow was refused before anything was touched; the reason names the node." },
  "flow.unavailable": { retryable: true, help: "The flow host does not run here, or not now; `gatehouse status` says why." },
  "service.unknown": { retryable: false, help: "No such service in the catalogue." },
  "command.refused": { retryable: false, help: "The command is not allowed or not valid." },
  "web.page": { retryable: false, help: "The pages could not be made. In a checkout run npm ci; in a package this is a bug." },
  "command.expired": { retryable: true, help: "The command came too late. Send it again." },
  "command.interrupted": {
    retryable: true,
    help: "The gateway stopped while the command ran; whether it took effect is not known. Look before you send it again.",
  },
  "command.busy": { retryable: true, help: "Too many commands wait. Send it again later." },
  "command.locked": { retryable: true, help: "Someone at the site locked the gateway. Ask them, or wait for `gatehouse unlock`." },
  "host.port-in-use": { retryable: true, help: "Another program uses this port. Stop it or choose another port." },
  "host.not-running": { retryable: true, help: "Is `gatehouse run` running? Give its state folder with --state." },
  "host.denied": { retryable: false, help: "The operating system refused it. Check user, rights and capabilities." },
  "noc.unreachable": { retryable: true, help: "The NOC's end does not answer. Is `gatehouse noc serve` running?" },
  "noc.store-busy": { retryable: true, help: "Another program holds the NOC's database. Nothing is acknowledged until it lets go." },
  "noc.store": { retryable: true, help: "The NOC's database cannot be written. Check the disk, free space and rights of the folder." },
  "noc.store-version": { retryable: false, help: "The NOC's database was written by a newer version. Use that version or another folder." },
  "noc.invalid": { retryable: false, help: "The request to the NOC's end is not valid; the message names the parameter." },
  "noc.denied": { retryable: false, help: "There is no token that the NOC's end takes. Check --token-file." },
  "update.refused": { retryable: false, help: "The update cannot be done; the reason is in the message. The running version stays." },
  "update.untrusted": {
    retryable: false,
    help: "Release metadata or file is not what trusted keys signed, or not for this gateway. Nothing was installed; tell the NOC.",
  },
  "update.unreachable": {
    retryable: true,
    help: "The releases cannot be fetched. Check the line and the address of the repository; it goes on by itself.",
  },
  "update.disk": { retryable: true, help: "The new version cannot be written. Free space in the slots' folder, check owner and rights." },
  "update.self-test": { retryable: false, help: "The new version failed its own test on a copy of the state; it was not started." },
} as const satisfies Record<string, { readonly retryable: boolean; readonly help: string }>;

export type ErrorCode = keyof typeof errorTable;

/** Values for people and logs; never a secret, a payload, or a key chosen by a peer. */
export type ErrorFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The world misbehaved. Anything else that is thrown is a bug and is not caught. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, options: { readonly message?: string; readonly cause?: unknown; readonly fields?: ErrorFields } = {}) {
    super(options.message ?? code, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GatewayError";
    this.code = code;
    this.fields = options.fields ?? {};
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }

  get help(): string {
    return errorTable[this.code].help;
  }
}

export function isGatewayError(error: unknown): error is GatewayError {
  return error instanceof GatewayError;
}
