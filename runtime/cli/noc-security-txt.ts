import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** What only whoever ships boxes can say. */
export interface DisclosureOptions {
  readonly contact: readonly string[];
  readonly expires: string;
  readonly policy?: string;
  readonly encryption?: string;
  readonly acknowledgments?: string;
  readonly canonical?: string;
  readonly language?: string;
}

/** RFC 9116 2.5.5: less than a year is recommended, so that somebody looks at it again. */
const longestMs = 366 * 86_400_000;
const dayMs = 86_400_000;
const contactSchemes = ["mailto:", "https:", "tel:"];
const languagesPattern = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*(,\s*[a-z]{2,3}(-[A-Za-z0-9]{2,8})*)*$/;

/** `gatehouse noc security-txt`: where weaknesses are reported, in the form that tools look for. Nothing in it is made up here. */
export function registerSecurityTxt(noc: Command, context: CommandContext): void {
  const example = "noc security-txt --contact mailto:security@example.net --policy https://example.net/security --expires 2027-06-30";
  noc
    .command("security-txt")
    .description("print /.well-known/security.txt (RFC 9116) for your site; contact and date are yours to give")
    .requiredOption("--contact <uri...>", "where a weakness is reported, the best way first: mailto:, https: or tel:")
    .requiredOption("--expires <date>", "until when this holds, at most a year ahead: 2027-06-30")
    .option("--policy <url>", "your disclosure policy (SECURITY.md has a draft to fill in)")
    .option("--encryption <uri>", "your key for encrypted reports")
    .option("--acknowledgments <url>", "page with thanks to those who reported")
    .option("--canonical <url>", "where this file is published")
    .option("--language <tags>", "languages you read, with commas: en, pt")
    .addHelpText("after", examples(example))
    .action((options: DisclosureOptions) => void context.print(securityText(options, context.clock.now().wallMs)));
}

/** @throws GatewayError config.invalid naming everything that is wrong */
export function securityText(options: DisclosureOptions, nowMs: number): string {
  const problems: string[] = [];
  const uri = (field: string, text: string, schemes: readonly string[]) => {
    const scheme = /^[\x21-\x7e]+$/.test(text) ? (URL.parse(text)?.protocol ?? "") : "";
    if (!schemes.includes(scheme) || /example\.(?:com|net|org)\b/.test(text) || text.length > 1_000)
      problems.push(`${field}: "${text.slice(0, 80)}" must be a ${schemes.join(" or ")} address of yours`);
    return `${field}: ${text}\n`;
  };
  const expiresMs = Date.parse(options.expires);
  if (!(expiresMs > nowMs + dayMs && expiresMs <= nowMs + longestMs))
    problems.push(`Expires: "${options.expires.slice(0, 40)}" must be a date more than a day and at most a year ahead`);
  if (options.contact.length === 0) problems.push("Contact: at least one is needed");
  if (options.language !== undefined && !languagesPattern.test(options.language))
    problems.push(`Preferred-Languages: "${options.language.slice(0, 40)}" must be tags like en, pt-BR`);
  const optional = (field: string, text: string | undefined, schemes = ["https:"]) => (text === undefined ? "" : uri(field, text, schemes));
  const lines = [
    ...options.contact.map((one) => uri("Contact", one, contactSchemes)),
    problems.length === 0 ? `Expires: ${new Date(expiresMs).toISOString()}\n` : "",
    optional("Encryption", options.encryption, ["https:", "dns:", "openpgp4fpr:"]),
    optional("Acknowledgments", options.acknowledgments),
    options.language === undefined ? "" : `Preferred-Languages: ${options.language}\n`,
    optional("Canonical", options.canonical),
    optional("Policy", options.policy),
  ];
  if (problems.length > 0) throw new GatewayError("config.invalid", { message: problems.join("; ") });
  return lines.join("");
}
