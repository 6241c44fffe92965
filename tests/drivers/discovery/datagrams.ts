function name(text: string): number[] {
  return [...text.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]), 0];
}

function record(owner: string, type: number, data: readonly number[]): number[] {
  return [...name(owner), 0, type, 0x80, 1, 0, 0, 0, 120, data.length >> 8, data.length & 255, ...data];
}

const instance = "Office._ipp._tcp.local";
const txt = ["ty=Example Laser 400", "usb_MFG=Example"].flatMap((text) => [text.length, ...new TextEncoder().encode(text)]);

/** What a printer at 10.0.0.5 answers by mDNS. */
export const mdnsAnswer = Uint8Array.from([
  ...[0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0],
  ...record("_ipp._tcp.local", 12, name(instance)),
  ...record(instance, 33, [0, 0, 0, 0, 2, 119, ...name("laser.local")]),
  ...record(instance, 16, txt),
  ...record("laser.local", 1, [10, 0, 0, 5]),
]);

export const ssdpAnswer = new TextEncoder().encode(
  [
    "HTTP/1.1 200 OK",
    "CACHE-CONTROL: max-age=120",
    "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "SERVER: Linux/5 UPnP/1.1 MiniUPnPd/2.3",
    "",
    "",
  ].join("\r\n"),
);

function nodeName(text: string, suffix: number, flags: number): number[] {
  return [...new TextEncoder().encode(text.padEnd(15)), suffix, flags, 0];
}

/** Node status of FILES in WORKGROUP, transaction 0x1234. */
export const nodeStatusAnswer = Uint8Array.from([
  ...[0x12, 0x34, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0],
  ...[32, ...new TextEncoder().encode(`CK${"A".repeat(30)}`), 0],
  ...[0, 0x21, 0, 1, 0, 0, 0, 0, 0, 101],
  3,
  ...nodeName("FILES", 0x00, 0x04),
  ...nodeName("WORKGROUP", 0x00, 0x84),
  ...nodeName("FILES", 0x20, 0x04),
  ...[0, 0x1b, 0x21, 1, 2, 3],
  ...Array.from({ length: 40 }, () => 0),
]);
