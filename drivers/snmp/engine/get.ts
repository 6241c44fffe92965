import { type ErrorCode, GatewayError } from "#model/errors.ts";
import type { Varbind } from "#ports/snmp.ts";
import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { errorStatus, errorStatusName } from "./error-status.ts";
import { compareOids, dottedOid, encodeOid, sameBytes } from "./oid.ts";
import { compacted, nullVarbind, type PduSpec, type PreparedRequest } from "./request.ts";
import { Shared } from "./shared.ts";
import { decodeValue, encodeVarbind, readVarbind, varbindSpan } from "./values.ts";

/** OIDs of one GET at first; their values may be long. */
const chunkOids = 24;
const { tooBig, noSuchName, genErr } = errorStatus;

interface Reply {
  readonly status: number;
  readonly index: number;
  readonly varbinds: readonly Varbind[];
}

/** The varbind read last, as the port defines it. A value that does not fit its type is counted and comes as a null. @param oid where it is known */
export function currentVarbind(bytes: Uint8Array, conversation: Conversation, oid?: string): Varbind {
  const { nameStart, nameEnd, tag, valueStart, valueEnd } = varbindSpan;
  const { type, value, fit } = decodeValue(bytes, tag, valueStart, valueEnd);
  if (!fit) conversation.peer.counters.unfitValues += 1;
  return { oid: oid ?? dottedOid(bytes, nameStart, nameEnd), type, value };
}

/** A list of OIDs as it is asked for: encoded once as long as the caller keeps the list, which must not change. */
class Asked {
  readonly names: readonly Uint8Array[];
  /** Without a leading dot. */
  readonly oids: readonly string[];
  readonly varbinds: readonly Uint8Array[];
  /** By what the askers have in common; made with the second request for the list. */
  #requests: Shared<PreparedRequest> | undefined;
  /** The one asked with last: a site has few communities. */
  #last: { readonly type: number; readonly sharedBy: string; readonly request: PreparedRequest } | undefined;
  readonly #specs = new Map<number, PduSpec>();

  constructor(oids: readonly string[]) {
    this.oids = oids.map((oid) => (oid.startsWith(".") ? oid.slice(1) : oid));
    this.names = oids.map(encodeOid);
    this.varbinds = this.names.map(nullVarbind);
  }

  static of(oids: readonly string[]): { readonly asked: Asked; readonly isKept: boolean } {
    const known = askedBefore.get(oids);
    if (known !== undefined) return { asked: known, isKept: true };
    const asked = new Asked(oids);
    askedBefore.set(oids, asked);
    return { asked, isKept: false };
  }

  /** The PDU of a type that asks for all of the list. */
  spec(type: number): PduSpec {
    const known = this.#specs.get(type);
    if (known !== undefined) return known;
    const spec = { type, nonRepeaters: 0, maxRepetitions: 0, varbinds: this.varbinds };
    this.#specs.set(type, spec);
    return spec;
  }

