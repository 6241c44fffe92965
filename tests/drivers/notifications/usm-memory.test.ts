import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { NotificationUser } from "../../../drivers/notifications/usm-keys.ts";

it("keys of strangers' engines hold no datagram: 512 of them cost kilobytes", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const user = new NotificationUser({
    version: "3",
    user: "sha",
    auth: { protocol: "sha256", key: "authpass-1" },
    priv: { protocol: "aes128", key: "privpass-1" },
  });
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let engine = 0; engine < 600; engine++) {
    // As it comes from the socket: the engine id is a view of 64 KiB.
    const datagram = Buffer.alloc(65_507);
    datagram.writeUInt32BE(engine, 100);
    user.keysFor(datagram.subarray(96, 110));
  }
  collect();
  collect();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 2 ** 20);
});
