import type { BacklogKeeper } from "./backlog-keeper.ts";
import type { StoreLedger } from "./ledger.ts";
import type { OpenGroup } from "./open-group.ts";
import type { Outbox } from "./outbox.ts";
import type { Relief } from "./relief.ts";
import type { Ring } from "./ring.ts";
import type { Space } from "./space.ts";
import type { Tenure } from "./tenure.ts";

/** What opening left behind for the core; made by `openStore`. */
export interface StoreInventory {
  readonly ring: Ring;
  readonly open: OpenGroup;
  readonly ledger: StoreLedger;
  readonly outbox: Outbox;
  readonly relief: Relief;
  readonly keeper: BacklogKeeper;
  readonly space: Space;
  readonly tenure: Tenure;
  readonly position: number;
}
