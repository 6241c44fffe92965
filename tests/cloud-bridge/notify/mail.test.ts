import { afterEach, describe, expect, it } from "vitest";
import { MailNotifier, type MailNotifierOptions } from "../../../cloud-bridge/notify/mail-notifier.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import { peer } from "../../peers.ts";
import { alarm, cleared } from "./alarms.ts";
import { localCertificate } from "./certificate.ts";
import { type SmtpBehaviour, SmtpServer } from "./smtp-server.ts";

const clock = new SystemClock(() => true);
const never = new AbortController().signal;
const openssl = peer("openssl");
const login = { user: "gateway@example.org", password: "not-a-real-password" };
let server: SmtpServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function notifierTo(
  behaviour: SmtpBehaviour,
  access: Partial<MailNotifierOptions["server"]> = {},
  timeoutMs = 5_000,
): Promise<MailNotifier> {
  server = await SmtpServer.start(behaviour);
  return new MailNotifier({
    name: "duty",
    place: { tenant: "acme", gateway: "gw-lisbon-01", site: "lisbon-01" },
    envelope: { from: "Gateway <gw@example.org>", to: ["duty@example.org", "Second <second@example.org>"] },
    server: { host: "127.0.0.1", port: server.port, security: "none", clientName: "gw-lisbon-01.gatehouse.invalid", ...access },
    timeoutMs,
    clock,
  });
}

async function codeOf(work: Promise<void>): Promise<string> {
  return work.then(
    () => "delivered",
    (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
  );
}

describe("mail", () => {
  it("delivers an alarm and its clear as one thread to everybody", async () => {
    const notifier = await notifierTo({});
    const raised = alarm("a", { text: "Türsteuerung: Uplink «Gi1/0/24» down", attributes: { repair: "Check the fibre" } });
    await notifier.notify(raised, never);
    await notifier.notify(cleared(raised), never);
    const [first, second] = server?.mails ?? [];
    expect(first).toMatchObject({ from: "gw@example.org", to: ["duty@example.org", "second@example.org"] });
    expect(first?.text).toContain("Türsteuerung: Uplink «Gi1/0/24» down");
    expect(first?.text).toContain("Check the fibre");
    expect(first?.headers).toContain(`Message-ID: <${raised.id}.1@gw-lisbon-01.gatehouse.invalid>`);
    const thread = (headers: string | undefined) => /References: (.*)/.exec(headers ?? "")?.[1];
    expect(thread(second?.headers)).toBe(thread(first?.headers));
    expect(second?.text).toContain("cleared");
  });

  it("lets no device write header lines", async () => {
    const notifier = await notifierTo({});
    await notifier.notify(alarm("a", { text: "down\r\nBcc: everybody@example.org\r\n\r\n.\r\nMAIL FROM:<x>" }), never);
    expect(server?.mails).toHaveLength(1);
    expect(server?.mails[0]?.headers).not.toMatch(/^Bcc/m);
  });

  it.skipIf(!openssl.available)(`signs in by STARTTLS with the authority it was given ${openssl.reason}`, async () => {
    const tls = localCertificate();
    const access = { security: "starttls", host: "localhost", ca: tls.cert, username: login.user, password: login.password } as const;
    const notifier = await notifierTo({ tls, offersStartTls: true, login }, access);
    await notifier.notify(alarm("a"), never);
    expect(server?.mails[0]).toMatchObject({ isEncrypted: true, user: login.user });
  });

  it.skipIf(!openssl.available)(`refuses a server with another certificate ${openssl.reason}`, async () => {
    const access = { security: "starttls", host: "localhost", ca: localCertificate().cert } as const;
    const notifier = await notifierTo({ tls: localCertificate(), offersStartTls: true }, access);
    expect(await codeOf(notifier.notify(alarm("a"), never))).toBe("notify.tls");
    expect(server?.mails).toHaveLength(0);
  });

  it("sends nothing in clear text when STARTTLS is wanted and not offered", async () => {
    const notifier = await notifierTo({ login }, { security: "starttls", username: login.user, password: login.password });
    expect(await codeOf(notifier.notify(alarm("a"), never))).toBe("notify.tls");
  });

  it("refuses clear text that was slipped in behind STARTTLS", async () => {
    const notifier = await notifierTo(
      { offersStartTls: true, instead: { STARTTLS: "220 ready\r\n250 slipped in\r\n" } },
      { security: "starttls" },
    );
    expect(await codeOf(notifier.notify(alarm("a"), never))).toBe("notify.tls");
  });

  it("tells not now from not so", async () => {
    expect(await codeOf((await notifierTo({ instead: { RCPT: "451 later\r\n" } })).notify(alarm("a"), never))).toBe("notify.unavailable");
    await server?.stop();
    expect(await codeOf((await notifierTo({ instead: { RCPT: "550 nobody\r\n" } })).notify(alarm("a"), never))).toBe("notify.refused");
    await server?.stop();
    const wrong = await notifierTo({ login }, { username: login.user, password: "wrong-password" });
    expect(await codeOf(wrong.notify(alarm("a"), never))).toBe("notify.refused");
  });

  it("bounds what a server says, in bytes and in time", async () => {
    const endless = await notifierTo({ instead: { GREETING: "220-x".repeat(20_000) } });
    expect(await codeOf(endless.notify(alarm("a"), never))).toBe("notify.unavailable");
    await server?.stop();
    const silent = await notifierTo({ instead: { EHLO: "" } }, {}, 200);
    expect(await codeOf(silent.notify(alarm("a"), never))).toBe("notify.unreachable");
    await server?.stop();
    const foreign = await notifierTo({ instead: { GREETING: "SSH-2.0-OpenSSH_9.9\r\n" } });
    expect(await codeOf(foreign.notify(alarm("a"), never))).toBe("notify.unavailable");
  });

  it("says that nobody listens", async () => {
    const notifier = await notifierTo({});
    await server?.stop();
    expect(await codeOf(notifier.notify(alarm("a"), never))).toBe("notify.unreachable");
  });
});
