import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
  parser,
} from "mqtt-packet";

/** One client as the rogue sees it. */
export class Peer {
  readonly socket: Socket;
  readonly received: Packet[] = [];
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(packet: Packet): void {
    this.raw(generate(packet, { protocolVersion: 5 }));
  }

  raw(bytes: Uint8Array): void {
    if (!this.closed) this.socket.write(bytes);
  }

  of(cmd: Packet["cmd"]): readonly Packet[] {
    return this.received.filter((packet) => packet.cmd === cmd);
  }

  publishes(leaf: string): readonly IPublishPacket[] {
    return this.received.filter((packet): packet is IPublishPacket => packet.cmd === "publish" && packet.topic.endsWith(`/${leaf}`));
  }
}

export interface Manners {
  connect(peer: Peer, packet: IConnectPacket): void;
  subscribe(peer: Peer, packet: ISubscribePacket): void;
  publish(peer: Peer, packet: IPublishPacket): void;
  other(peer: Peer, packet: Packet): void;
}

export function connack(reasonCode: number, properties: IConnackPacket["properties"] = {}): Packet {
  return { cmd: "connack", reasonCode, sessionPresent: false, properties };
}

const good: Manners = {
  connect: (peer) => peer.send(connack(0)),
  subscribe: (peer, packet) => {
    peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: packet.subscriptions.map((entry) => entry.qos) });
  },
  publish: (peer, packet) => {
    if (packet.qos === 1) peer.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
  },
  other: (peer, packet) => {
    if (packet.cmd === "pingreq") peer.send({ cmd: "pingresp" });
  },
};

/** A broker that does whatever a test wants of it, over real TCP; polite where not told otherwise. */
export class RogueBroker {
  readonly peers: Peer[] = [];
  manners: Manners;
  readonly #server: Server;

  private constructor(server: Server, manners: Manners) {
    this.#server = server;
    this.manners = manners;
  }

  static async start(bad: Partial<Manners> = {}, tls?: TlsOptions): Promise<RogueBroker> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    const broker = new RogueBroker(server, { ...good, ...bad });
    server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => broker.#accept(socket));
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get last(): Peer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error("nobody connected");
    return peer;
  }

  async stop(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const peer = new Peer(socket);
    this.peers.push(peer);
    const packets = parser({ protocolVersion: 5 });
    packets.on("packet", (packet) => this.#handle(peer, packet));
    packets.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => packets.parse(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      peer.closed = true;
    });
  }

  #handle(peer: Peer, packet: Packet): void {
    peer.received.push(packet);
    if (packet.cmd === "connect") this.manners.connect(peer, packet);
    else if (packet.cmd === "subscribe") this.manners.subscribe(peer, packet);
    else if (packet.cmd === "publish") this.manners.publish(peer, packet);
    else this.manners.other(peer, packet);
  }
}
