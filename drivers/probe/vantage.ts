import { createSocket } from "node:dgram";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** `eth0/192.0.2.10`: from where it was measured. */
export function vantageOf(address: string | undefined, interfaces = networkInterfaces()): string {
  if (address === undefined) return "unknown";
  const plain = address.replace(/^::ffff:/, "").replace(/%.*$/, "");
  for (const [name, entries = []] of Object.entries(interfaces)) {
    if (entries.some((entry) => entry.address === plain)) return `${name}/${plain}`;
    // The whole of 127.0.0.0/8 is loopback, and only its first address is listed.
    if (plain.startsWith("127.") && entries.some((entry) => entry.internal && entry.family === "IPv4")) return `${name}/${plain}`;
  }
  return plain;
}

/** The source address the system would take towards `address`; nothing is sent. Undefined when there is no way. */
export function sourceTowards(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
    const end = (found: string | undefined) => {
      socket.close();
      resolve(found);
    };
    socket.once("error", () => end(undefined));
    socket.connect(9, address, () => end(socket.address().address));
  });
}