  request(type: number, sharedBy: string, make: () => PreparedRequest): PreparedRequest {
    if (this.#last?.type === type && this.#last.sharedBy === sharedBy) return this.#last.request;
    this.#requests ??= new Shared(maxSharedRequests);
    const request = this.#requests.get(`${type} ${sharedBy}`, () => ({ ...compacted(make()), isShared: true }));
    this.#last = { type, sharedBy, request };
    return request;
  }
}

const askedBefore = new WeakMap<readonly string[], Asked>();
const maxSharedRequests = 64;

/** What one PDU asks for. */
interface AskedPdu {
  readonly spec: PduSpec;
  readonly names: readonly Uint8Array[];
  /** Of a GET or SET: what the answer's names must be, as text. */
  readonly oids?: readonly string[] | undefined;
  /** The encoded request; absent = made for this once. */
  readonly prepare?: (() => PreparedRequest) | undefined;
}

/** One PDU with these OIDs. The answer must name exactly them (GET, SET), or each one's successor (GETNEXT). */
async function askFor(conversation: Conversation, pduAsked: AskedPdu, signal: AbortSignal): Promise<Reply> {
  const { spec, names, oids, prepare } = pduAsked;
  const { counters, security } = conversation.peer;
  const reply: { status: number; index: number; varbinds: Varbind[] } = { status: 0, index: 0, varbinds: [] };
  if (!conversation.isReady) await conversation.ready(signal);
  signal.throwIfAborted();
  const read = (bytes: Uint8Array): boolean => {
    reply.status = pdu.errorStatus;
    reply.index = pdu.errorIndex;
    reply.varbinds = [];
    if (pdu.errorStatus !== 0) return true;
    let at = pdu.varbindsStart;
    for (let place = 0; place < names.length; place++) {
      const name = names[place] ?? noBytes;
      if (!readVarbind(bytes, at, pdu.varbindsEnd)) return false;
      if (!isExpected(spec.type, bytes, name)) {
        counters.oidViolations += 1;
        return false;
      }
      at = varbindSpan.end;
      reply.varbinds.push(currentVarbind(bytes, conversation, oids?.[place]));
    }
    return at === pdu.varbindsEnd;
  };
  await conversation.ask({ prepare: prepare ?? (() => security.prepare(spec)), read, signal });
  return reply;
}

/** Whether the name in `varbindSpan` is what a request of this type for `name` may answer. */
function isExpected(type: number, bytes: Uint8Array, name: Uint8Array): boolean {
  const { nameStart, nameEnd, tag } = varbindSpan;
  if (type !== tags.getNext) return sameBytes(bytes, nameStart, nameEnd, name);
  return tag === tags.endOfMibView || compareOids(bytes, nameStart, nameEnd, name) > 0;
}

/** GET or GETNEXT of any number of OIDs, in chunks that the agent can take. One bad varbind costs itself only. */
export async function getAll(
  conversation: Conversation,
  type: number,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Varbind[]> {
  const { asked, isKept } = Asked.of(oids);
  if (oids.length > 0 && oids.length <= Math.min(chunkOids, conversation.peer.learned.maxRequestVarbinds)) {
    // The usual case, once a poll: one request, one answer that names all of them in their order.
    const whole = wholeOf(asked, type, isKept ? conversation : undefined);
    let reply: Reply;
    try {
      reply = await askFor(conversation, whole, signal);
    } catch (error) {
      reply = badReply(error, oids.length, oids.length);
    }
    if (reply.status === 0) return reply.varbinds;
    return getParts(conversation, { asked, type, isKept, first: reply }, oids, signal);
  }
  return getParts(conversation, { asked, type, isKept, first: undefined }, oids, signal);
}

/** Chunk by chunk. @param by `first`: the answer to all of them at once, which was an error */
async function getParts(
  conversation: Conversation,
  by: { readonly asked: Asked; readonly type: number; readonly isKept: boolean; readonly first: Reply | undefined },
  oids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Varbind[]> {
  const { asked, type, isKept } = by;
  let { first } = by;
  const answers = new Array<Varbind | undefined>(oids.length);
  let waiting = [...oids.keys()];
  let chunkMax = chunkOids;
  while (waiting.length > 0) {
    const chunk = waiting.slice(0, Math.min(chunkMax, conversation.peer.learned.maxRequestVarbinds));
    const part = chunk.length === oids.length ? wholeOf(asked, type, isKept ? conversation : undefined) : partOf(asked, type, chunk);
    const reply: Reply =
      first ?? (await askFor(conversation, part, signal).catch((error: unknown) => badReply(error, chunk.length, oids.length)));
    first = undefined;
    const culprit = chunk[reply.index - 1];
    if (reply.status === 0) {
      for (const [position, index] of chunk.entries()) answers[index] = reply.varbinds[position];
    } else if (reply.status === tooBig && chunk.length > 1) {
      conversation.peer.learned.shrinkRequest(chunk.length);
    } else if (reply.status === genErr && chunk.length > 1 && culprit === undefined) {
      chunkMax = chunk.length >> 1;
    } else if ((reply.status === noSuchName || reply.status === genErr || reply.status === tooBig) && (culprit ?? chunk[0]) !== undefined) {
      const index = culprit ?? chunk[0] ?? 0;
      answers[index] = withoutValue(reply.status, type, oids[index] ?? "");
    } else throw refused(reply.status, oids[chunk[reply.index - 1] ?? -1]);
    waiting = waiting.filter((index) => answers[index] === undefined);
  }
  return answers.filter((answer) => answer !== undefined);
}

/** All of the list. `asker`: it asks for this list again and again, so that the encoded request is worth keeping. */
function wholeOf(asked: Asked, type: number, asker: Conversation | undefined): AskedPdu {
  const { names } = asked;
  const spec = asked.spec(type);
  const oids = type === tags.get ? asked.oids : undefined;
  const security = asker?.peer.security;
  const sharedBy = security?.sharedBy;
  if (security === undefined || sharedBy === undefined) return { spec, names, oids, prepare: undefined };
  return { spec, names, oids, prepare: () => asked.request(type, sharedBy, () => security.prepare(spec)) };
}

const noBytes = new Uint8Array(0);

function partOf(asked: Asked, type: number, chunk: readonly number[]): AskedPdu {
  const none = noBytes;
  const varbinds = chunk.map((index) => asked.varbinds[index] ?? none);
  return {
    spec: { type, nonRepeaters: 0, maxRepetitions: 0, varbinds },
    names: chunk.map((index) => asked.names[index] ?? none),
    ...(type === tags.get && { oids: chunk.map((index) => asked.oids[index] ?? "") }),
  };
}

/** v1 says noSuchName where later versions have exceptions; genErr and tooBig of a single object leave nothing to tell. */
function withoutValue(status: number, type: number, oid: string): Varbind {
  const dotted = oid.startsWith(".") ? oid.slice(1) : oid;
  if (status !== noSuchName) return { oid: dotted, type: "null", value: undefined };
  return { oid: dotted, type: type === tags.getNext ? "end-of-mib-view" : "no-such-instance", value: undefined };
}

/** An answer that stays unusable: narrow it down, unless it was asked for alone. */
function badReply(error: unknown, chunkLength: number, oidsLength: number): Reply {
  if (!(error instanceof GatewayError) || error.code !== "driver.bad-answer" || oidsLength === 1) throw error;
  return { status: genErr, index: chunkLength === 1 ? 1 : 0, varbinds: [] };
}

function refused(status: number, oid: string | undefined): GatewayError {
  const denied = status === errorStatus.authorizationError ? ": not for this user or community with this security level" : "";
  const reason = `${errorStatusName(status)}${denied}`;
  const code: ErrorCode = "driver.refused";
  return new GatewayError(code, {
    message: `the agent answered ${reason}`,
    fields: { errorStatus: status, ...(oid === undefined ? {} : { oid }) },
  });
}

/** SET of one PDU, all or nothing. @throws GatewayError driver.refused with the agent's reason and the OID it names */
export async function setAll(conversation: Conversation, varbinds: readonly Varbind[], signal: AbortSignal): Promise<readonly Varbind[]> {
  const encoded = varbinds.map(encodeVarbind);
  const names = varbinds.map((varbind) => encodeOid(varbind.oid));
  const spec = { type: tags.set, nonRepeaters: 0, maxRepetitions: 0, varbinds: encoded };
  const reply = await askFor(conversation, { spec, names }, signal);
  if (reply.status !== 0) throw refused(reply.status, varbinds[reply.index - 1]?.oid);
  return reply.varbinds;
}

/** Only for the discovery of v3 engines: a GET of nothing (RFC 3414 4). */
export const emptyGet: PduSpec = { type: tags.get, nonRepeaters: 0, maxRepetitions: 0, varbinds: [] };
