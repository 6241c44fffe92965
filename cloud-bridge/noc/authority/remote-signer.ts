import { connect } from "node:net";
import { GatewayError } from "#model/errors.ts";
import type { SignedType, Signer } from "./signer.ts";
import { maxLineBytes, parseAnswer, type SignerFacts, type SignerRequest } from "./signer-wire.ts";

const answerMs = 10_000;

/** The signing keys of another process (`gatehouse noc signer serve`), over its socket. This one never sees them. */
export class RemoteSigner implements Signer {
  readonly #socket: string;
  #facts: SignerFacts;

  private constructor(socket: string, facts: SignerFacts) {
    this.#socket = socket;
    this.#facts = facts;
  }

  /** @throws GatewayError noc.unreachable when no signer answers there */
  static async open(socket: string): Promise<RemoteSigner> {
    return new RemoteSigner(socket, (await ask(socket, { op: "facts" })).facts);
  }

  get version(): number {
    return this.#facts.version;
  }

  get epoch(): number {
    return this.#facts.epoch;
  }

  get rootPublic(): string {
    return this.#facts.root;
  }

  get list(): SignerFacts["keys"] {
    return this.#facts.keys;
  }

  sign(type: SignedType, payload: Uint8Array): Promise<string> {
    return this.#signed({ op: "sign", type, payload: Buffer.from(payload).toString("base64") });
  }

  document(tenant: string): Promise<string> {
    return this.#signed({ op: "document", tenant });
  }

  async refresh(): Promise<void> {
    this.#facts = (await ask(this.#socket, { op: "facts" })).facts;
  }

  async rotate(): Promise<void> {
    throw new GatewayError("noc.denied", {
      message:
        "the keys are the signer's: gatehouse noc signer rotate --keys FOLDER there; signer and noc serve take the new ones up by themselves",
    });
  }

  async #signed(request: SignerRequest): Promise<string> {
    const { facts, jws } = await ask(this.#socket, request);
    this.#facts = facts;
    if (jws === undefined) throw new GatewayError("noc.invalid", { message: "the signer answered without a signature" });
    return jws;
  }
}

async function ask(path: string, request: SignerRequest): Promise<{ readonly facts: SignerFacts; readonly jws?: string }> {
  const answer = parseAnswer(await lineFor(path, `${JSON.stringify(request)}\n`));
  if (answer.ok) return answer;
  throw new GatewayError(answer.code === "noc.denied" || answer.code === "noc.invalid" ? answer.code : "noc.store", {
    message: String(answer.message).slice(0, 1_000),
  });
}

function lineFor(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => {
      socket.destroy();
      reject(
        new GatewayError("noc.unreachable", { message: `the signer on ${path} ${why}; is gatehouse noc signer serve running?`, cause }),
      );
    };
    let text = "";
    const socket = connect(path, () => socket.write(request));
    socket.setTimeout(answerMs, () => fail("did not answer"));
    socket.on("error", (error) => fail("cannot be reached", error));
    socket.on("close", () => fail("said nothing"));
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (text.length > maxLineBytes * 2) return fail("says too much");
      if (!text.endsWith("\n")) return;
      socket.removeAllListeners("close").end();
      resolve(text);
    });
  });
}
