import type { EquipmentId } from "#model/equipment.ts";

/** One cable, as seen from one equipment. */
export interface SiteLink {
  /** Row key of the interface (its name); undefined = the port could not be found. */
  readonly port: string | undefined;
  /** Monitored equipment at the other end; undefined = a neighbour that is not monitored. */
  readonly other: EquipmentId | undefined;
  readonly otherPort: string | undefined;
  /** What the other end calls itself. */
  readonly otherLabel: string;
  /** `configured`, `lldp`, `cdp`, `forwarding` ...: the better evidence wins. */
  readonly evidence: string;
}

/** Who hangs on whom, as far as it is known. Seen from the gateway: a parent lies on the way to its children. */
export interface SiteTopology {
  links(equipment: EquipmentId): readonly SiteLink[];
  /** The next equipment on the way from `equipment` to the gateway; configured, else from the map; undefined = none known. */
  parent(equipment: EquipmentId): EquipmentId | undefined;
}
