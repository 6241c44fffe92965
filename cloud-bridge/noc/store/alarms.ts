import type { AlarmRow } from "./rows.ts";

/** What operators said of one alarm instance; a new instance begins without. */
export interface OperatorState {
  readonly gatewayRef: number;
  readonly key: string;
  readonly instance: string;
  readonly ackBy: string | undefined;
  readonly ackMs: number | undefined;
  /** Closed by a person although the gateway still has it; hidden until it gets worse or a new instance comes. */
  readonly closedBy: string | undefined;
  readonly closedMs: number | undefined;
  /** Severity at the time of closing. */
  readonly closedSeverity: string | undefined;
}

export interface AlarmComment {
  readonly key: string;
  readonly instance: string;
  readonly atMs: number;
  readonly by: string;
  readonly text: string;
}

/** Alarms that operators put aside, all gateways of a tenant or one. The gateway is told as well; until it knows, the NOC hides them by itself. */
export interface NocShelf {
  readonly id: string;
  readonly tenant: string;
  /** undefined = all gateways of the tenant. */
  readonly gateway: string | undefined;
  readonly match: { readonly key?: string; readonly equipment?: string; readonly type?: string; readonly path?: string };
  readonly untilMs: number;
  readonly reason: string;
  readonly by: string;
  readonly createdMs: number;
}

export interface AlarmQuery {
  readonly tenant?: string | undefined;
  readonly gatewayRef?: number | undefined;
  /** `active`: not cleared; `cleared`; `all`. */
  readonly state: "active" | "cleared" | "all";
  readonly key?: string | undefined;
  readonly limit: number;
}

export interface AlarmListPart {
  readonly list: string;
  readonly part: number;
  readonly parts: number;
  readonly keys: readonly string[];
}

/** All methods @throws GatewayError noc.store-busy | noc.store */
export interface AlarmWrites {
  /** Keeps a part of a gateway's list of active alarms. @returns all keys once every part of this list is there, and forgets them */
  addListPart(gatewayRef: number, part: AlarmListPart): Promise<ReadonlySet<string> | undefined>;
  activeAlarms(gatewayRef: number, limit: number): Promise<readonly AlarmRow[]>;
  operator(gatewayRef: number, key: string): Promise<OperatorState | undefined>;
  putOperator(state: OperatorState): Promise<void>;
  addComment(gatewayRef: number, comment: AlarmComment): Promise<void>;
  putShelf(shelf: NocShelf): Promise<void>;
  removeShelf(id: string): Promise<boolean>;
  expireShelves(nowMs: number): Promise<void>;
}

export interface AlarmReads {
  /** Newest change first. */
  alarms(query: AlarmQuery): Promise<readonly AlarmRow[]>;
  operators(gatewayRefs: readonly number[]): Promise<readonly OperatorState[]>;
  /** Oldest first. */
  comments(gatewayRef: number, key: string, limit: number): Promise<readonly AlarmComment[]>;
  shelves(): Promise<readonly NocShelf[]>;
}
