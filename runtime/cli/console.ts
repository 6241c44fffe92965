import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface Code {
  readonly url: string;
  readonly fingerprint?: string;
  readonly code: string;
  readonly lifeS: number;
  readonly link: string;
}

/** `gatehouse console code`: the way into the gateway's own page. */
export function register(program: Command, context: CommandContext): void {
  const console = program
    .command("console")
    .description("the gateway's own web page")
    .addHelpText("after", examples("console code", "console code --state /var/lib/gatehouse"));
  console
    .command("code")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--json", "as JSON")
    .description("print a one-time code that signs one browser in within ten minutes")
    .addHelpText("after", examples("console code"))
    .action(async (options: { state: string; json?: boolean }) => {
      const { requestControl } = await import("../host/control-client.ts");
      const call = { folder: options.state, operation: "console-code", clock: context.clock, timeoutMs: 10_000 };
      const answer = (await requestControl(call)) as Code;
      if (options.json === true) context.print(`${JSON.stringify(answer, null, 2)}\n`);
      else
        context.print(
          `${answer.url}\n${answer.fingerprint === undefined ? "" : `the browser must show this fingerprint (SHA-256): ${answer.fingerprint}\n`}code ${answer.code}, once, within ${Math.round(answer.lifeS / 60)} minutes\nor open ${answer.link}\n`,
        );
    });
}
