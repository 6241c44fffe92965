import type { EquipmentId } from "#model/equipment.ts";
import type { AgentGreeting, DeviceDescription, LinkFacts } from "#ports/discovery.ts";
import type { State } from "#ports/state.ts";
import { compareIdentities, type IdentityKeys } from "./identity.ts";
import { readJsonEntries } from "./stored.ts";

/** One device that answers SNMP, whatever number of addresses it has. */
export interface KnownDevice {
  /** `d1`, `d2` ...: ours, kept over restarts. */
  readonly id: string;
  keys: IdentityKeys;
  /** Where it answered; the first is the one to poll. At most 16. */
  addresses: string[];
  port: number;
  credential?: string;
  label: string;
  equipment?: EquipmentId;
  greeting?: AgentGreeting;
  description?: DeviceDescription;
  links?: LinkFacts;
  /** Monotonic milliseconds of this boot. */
  greetedAtMs?: number;
  /** When and where it was last described, and which MAC address was there. */
  described?: { readonly atMs: number; readonly address: string; readonly mac: string | undefined };
  linkedAtMs?: number;
}

/** What one address answered, read. */
export interface DeviceAnswer {
  readonly address: string;
  readonly port: number;
  readonly keys: IdentityKeys;
  readonly greeting: AgentGreeting;
  readonly credential?: string;
}

/** A device that is gone from its last address, where another one answers now. */
export interface Swap {
  readonly address: string;
  readonly before: KnownDevice;
  readonly after: KnownDevice;
}

type Stored = Pick<KnownDevice, "id" | "keys" | "addresses" | "port" | "credential" | "label">;

const key = "discovery/devices";
const maxAddresses = 16;
const maxSerials = 8;
const maxLabelCharacters = 64;

/** The devices of the site, told apart by the strongest key. Beyond `maxDevices` nobody new is added. */
export class DeviceBook {
  readonly #state: State;
  readonly #maxDevices: number;
  readonly #devices = new Map<string, KnownDevice>();
  readonly #swaps: Swap[] = [];
  #next = 1;
  #saved = "";
  refused = 0;

  constructor(state: State, maxDevices: number) {
    this.#state = state;
    this.#maxDevices = maxDevices;
    for (const stored of Object.values(readJsonEntries(state, key, isStored)).slice(0, maxDevices)) {
      this.#devices.set(stored.id, { ...stored, addresses: [...stored.addresses] });
      this.#next = Math.max(this.#next, Number(stored.id.slice(1)) + 1);
    }
  }

  get devices(): readonly KnownDevice[] {
    return [...this.#devices.values()];
  }

  get isFull(): boolean {
    return this.#devices.size >= this.#maxDevices;
  }

  byAddress(address: string): KnownDevice | undefined {
    for (const device of this.#devices.values()) if (device.addresses.includes(address)) return device;
    return undefined;
  }

  /**
   * Whose address this is without asking: exactly one device lists it as its own, and the address resolves to a MAC of that device. Lists alone
   * prove nothing: internal networks repeat, and virtual routers stand in two of them.
   */
  aliasOwner(address: string, mac: string | undefined): KnownDevice | undefined {
    const owners = this.devices.filter((device) => device.links?.addresses.includes(address));
    const [owner] = owners;
    if (owner === undefined || owners.length > 1 || mac === undefined) return undefined;
    return owner.links?.ports.some((port) => port.mac === mac) === true ? owner : undefined;
  }

  addAddress(device: KnownDevice, address: string): void {
    const owner = this.byAddress(address);
    if (owner === device) return;
    if (owner !== undefined) owner.addresses = owner.addresses.filter((one) => one !== address);
    if (device.addresses.length < maxAddresses) device.addresses.push(address);
  }

  /** The device that answered; undefined = the book is full. */
  settle(answer: DeviceAnswer): KnownDevice | undefined {
    const { address, port, keys, greeting, credential } = answer;
    const current = this.byAddress(address);
    const stays = current !== undefined && compareIdentities(current.keys, keys) !== "different";
    const elsewhere = this.devices.find((device) => device !== current && compareIdentities(device.keys, keys) === "same");
    const device = stays ? current : (elsewhere ?? this.#add(answer));
    if (device === undefined) return undefined;
    if (stays && elsewhere !== undefined) this.#absorb(device, elsewhere);
    if (!stays && current !== undefined) this.#displace(current, address, device);
    this.addAddress(device, address);
    if (device.addresses[0] === address) device.port = port;
    device.keys = merge(device.keys, keys);
    device.greeting = greeting;
    if (credential !== undefined && device.addresses[0] === address) device.credential = credential;
    device.label = (greeting.sysName || device.label || address).slice(0, maxLabelCharacters);
    return device;
  }

  /** Swaps since the last call. A device that only moved to another address is none, so this is asked at the end of a round. */
  takeSwaps(): readonly Swap[] {
    const swaps = this.#swaps.splice(0).filter(({ before }) => before.addresses.length === 0);
    for (const { before } of swaps) this.#devices.delete(before.id);
    return swaps;
  }

  save(): void {
    const stored = this.devices.map(({ id, keys, addresses, port, credential, label }): Stored => {
      return { id, keys, addresses, port, ...(credential === undefined ? {} : { credential }), label };
    });
    const text = JSON.stringify(Object.fromEntries(stored.map((one) => [one.id, one])));
    if (text === this.#saved) return;
    this.#state.put({ [key]: text });
    this.#saved = text;
  }

  #add({ address, port, keys, credential }: DeviceAnswer): KnownDevice | undefined {
    if (this.isFull) {
      this.refused += 1;
      return undefined;
    }
    const id = `d${this.#next++}`;
    const device: KnownDevice = { id, keys, addresses: [address], port, label: address };
    if (credential !== undefined) device.credential = credential;
    this.#devices.set(id, device);
    return device;
  }

  /** Two devices turn out to be one: they were read when less was known of them. */
  #absorb(device: KnownDevice, other: KnownDevice): void {
    this.#devices.delete(other.id);
    for (const address of other.addresses) this.addAddress(device, address);
  }

  #displace(before: KnownDevice, address: string, after: KnownDevice): void {
    before.addresses = before.addresses.filter((one) => one !== address);
    if (before.addresses.length === 0) this.#swaps.push({ address, before, after });
  }
}

/** What is known stays known when one reading lacks it. */
function merge(before: IdentityKeys, now: IdentityKeys): IdentityKeys {
  return { ...before, ...now, serials: (now.serials.length > 0 ? now.serials : before.serials).slice(0, maxSerials) };
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== "object" || value === null) return false;
  const { id, keys, addresses, port, label } = value as Partial<Record<keyof Stored, unknown>>;
  return (
    typeof id === "string" &&
    /^d\d+$/.test(id) &&
    typeof keys === "object" &&
    keys !== null &&
    "serials" in keys &&
    Array.isArray(keys.serials) &&
    Array.isArray(addresses) &&
    typeof port === "number" &&
    typeof label === "string"
  );
}
