import { join, relative } from "node:path";
import type { Plugin } from "esbuild";

const space = "later";

/**
 * Parts of the appliance that a site may have no use for: who takes them -> what is loaded when it is first called or constructed. Sources import them as
 * ever; what is taken of them must be functions and classes, and nobody may ask `instanceof` of such a class.
 */
const laterParts: Readonly<Record<string, readonly string[]>> = {
  "runtime/parts-appliance.ts": ["runtime/parts-line.ts"],
  "runtime/parts-receivers.ts": [
    "drivers/notifications/senders.ts",
    "drivers/notifications/syslog-receiver.ts",
    "drivers/notifications/trap-files.ts",
    "drivers/notifications/trap-receiver.ts",
  ],
  "runtime/parts-notify.ts": [
    "cloud-bridge/notify/mail-notifier.ts",
    "cloud-bridge/notify/webhook-notifier.ts",
    "runtime/northbound/second-path/notices.ts",
    "runtime/northbound/second-path/second-path.ts",
  ],
  "runtime/parts-update.ts": [
    "cloud-bridge/uplink/release-source.ts",
    "runtime/update/firmware-owner.ts",
    "runtime/update/slot-updater.ts",
    "runtime/update/slots.ts",
  ],
  "drivers/probe/prober.ts": [
    "drivers/probe/dns/dns-probe.ts",
    "drivers/probe/http/http-probe.ts",
    "drivers/probe/icmp/icmp-probe.ts",
    "drivers/probe/path/path-probe.ts",
    "drivers/probe/stream/tcp-probe.ts",
    "drivers/probe/stream/tls-probe.ts",
  ],
  "drivers/probe/rules.ts": ["drivers/probe/http/rules.ts"],
  "runtime/southbound/discovery/discovery.ts": ["runtime/southbound/discovery/subnet-watch.ts", "runtime/southbound/discovery/preview.ts"],
  "drivers/discovery/lan-network.ts": [
    "drivers/discovery/lan/echo.ts",
    "drivers/discovery/lan/neighbour-tables.ts",
    "drivers/discovery/lan/tcp-connect.ts",
    "drivers/discovery/lan/udp.ts",
  ],
  "flows/deployer.ts": ["flows/compile/compile-set.ts"],
  "flows/catalogue.ts": ["flows/compile/lint.ts", "flows/compile/parameter-schema.ts"],
  "flows/local-tabs.ts": ["flows/compile/lint.ts"],
};

/** Puts stand-ins in the places of those parts, each a chunk that `common-modules.ts` lets them load at once. */
export function laterPartsOf(root: string): Plugin {
  return {
    name: "later-parts",
    setup(bundler) {
      bundler.onResolve({ filter: /\.ts$/ }, ({ path, importer, resolveDir, kind, namespace }) => {
        if (kind !== "import-statement" || namespace !== "file") return undefined;
        const parts = laterParts[relative(root, importer)] ?? [];
        const part = relative(root, join(resolveDir, path));
        // A path below the root: it goes into the names of chunks, and those must be the same wherever the checkout lies.
        return parts.includes(part) ? { path: part, namespace: space, sideEffects: false } : undefined;
      });
      bundler.onLoad({ filter: /./, namespace: space }, async ({ path: part }) => {
        const path = join(root, part);
        const exported = (await import(path)) as object;
        const functions = Object.entries(exported).filter(([, value]) => typeof value === "function");
        const lines = [
          `import { partOnDemand } from ${JSON.stringify(join(root, "build/bundle/on-demand.ts"))};`,
          `const load = () => __gatehouseNow(import(${JSON.stringify(path)}));`,
          ...functions.map(([name]) => `export const ${name} = /* @__PURE__ */ partOnDemand(load, ${JSON.stringify(name)});`),
        ];
        return { contents: lines.join("\n"), loader: "js", resolveDir: root };
      });
    },
  };
}
