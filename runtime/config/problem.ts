import { GatewayError } from "#model/errors.ts";

/** One thing about a configuration that a person should know. */
export interface Problem {
  /** A warning does not keep the gateway from starting. */
  readonly severity: "error" | "warning";
  /** As it was given, so that an editor can jump there. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** JSON pointer (RFC 6901); "" = the whole document. */
  readonly pointer: string;
  /** For people; holds no secret and no value of the file except names and numbers. */
  readonly sentence: string;
}

const maxListed = 50;

/** `gatehouse.yaml:12:5 /equipment/0/port: must be at most 65535` */
export function formatProblem(problem: Problem): string {
  const kind = problem.severity === "warning" ? "warning: " : "";
  return `${problem.file}:${problem.line}:${problem.column} ${problem.pointer === "" ? "/" : problem.pointer}: ${kind}${problem.sentence}`;
}

/** All that is wrong with a configuration, at once. Its message lists the first 50. */
export class ConfigurationError extends GatewayError {
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const listed = problems.slice(0, maxListed).map(formatProblem);
    if (problems.length > maxListed) listed.push(`and ${problems.length - maxListed} more`);
    super("config.invalid", { message: listed.join("\n"), fields: { file, problems: problems.length } });
    this.problems = problems;
  }
}
