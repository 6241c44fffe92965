/** Identity of one managed element within its gateway: `[a-z0-9][a-z0-9._-]{0,62}`. Chosen by configuration, never by the device. */
export type EquipmentId = string & { readonly __unit: "EquipmentId" };

const equipmentIdPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export function isEquipmentId(value: string): value is EquipmentId {
  return equipmentIdPattern.test(value);
}

/** One managed element, as configured. Frozen after load; a change of configuration makes a new object. */
export interface Equipment {
  readonly id: EquipmentId;
  /** Host name or IP literal; resolved by the driver's transport, never per datagram. */
  readonly address: string;
  readonly port: number;
  /** Name of the driver (its folder under `drivers/`). */
  readonly driver: string;
  /** Name of an entry under `credentials`; absent = the driver needs none. */
  readonly credential?: string;
  readonly pollIntervalMs: number;
  /** For people; absent = the id. */
  readonly name?: string;
  /** Names of profiles forced by the operator, besides what probing finds. */
  readonly profile?: string;
  /** Identity of the equipment it hangs behind, for parent suppression; absent = unknown. */
  readonly parent?: EquipmentId;
  /** Driver-specific settings, validated by the driver's own schema. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Version and secrets of an SNMP credential after its references were resolved. Never logged, never sent. */
export type SnmpCredential =
  | { readonly version: "1" | "2c"; readonly community: string }
  | {
      readonly version: "3";
      readonly user: string;
      readonly context?: string;
      readonly auth?: { readonly protocol: AuthProtocol; readonly key: string };
      readonly priv?: { readonly protocol: PrivProtocol; readonly key: string };
    };

/** RFC 3414 (md5, sha1) and RFC 7860 (sha224..sha512). */
export type AuthProtocol = "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

/** RFC 3414 (des), RFC 3826 (aes128); aes192/aes256 by Blumenthal key extension, `-cisco` by Reeder's. */
export type PrivProtocol = "des" | "aes128" | "aes192" | "aes256" | "aes192-cisco" | "aes256-cisco";

/** Sign-in at a web service. Never logged, never sent to anybody but the service. */
export interface HttpCredential {
  readonly username?: string;
  readonly password?: string;
  readonly token?: string;
}

/** A named credential with its secrets resolved. Other protocols get keys of their own beside `snmp`. */
export interface Credential {
  readonly name: string;
  readonly snmp?: SnmpCredential;
  readonly http?: HttpCredential;
}
