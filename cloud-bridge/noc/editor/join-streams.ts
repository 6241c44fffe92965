import { pipeline, type Readable, type Writable } from "node:stream";

/** Everything of `source` goes to `target`; when either breaks both are over. Never throws. */
export function joinStreams(source: Readable, target: Writable): void {
  try {
    pipeline(source, target, (error) => {
      if (error) target.destroy();
    });
  } catch {
    // A border: node throws when one of them is closed already, which a browser may do at any time.
    source.destroy();
    target.destroy();
  }
}
