import { type ErrorCode, type ErrorFields, GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";

/**
 * Runs `work` with a signal of its own that aborts at the outer signal or after `ms`. Past the deadline throws GatewayError(code); work that
 * ignores its signal is left behind, its late outcome swallowed.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal,
  failure: { readonly code: ErrorCode; readonly fields?: ErrorFields },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const abort = () => inner.abort(outer.reason);
  outer.throwIfAborted();
  outer.addEventListener("abort", abort, { once: true });
  const late = clock.sleep(ms, inner.signal).then(
    () => {
      const error = new GatewayError(failure.code, { fields: { ...failure.fields, timeoutMs: ms } });
      inner.abort(error);
      throw error;
    },
    (reason: unknown) => {
      throw reason;
    },
  );
  const running = work(inner.signal);
  running.catch(() => undefined);
  late.catch(() => undefined);
  try {
    return await Promise.race([running, late]);
  } finally {
    outer.removeEventListener("abort", abort);
    if (!inner.signal.aborted) inner.abort(new Error("finished"));
  }
}
