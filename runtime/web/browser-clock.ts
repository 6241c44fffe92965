/** The pages' only look at the browser's clock. May be wrong: ages are computed from the server's time where it is known. */
export function browserNowMs(): number {
  return Date.now();
}

/** Monotonic milliseconds since the page was opened. */
export function pageMs(): number {
  return performance.now();
}

/** Calls back once after `ms`; the returned function cancels. */
export function later(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** Calls back every `ms`; the returned function ends it. */
export function every(ms: number, callback: () => void): () => void {
  const timer = setInterval(callback, ms);
  return () => clearInterval(timer);
}
