import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly headers: string;
  readonly text: string;
  readonly user: string | undefined;
  readonly isEncrypted: boolean;
}

export interface SmtpBehaviour {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly offersStartTls?: boolean;
  readonly login?: { readonly user: string; readonly password: string };
  /** Answer in place of the usual one, by the command's first word. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** A small mail server that speaks SMTP over TCP: EHLO, STARTTLS, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA. Keeps what it accepts. */
export class SmtpServer {
  readonly mails: ReceivedMail[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  behaviour: SmtpBehaviour;

  private constructor(behaviour: SmtpBehaviour) {
    this.behaviour = behaviour;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      new Conversation(this, socket).greet();
    });
  }

  static async start(behaviour: SmtpBehaviour = {}): Promise<SmtpServer> {
    const made = new SmtpServer(behaviour);
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}

class Conversation {
  readonly #server: SmtpServer;
  #socket: Socket;
  #buffered = "";
  #from = "";
  #to: string[] = [];
  #user: string | undefined;
  #data: string | undefined;
  #loginSteps: string[] | undefined;
  #isEncrypted = false;

  constructor(server: SmtpServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    this.#listen();
  }

  greet(): void {
    this.#socket.write(this.#server.behaviour.instead?.["GREETING"] ?? "220 mail.example.org ESMTP\r\n");
  }

  #listen(): void {
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", (piece: Buffer) => {
      this.#buffered += piece.toString("latin1");
      for (let end = this.#buffered.indexOf("\r\n"); end >= 0; end = this.#buffered.indexOf("\r\n")) {
        const line = this.#buffered.slice(0, end);
        this.#buffered = this.#buffered.slice(end + 2);
        this.#line(line);
      }
    });
  }

  #say(text: string): void {
    this.#socket.write(`${text}\r\n`);
  }

  #line(line: string): void {
    if (this.#data !== undefined) {
      this.#dataLine(line);
      return;
    }
    if (this.#loginSteps !== undefined) {
      this.#loginLine(line);
      return;
    }
    const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? "";
    const instead = this.#server.behaviour.instead?.[verb];
    if (instead !== undefined) {
      this.#socket.write(instead);
      return;
    }
    if (verb === "EHLO") {
      this.#hello();
      return;
    }
    if (verb === "STARTTLS") {
      this.#startTls();
      return;
    }
    if (verb === "AUTH") {
      this.#auth(line);
      return;
    }
    if (verb === "MAIL") this.#from = /<(.*)>/.exec(line)?.[1] ?? "";
    if (verb === "RCPT") this.#to.push(/<(.*)>/.exec(line)?.[1] ?? "");
    if (verb === "DATA") {
      this.#data = "";
      this.#say("354 go ahead");
      return;
    }
    this.#say(verb === "QUIT" ? "221 bye" : "250 ok");
  }

  #hello(): void {
    const { offersStartTls, login } = this.#server.behaviour;
    const extensions = ["SIZE 1000000", ...(offersStartTls === true && !this.#isEncrypted ? ["STARTTLS"] : [])];
    if (login !== undefined) extensions.push("AUTH PLAIN LOGIN");
    this.#say(
      ["mail.example.org", ...extensions].map((text, index) => `250${index === extensions.length ? " " : "-"}${text}`).join("\r\n"),
    );
  }

  #startTls(): void {
    const { tls } = this.#server.behaviour;
    if (tls === undefined) {
      this.#say("454 not now");
      return;
    }
    this.#say("220 ready");
    this.#socket.removeAllListeners("data");
    this.#socket = new TLSSocket(this.#socket, { isServer: true, secureContext: createSecureContext(tls) });
    this.#isEncrypted = true;
    this.#listen();
  }

  #auth(line: string): void {
    const [, method, initial = ""] = line.split(" ");
    if (method === "LOGIN") {
      this.#loginSteps = [];
      this.#say("334 VXNlcm5hbWU6");
      return;
    }
    const [, user = "", password = ""] = Buffer.from(initial, "base64").toString().split("\0");
    this.#judge(user, password);
  }

  #loginLine(line: string): void {
    this.#loginSteps?.push(Buffer.from(line, "base64").toString());
    const [user, password] = this.#loginSteps ?? [];
    if (user === undefined || password === undefined) {
      this.#say("334 UGFzc3dvcmQ6");
      return;
    }
    this.#loginSteps = undefined;
    this.#judge(user, password);
  }

  #judge(user: string, password: string): void {
    const { login } = this.#server.behaviour;
    if (user !== login?.user || password !== login.password) {
      this.#say("535 no");
      return;
    }
    this.#user = user;
    this.#say("235 ok");
  }

  #dataLine(line: string): void {
    if (line !== ".") {
      this.#data += `${line.startsWith("..") ? line.slice(1) : line}\r\n`;
      return;
    }
    const [headers = "", body = ""] = (this.#data ?? "").split(/\r\n\r\n(.*)/s);
    const text = Buffer.from(body, "base64").toString();
    this.#server.mails.push({ from: this.#from, to: this.#to, headers, text, user: this.#user, isEncrypted: this.#isEncrypted });
    this.#data = undefined;
    this.#to = [];
    this.#say("250 queued");
  }
}
