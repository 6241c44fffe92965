import { request } from "node:http";
import type { SecuredSite } from "./secured-site.ts";

type Headers = Readonly<Record<string, string>>;

/** A gateway's own page as any program on the network sees it. */
export class ConsoleDoor {
  readonly #port: number;

  constructor(site: Pick<SecuredSite, "consolePort">) {
    this.#port = site.consolePort;
  }

  /** @returns the cookie of the session, or the status as text when nobody was let in */
  async signIn(secret: string): Promise<string> {
    const { status, cookie } = await this.#ask("POST", "/api/session", {}, { secret });
    return status === 200 ? cookie : String(status);
  }

  async challenge(): Promise<string> {
    const { text } = await this.#ask("POST", "/api/challenge", {}, {});
    return (JSON.parse(text) as { readonly challenge: string }).challenge;
  }

  async get(path: string, headers: Headers): Promise<number> {
    return (await this.#ask("GET", path, headers)).status;
  }

  post(path: string, body: unknown, headers: Headers): Promise<{ readonly status: number; readonly text: string }> {
    return this.#ask("POST", path, headers, body);
  }

  /** Asks for a web socket. @returns 101 when it was opened */
  async socket(path: string, headers: Headers): Promise<number> {
    const upgrade = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    };
    return (await this.#ask("GET", path, { ...upgrade, ...headers })).status;
  }

  #ask(
    method: string,
    path: string,
    headers: Headers,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly text: string; readonly cookie: string }> {
    return new Promise((resolve, reject) => {
      const own = { host: `127.0.0.1:${this.#port}`, "content-type": "application/json", "x-gatehouse": "1", ...headers };
      const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ""));
      const asking = request({ host: "127.0.0.1", port: this.#port, method, path, headers: given, agent: false }, (answer) => {
        let text = "";
        const [cookie = ""] = (answer.headers["set-cookie"]?.[0] ?? "").split(";");
        answer.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, cookie }));
        answer.on("error", reject);
      });
      asking.on("upgrade", (_answer, socket) => {
        socket.destroy();
        resolve({ status: 101, text: "", cookie: "" });
      });
      asking.on("error", reject);
      asking.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
