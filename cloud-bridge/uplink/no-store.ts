import { Readable } from "node:stream";
import type { IStore } from "mqtt";

/**
 * A store for mqtt.js that keeps nothing: what is not acknowledged is in the buffer on flash, and a new connection is a new object. With
 * the library's own store a reconnect would resend behind our back before it says `connect`.
 */
export function createNoStore(): IStore {
  const store: IStore = {
    put(_packet, done) {
      done?.();
      return store;
    },
    createStream: () => Readable.from([], { objectMode: true }) as unknown as ReturnType<IStore["createStream"]>,
    del(packet, done) {
      done(undefined, { cmd: "publish", ...packet } as never);
      return store;
    },
    get(_packet, done) {
      done(new Error("nothing is stored"));
      return store;
    },
    close(done) {
      done();
    },
  };
  return store;
}
