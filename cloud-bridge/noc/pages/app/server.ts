import { useEffect, useRef, useState } from "preact/hooks";
import { browserNowMs, every, later, pageMs } from "#web/browser-clock.ts";

/** The server's refusal, or that it cannot be reached; `message` is for people. */
export class ServerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** JSON of the API; undefined for answers without content. @throws ServerError */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const headers = init.body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(path, { ...init, headers, credentials: "same-origin" }).catch(() => {
    throw new ServerError(0, "The NOC's end does not answer.");
  });
  const text = await response.text();
  const body = text === "" ? undefined : (JSON.parse(text) as T & { readonly error?: { readonly message?: string } });
  if (!response.ok)
    throw new ServerError(response.status, body?.error?.message ?? `The NOC's end answered with status ${response.status}.`);
  return body as T;
}

/** Difference of the server's clock to the browser's, learnt from answers. */
let serverAheadMs = 0;

export function learnServerTime(nowMs: number): void {
  serverAheadMs = nowMs - browserNowMs();
}

export function serverNowMs(): number {
  return browserNowMs() + serverAheadMs;
}

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: string | undefined;
  readonly reload: () => void;
}

/** Shortest time between two loads of the same thing, whatever the feed says, ms. */
const minReloadMs = 2_000;

/**
 * Loads `path` and again whenever `version` grows, at most every two seconds; a new path loads at once and the answers of the old one are
 * dropped. undefined = nothing to load.
 */
export function useLoaded<T>(path: string | undefined, version: number, onError: (error: ServerError) => void): Loaded<T> {
  const [state, setState] = useState<{ readonly path?: string | undefined; readonly value?: T; readonly error?: string }>({});
  const [forced, force] = useState(0);
  const loadedMs = useRef(Number.NEGATIVE_INFINITY);
  const lastPath = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (path === undefined) return;
    let current = true;
    const waitMs = lastPath.current === path ? Math.max(0, loadedMs.current + minReloadMs - pageMs()) : 0;
    lastPath.current = path;
    const cancel = later(waitMs, () => {
      loadedMs.current = pageMs();
      ask<T>(path).then(
        (value) => current && setState({ path, value }),
        (error: unknown) => {
          if (!(error instanceof ServerError)) throw error;
          if (!current) return;
          setState((before) => ({ ...before, error: error.message }));
          onError(error);
        },
      );
    });
    return () => {
      current = false;
      cancel();
    };
  }, [path, version, forced]);
  const isOwn = state.path === path;
  return { value: isOwn ? state.value : undefined, error: state.error, reload: () => force((count) => count + 1) };
}

export interface Feed {
  /** Grows when anything changed. */
  readonly all: number;
  /** Grows when this gateway (`tenant/id`) changed. */
  of(gateway: string): number;
  readonly connected: boolean;
}

/** Follows the live feed; the browser reconnects by itself. Every 15 s everything counts as changed, should the feed be silent. */
export function useFeed(active: boolean): Feed {
  const [versions, setVersions] = useState<Readonly<Record<string, number>>>({ "*": 0 });
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    if (!active) return;
    const source = new EventSource("/api/live");
    const bump = (names: readonly string[]) =>
      setVersions((before) => {
        const after: Record<string, number> = { ...before };
        for (const name of ["*", ...names].slice(0, 500)) after[name] = (after[name] ?? 0) + 1;
        if (names.includes("*")) after["everything"] = (after["everything"] ?? 0) + 1;
        return after;
      });
    source.addEventListener("hello", () => setConnected(true));
    source.addEventListener("error", () => setConnected(false));
    source.addEventListener("changed", (event: MessageEvent<string>) => bump(JSON.parse(event.data) as string[]));
    const stop = every(15_000, () => bump(["*"]));
    return () => {
      source.close();
      stop();
    };
  }, [active]);
  return { all: versions["*"] ?? 0, connected, of: (gateway) => (versions[gateway] ?? 0) + (versions["everything"] ?? 0) };
}

/** Re-renders every few seconds, so that ages grow. */
export function useTick(ms: number): void {
  const [, setTick] = useState(0);
  useEffect(() => every(ms, () => setTick((tick) => tick + 1)), [ms]);
}
