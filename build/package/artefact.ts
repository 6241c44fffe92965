import { smallSiteOptions } from "../../runtime/host/lean-start.ts";

/** What is built: two programs for two machines. */
export const architectures = ["x64", "arm64"] as const;
export type Architecture = (typeof architectures)[number];

export const artefactNames = ["gatehouse", "gatehouse-noc"] as const;
export type ArtefactName = (typeof artefactNames)[number];

export interface Artefact {
  readonly name: ArtefactName;
  /** Source files of the checkout that are taken from elsewhere in this artefact: path -> path, from the root. */
  readonly replaced: Readonly<Record<string, string>>;
  /** Options of the runtime, baked in. Later ones on the command line (`--node-options=`) win. */
  readonly execArgv: readonly string[];
}

export const artefacts: Readonly<Record<ArtefactName, Artefact>> = {
  // The appliance has no NOC's end and no demo: it stays small, and says where they are.
  gatehouse: {
    name: "gatehouse",
    replaced: { "runtime/cli/demo.ts": "build/bundle/elsewhere-demo.ts", "runtime/cli/noc.ts": "build/bundle/elsewhere-noc.ts" },
    execArgv: smallSiteOptions,
  },
  "gatehouse-noc": { name: "gatehouse-noc", replaced: {}, execArgv: [] },
};

/** Name of the finished file in `dist/`: `gatehouse-linux-x64`. */
export function artefactFile(name: ArtefactName, architecture: Architecture): string {
  return `${name}-linux-${architecture}`;
}
