import { createReadStream } from "node:fs";
import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import { constants, createZstdDecompress } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Release, ReleaseFile, ReleaseSource } from "#ports/release.ts";
import type { State } from "#ports/state.ts";
import { applyDelta } from "../protocol/release/delta.ts";
import { type TargetsRole, untrusted } from "../protocol/release/metadata.ts";
import { advance, checkRoot, type TrustedFiles } from "../protocol/release/trusted-releases.ts";

export interface ReleaseSourceOptions {
  /** Address of the repository, with `metadata/` and `targets/` below it. */
  readonly url: string;
  /** The first root, as delivered with the device; later ones are kept in the state. */
  readonly root: Uint8Array;
  readonly state: State;
  readonly clock: Clock;
  /** Certificate authority of the server (PEM); absent = those of the runtime. */
  readonly ca?: string;
}

const stateKey = "update/trusted";
const answerMs = 30_000;
/** Nothing for so long within a transfer: the line is dead. */
const silenceMs = 60_000;
const windowLogMax = 23;

/** Releases over HTTP(S), trusted by their signatures alone: the server, the line and its certificate can only refuse. */
export function createReleaseSource(options: ReleaseSourceOptions): ReleaseSource {
  const base = options.url.endsWith("/") ? options.url : `${options.url}/`;
  return {
    find: (version, hardware, signal) => find({ ...options, url: base }, version, hardware, signal),
    read: (file, fromByte, signal) => read(new URL(`targets/${file.path}`, base), { ca: options.ca, fromByte, signal }),
    unpack,
  };
}

async function find(options: ReleaseSourceOptions, version: string, hardware: string, signal: AbortSignal): Promise<Release> {
  const trusted = trustedFiles(options);
  const fetch = (name: string, maxBytes: number) =>
    metadata(new URL(`metadata/${name}`, options.url), maxBytes, { ca: options.ca, signal });
  const now = options.clock.now();
  const { files, targets } = await advance(trusted, fetch, now.quality === "synced" ? now.wallMs : undefined);
  options.state.put(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${stateKey}/${name}`, bytes])));
  return releaseOf(targets, version, hardware);
}

function trustedFiles({ state, root }: ReleaseSourceOptions): TrustedFiles {
  const kept = Object.fromEntries(
    ["root", "timestamp", "snapshot", "targets"].flatMap((name) => {
      const bytes = state.get(`${stateKey}/${name}`);
      return bytes === undefined ? [] : [[name, bytes]];
    }),
  ) as Partial<TrustedFiles>;
  // A newer root that came with a package counts; an older one never does.
  const isNewer = kept.root === undefined || checkRoot(root).version > checkRoot(kept.root).version;
  return { ...kept, root: isNewer || kept.root === undefined ? root : kept.root };
}

/** @throws GatewayError update.refused when there is none */
export function releaseOf(targets: TargetsRole, version: string, hardware: string): Release {
  const found = Object.entries(targets.targets).filter(([, { custom }]) => custom.version === version && custom.hardware === hardware);
  const full = found.find(([, { custom }]) => custom.format === "zstd");
  if (full === undefined)
    throw new GatewayError("update.refused", { message: `there is no release ${version} for ${hardware}`, fields: { version, hardware } });
  const { sha256, length } = full[1].custom.program;
  const same = found.filter(([, { custom }]) => custom.program.sha256 === sha256 && custom.program.length === length);
  const files: readonly ReleaseFile[] = same.map(([path, { length: bytes, hashes, custom }]) => ({
    ...{ path, length: bytes, sha256: hashes.sha256, format: custom.format },
    ...(custom.base === undefined ? {} : { base: custom.base }),
  }));
  const floor = targets["x-gatehouse-floor"];
  return { version, hardware, sha256, length, files, ...(floor === undefined ? {} : { floor }) };
}

interface Request {
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  readonly fromByte?: number;
}

async function metadata(url: URL, maxBytes: number, request: Request): Promise<Uint8Array | undefined> {
  const response = await answer(url, request);
  // 403 is what object stores say of files that are not there.
  if (response.statusCode === 404 || response.statusCode === 403) return void response.destroy();
  if (response.statusCode !== 200) {
    response.destroy();
    throw unreachable(url, `answered ${response.statusCode}`);
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bodyOf(url, response)) {
    length += piece.length;
    if (length > maxBytes) {
      response.destroy();
      throw untrusted(`${url.pathname} is longer than ${maxBytes} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

async function* read(url: URL, request: Request): AsyncGenerator<Uint8Array> {
  const { fromByte = 0 } = request;
  const response = await answer(url, request);
  const { statusCode } = response;
  const starts =
    statusCode === 200 ? 0 : statusCode === 206 ? Number(/^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] ?? -1) : -1;
  if (starts < 0 || starts > fromByte) {
    response.destroy();
    throw unreachable(url, `answered ${statusCode} to a request from byte ${fromByte}`);
  }
  // A server that knows no ranges sends everything: what is here already is passed over.
  let over = fromByte - starts;
  for await (const piece of bodyOf(url, response)) {
    if (over >= piece.length) over -= piece.length;
    else {
      yield piece.subarray(over);
      over = 0;
    }
  }
}

async function* bodyOf(url: URL, response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response) yield piece as Uint8Array;
  } catch (cause) {
    throw unreachable(url, "broke off", cause);
  }
}

function answer(url: URL, { ca, signal, fromByte = 0 }: Request): Promise<IncomingMessage> {
  const headers = { "user-agent": "gatehouse", "accept-encoding": "identity", ...(fromByte > 0 ? { range: `bytes=${fromByte}-` } : {}) };
  return new Promise((resolve, reject) => {
    const options = { headers, signal, timeout: silenceMs, agent: false as const };
    const request = url.protocol === "https:" ? getHttps(url, { ...options, ...(ca === undefined ? {} : { ca }) }) : getHttp(url, options);
    const late = AbortSignal.timeout(answerMs);
    const giveUp = () => request.destroy(new Error(`no answer within ${answerMs} ms`));
    late.addEventListener("abort", giveUp, { once: true });
    request.on("timeout", () => request.destroy(new Error("the line is silent")));
    request.on("error", (cause) => reject(unreachable(url, "does not answer", cause)));
    request.on("response", (response) => {
      late.removeEventListener("abort", giveUp);
      resolve(response);
    });
  });
}

function unreachable(url: URL, what: string, cause?: unknown): GatewayError {
  return new GatewayError("update.unreachable", { message: `${url.origin} ${what}`, ...(cause === undefined ? {} : { cause }) });
}

async function* unpack(file: ReleaseFile, packed: string, base: string, release: Release): AsyncGenerator<Uint8Array> {
  if (file.format === "delta") {
    yield* applyDelta(packed, base, release.length);
    return;
  }
  const input = createReadStream(packed, { highWaterMark: 65_536 });
  const zstd = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: windowLogMax } });
  input.on("error", (error) => zstd.destroy(error));
  let length = 0;
  try {
    for await (const piece of input.pipe(zstd)) {
      length += piece.length;
      if (length > release.length) throw untrusted("the file unpacks to more than the program");
      yield piece;
    }
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : untrusted("the file does not unpack", cause);
  } finally {
    input.destroy();
    zstd.destroy();
  }
}
