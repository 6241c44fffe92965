import { useEffect, useRef, useState } from "preact/hooks";
import { browserNowMs, every, later } from "#web/browser-clock.ts";

/** The gateway's refusal, or that it cannot be reached (status 0); `message` is for people. */
export class ServerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** JSON of the console's API. @throws ServerError */
export async function ask<T>(path: string, init: { readonly method?: string; readonly body?: unknown } = {}): Promise<T> {
  const response = await fetch(path, {
    method: init.method ?? "GET",
    headers: { "x-gatehouse": "1", ...(init.body === undefined ? {} : { "content-type": "application/json" }) },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    credentials: "same-origin",
  }).catch(() => {
    throw new ServerError(0, "The gateway does not answer.");
  });
  const text = await response.text();
  const body = text === "" ? undefined : (JSON.parse(text) as T & { readonly error?: { readonly message?: string } });
  if (!response.ok) throw new ServerError(response.status, body?.error?.message ?? `The gateway answered with status ${response.status}.`);
  return body as T;
}

/** Difference of the gateway's clock to the browser's, learnt from answers. */
let aheadMs = 0;

export function learnServerTime(nowMs: number): void {
  aheadMs = nowMs - browserNowMs();
}

export function serverNowMs(): number {
  return browserNowMs() + aheadMs;
}

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: ServerError | undefined;
}

/** Loads `path` now and again `everyMs` after each answer; a new path loads at once. undefined = nothing to load. */
export function usePolled<T>(path: string | undefined, everyMs: number): Loaded<T> {
  const [state, setState] = useState<{ readonly path?: string; readonly value?: T; readonly error?: ServerError }>({});
  const newest = useRef(0);
  useEffect(() => {
    if (path === undefined) return;
    newest.current += 1;
    const own = newest.current;
    let cancel: (() => void) | undefined;
    const load = () => {
      ask<T>(path)
        .then(
          (value) => own === newest.current && setState({ path, value }),
          (error: unknown) => {
            if (!(error instanceof ServerError)) throw error;
            if (own === newest.current) setState((before) => ({ ...before, error }));
          },
        )
        .finally(() => {
          if (own === newest.current) cancel = later(everyMs, load);
        });
    };
    load();
    return () => {
      newest.current += 1;
      cancel?.();
    };
  }, [path, everyMs]);
  return { value: state.path === path ? state.value : undefined, error: state.error };
}

/** Re-renders every few seconds, so that ages grow. */
export function useTick(ms: number): void {
  const [, setTick] = useState(0);
  useEffect(() => every(ms, () => setTick((tick) => tick + 1)), [ms]);
}
