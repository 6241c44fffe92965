/** A piece of a file as it stands there, and what takes its place. */
export interface Edit {
  readonly file: string;
  /** Stands there once at least; the first place is replaced. */
  readonly find: string;
  readonly replace: string;
}

/** One control of SECURITY.md taken out, and the test that must fail then. */
export interface SecurityMutant extends Edit {
  /** Test file and title, word for word as in SECURITY.md. */
  readonly test: string;
  readonly title: string;
  /** Where a second place sees to the same thing. */
  readonly also?: Edit;
}

/** At least one for each test that SECURITY.md names; security-md.test.ts sees to it. */
export const securityMutants: readonly SecurityMutant[] = [
  {
    test: "tests/update/attacks.test.ts",
    title: "is refused when a new root is not signed by the old one's keys",
    file: "cloud-bridge/protocol/release/trusted-releases.ts",
    find: '    verifySignatures(current.role, "root", document);\n',
    replace: "",
  },
  {
    test: "tests/update/attacks.test.ts",
    title: "is refused when older metadata is served than was seen (rollback)",
    file: "cloud-bridge/protocol/release/trusted-releases.ts",
    find: "if (version < before) throw",
    replace: "if (version < 0) throw",
  },
  {
    test: "tests/update/cuts.test.ts",
    title: "starts the old or the new program, whole, whatever change the power went before",
    file: "runtime/update/transfer.ts",
    find: "    out.sync();\n  } finally {\n    out.close();\n  }\n  if (length !== release.length",
    replace: "  } finally {\n    out.close();\n  }\n  if (length !== release.length",
  },
  {
    test: "tests/security/hardening.test.ts",
    title: "is no root and keeps five capabilities, no more",
    file: "build/systemd/gatehouse.service",
    find: "User=gatehouse\n",
    replace: "User=root\n",
  },
  {
    test: "tests/security/factory-reset.test.ts",
    title: "leaves nothing of the customer on the disk",
    file: "runtime/host/erase-state.ts",
    find: "bytes += overwrite(file);",
    replace: "bytes += 0;",
    also: {
      file: "runtime/cli/enrol.ts",
      find: 'eraseFreeSpace(resolve(options.state, ".."))',
      replace: 'resolve(options.state, "..").length',
    },
  },
  {
    test: "tests/security/hardening.test.ts",
    title: "of the uplink and of enrolment are TLS 1.3 only",
    file: "cloud-bridge/uplink/socket.ts",
    find: 'minVersion: "TLSv1.3"',
    replace: 'minVersion: "TLSv1.2"',
  },
  {
    test: "tests/integration/uplink-outage.test.ts",
    title: "delivers everything that was measured while the broker was dead, each chunk once, the present first",
    file: "runtime/northbound/drain.ts",
    find: "entry.confirmed = true;",
    replace:
      "entry.confirmed = true;\n          void this.#parts.buffer.acknowledge({ stream: cursor.stream, upTo: chunk.seq, ranges: [] });",
  },
  {
    test: "tests/host/audit-book.test.ts",
    title: "chains records, goes on with the chain after a start, and finds it whole",
    file: "runtime/host/audit-book.ts",
    find: "prev: this.#prev,",
    replace: 'prev: "0".repeat(64),',
  },
  {
    test: "tests/console/console.test.ts",
    title: "takes a code once, in any spelling, and not after ten minutes",
    file: "runtime/console/one-time-codes.ts",
    find: "    this.#unused.delete(key);\n    if (untilMs",
    replace: "    if (untilMs",
  },
  {
    test: "tests/console/console.test.ts",
    title: "shuts an address out for an hour after five wrong codes, right ones included, and says so",
    file: "runtime/console/try-limit.ts",
    find: "tries.lockedUntilMs = nowMs + lockMs;",
    replace: "tries.lockedUntilMs = nowMs;",
  },
  {
    test: "tests/console/console.test.ts",
    title: "refuses host names that are not its own, and pages of other sites",
    file: "runtime/console/console.ts",
    find: "const isOwn = this.#own.isOwn(host) &&",
    replace: "const isOwn = true || this.#own.isOwn(host) &&",
  },
  {
    test: "tests/console/console.test.ts",
    title: "ends a session that idles for an hour, and any session after eight",
    file: "runtime/console/sessions.ts",
    find: "return nowMs >= kept.endMs || nowMs - kept.seenMs >= idleMs;",
    replace: "return nowMs >= kept.endMs;",
  },
  {
    test: "tests/security/fuzz.test.ts",
    title: "crash no reader, and are never taken for genuine",
    file: "cloud-bridge/protocol/envelope.ts",
    find: "const { payload } = await compactVerify(text, key, { algorithms: [pinned.algorithm] });",
    replace: 'void compactVerify;\n    void key;\n    const payload = new Uint8Array(Buffer.from(text.split(".")[1] ?? "", "base64url"));',
  },
  {
    test: "tests/security/canaries.test.ts",
    title: "stand in no log, error, answer, page, message, database, bundle or dump",
    file: "runtime/model/secret.ts",
    find: '  toJSON(): string {\n    return "[secret]";',
    replace: "  toJSON(): string {\n    return this.#text;",
  },
  {
    test: "tests/northbound/orders/attacks.test.ts",
    title: "cannot replay a command in the next session, after a reboot, or on a restored state",
    file: "runtime/northbound/authority/authority.ts",
    find: "if (nonce === undefined || command.nonce !== nonce) throw",
    replace: "if (nonce === undefined) throw",
  },
  {
    test: "tests/northbound/orders/attacks.test.ts",
    title: "cannot replay an older manifest after a reboot, without a clock, or on a restored state",
    file: "runtime/northbound/authority/authority.ts",
    find: "if (isAfter(candidate, before)) return false;",
    replace: "if (candidate.gen !== before.gen) return false;",
  },
  {
    test: "tests/northbound/orders/attacks.test.ts",
    title: "gets nothing at all from a gateway that pins nobody",
    file: "runtime/northbound/authority/authority.ts",
    find: 'if (!this.#ring.isPinned) throw refusal("no key is pinned");\n',
    replace: "",
  },
  {
    test: "tests/integration/orders.test.ts",
    title: "that cut the gateway off are taken back by the gateway alone",
    file: "runtime/northbound/desired-state/engine.ts",
    find: "await reachNoc(both);",
    replace: "void reachNoc;",
  },
  {
    test: "tests/integration/orders.test.ts",
    title: "of somebody who only holds the broker are refused, counted, and change nothing",
    file: "cloud-bridge/protocol/envelope.ts",
    find: "const { payload } = await compactVerify(text, key, { algorithms: [pinned.algorithm] });",
    replace: 'void compactVerify;\n    void key;\n    const payload = new Uint8Array(Buffer.from(text.split(".")[1] ?? "", "base64url"));',
  },
  {
    test: "tests/integration/orders.test.ts",
    title: "that disrupt wait for a second person, who is another one",
    file: "cloud-bridge/noc/authority/command-book.ts",
    find: "if (row.by === by) throw",
    replace: 'if (by === "") throw',
  },
  {
    test: "tests/integration/orders.test.ts",
    title: "are signed by a process that alone holds the keys: neither files nor memory of the other have them",
    file: "runtime/cli/noc-signer.ts",
    find: "return RemoteSigner.open(options.signer);",
    replace: 'void RemoteSigner;\n  return openKeys(options.signer.replace("sign.sock", "signer"), context);',
  },
  {
    test: "tests/cloud-bridge/noc/authority/signer.test.ts",
    title: "signs no older generation and no other content under a number that it signed, also after a restart",
    file: "cloud-bridge/noc/authority/signer-policy.ts",
    find: "epoch === last.epoch && gen <= last.gen",
    replace: "epoch === last.epoch && gen < 0",
  },
  {
    test: "tests/cloud-bridge/noc/memory-watch.test.ts",
    title: "that was put back raises an alarm, which is over when it has caught up",
    file: "cloud-bridge/noc/ingest/memory-watch.ts",
    find: "if (!wentBack && !sameNonce) return;",
    replace: "if (!sameNonce) return;",
  },
  {
    test: "tests/cloud-bridge/noc/identity-watch.test.ts",
    title: "are certain when a boot comes back after another one, even with growing numbers",
    file: "cloud-bridge/noc/ingest/identity-watch.ts",
    find: 'if (life !== last && row.lives.includes(life)) return "returned";',
    replace: "",
  },
  {
    test: "tests/security/enrolled-site.test.ts",
    title: "tells a cloned state folder from the gateway itself within one session",
    file: "cloud-bridge/noc/ingest/batch.ts",
    find: "await watchIdentity(drafts, gateway, understood.message, delivery.retained);",
    replace: "void watchIdentity;",
  },
  {
    test: "tests/security/enrolled-site.test.ts",
    title: "takes a credential that the NOC sealed, and polls snmpd with it",
    file: "cloud-bridge/protocol/sealed-secret.ts",
    find: 'return content["secret"];',
    replace: 'return "";',
  },
  {
    test: "tests/integration/flows-sandbox.test.ts",
    title: "listen on a port: it ends the process, and the service that tried is named",
    file: "flows/host-options.ts",
    find: '"--permission",',
    replace: '"--no-deprecation",',
  },
  {
    test: "tests/integration/flows-services.test.ts",
    title: "is held to its rate: orders beyond it are refused and counted",
    file: "flows/orders.ts",
    find: "if (!this.#rates.admit(id, operation, limit, cost?.(args) ?? 1)) throw",
    replace: "if (!this.#rates.admit(id, operation, limit, cost?.(args) ?? 1) && limit < 0) throw",
  },
  {
    test: "tests/integration/flows-services.test.ts",
    title: "calls no address of this machine, of the cloud's metadata, or of the NOC",
    file: "flows/http-call.ts",
    find: "if (family === 0) return false;",
    replace: "if (family >= 0) return false;",
  },
  {
    test: "tests/integration/flows-editor.test.ts",
    title: "serves nothing but the editor",
    file: "flows/host/editor.ts",
    find: "response.writeHead(421,",
    replace: "response.writeHead(200,",
  },
  {
    test: "tests/integration/enrolled-uplink.test.ts",
    title: "lets an enrolled gateway publish its own topics, before and after renewal, and not after revocation until it enrols again",
    file: "cloud-bridge/noc/enrolment/certificate-authority.ts",
    find: "entries: revoked.map((one) => ({ serialNumber: one.serialNumber, revocationDate: new Date(one.atMs) })),",
    replace:
      "entries: revoked.slice(revoked.length).map((one) => ({ serialNumber: one.serialNumber, revocationDate: new Date(one.atMs) })),",
  },
  {
    test: "tests/integration/enrolled-uplink.test.ts",
    title: "gives nobody another gateway's topics or session, whatever name it claims",
    file: "cloud-bridge/noc/enrolment/broker-files.ts",
    find: '"use_username_as_clientid true",',
    replace: '"use_username_as_clientid false",',
  },
  {
    test: "tests/northbound/orders/desk.test.ts",
    title: "respects the local lock for all but reading, and remembers the refusal",
    file: "runtime/northbound/command-desk/desk.ts",
    find: 'if (by.from === "noc" && operation.risk !== "read" && this.#parts.lock.isLocked) {',
    replace: 'if (by.from === "" && operation.risk !== "read" && this.#parts.lock.isLocked) {',
  },
  {
    test: "tests/console/technician.test.ts",
    title: "open with the right key for the right gateway only, and say nothing of what was inside",
    file: "cloud-bridge/protocol/sealed-secret.ts",
    find: 'if (content["gateway"] !== gateway || typeof',
    replace: 'if (gateway === "" || typeof',
  },
  {
    test: "tests/config/gateway-configuration.test.ts",
    title: "says everything at once, each with line, column, pointer and a sentence, in the order of the file",
    file: "runtime/config/violations.ts",
    find: "const maxViolations = 1000;",
    replace: "const maxViolations = 1;",
  },
  {
    test: "tests/security/hardening.test.ts",
    title: "does not start as a service while its environment could change what it runs or whom it believes",
    file: "runtime/host/closed-environment.ts",
    find: "const refused = isService ? open : open.filter(",
    replace: "void isService;\n  const refused = open.filter(",
  },
  {
    test: "tests/security/hardening.test.ts",
    title: "are not checked in two places only: where the label's fingerprint is, and where a check looks at somebody's certificate",
    file: "cloud-bridge/uplink/socket.ts",
    find: "rejectUnauthorized: true",
    replace: "rejectUnauthorized: false",
  },
  {
    test: "tests/cloud-bridge/enrolment/enrolment.test.ts",
    title: "tells nothing to a server whose authority is not the one on the label",
    file: "cloud-bridge/uplink/enrolment/enrolment-client.ts",
    find: "if (seen !== fingerprint) {",
    replace: "if (seen === fingerprint.slice(1)) {",
  },
  {
    test: "tests/cloud-bridge/enrolment/enrolment.test.ts",
    title: "stops after five tries in an hour, also for the right claim",
    file: "cloud-bridge/noc/enrolment/enrolment-desk.ts",
    find: "if (recent.length < maxTriesPerHour) return;",
    replace: "if (recent.length <= maxTriesPerHour) return;",
  },
  {
    test: "tests/cloud-bridge/enrolment/enrolment.test.ts",
    title: "takes a claim once: a second device with the same label is refused and noted",
    file: "cloud-bridge/noc/enrolment/enrolment-desk.ts",
    find: 'if (device.state === "enrolled" || device.state === "revoked") {',
    replace: 'if (device.state === "revoked") {',
  },
  {
    test: "tests/cloud-bridge/enrolment/enrolment.test.ts",
    title: "keeps keys and identity encrypted, in files of the owner, and does not open them on another board",
    file: "runtime/host/sealed-file.ts",
    find: 'hkdfSync("sha256", root, this.#binding(),',
    replace: 'hkdfSync("sha256", root, this.#binding().slice(99),',
  },
  {
    test: "tests/cloud-bridge/enrolment/enrolment.test.ts",
    title: "gives a listed device a certificate that names gateway and tenant, valid 90 days and back-dated by one",
    file: "cloud-bridge/noc/enrolment/certificate-authority.ts",
    find: "export const leafDays = 90;",
    replace: "export const leafDays = 900;",
  },
];
