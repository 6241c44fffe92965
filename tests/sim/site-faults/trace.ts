/** `node tests/sim/site-faults/trace.ts WORDS`: every word that the gateway says while it lives through the faults whose names hold WORDS. */
import { siteFaults } from "./catalogue.ts";
import { tableOf } from "./table.ts";
import { SiteTrial } from "./trial.ts";

const words = process.argv.slice(2).join(" ");
const trial = new SiteTrial(1);
await trial.begin();
trial.world.gateway?.alarms.alarms.onChange(({ op, severity, equipment, path, type, text, key, attributes }) => {
  const at = `${(trial.world.clock.monotonicMs() / 1_000).toFixed(0)} s`;
  const root = attributes["root"] === undefined ? "" : ` because of ${String(attributes["root"]).slice(3, 9)}`;
  console.log(`${at} ${op} ${severity} ${type} ${equipment ?? "site"} ${path} [${key.slice(3, 9)}]${root}: ${text}`);
});
for (const fault of siteFaults.filter(({ name }) => name.includes(words))) {
  console.log(`--- ${fault.name}`);
  console.log(tableOf([await trial.live(fault)]));
  const { domain, text, evidence } = trial.world.gateway?.alarms.verdict() ?? { domain: "none", text: "", evidence: [] };
  console.log(`now: ${domain}, ${text}`, evidence);
}
await trial.world.close();
