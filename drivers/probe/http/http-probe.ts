import type { CheckDefinition } from "#model/check.ts";
import { GatewayError } from "#model/errors.ts";
import { failed } from "../failure.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { HttpSettings, HttpStep } from "../settings/generated/http.ts";
import { printable } from "../stream/certificate.ts";
import { buildRequest } from "./build-request.ts";
import { CookieJar } from "./cookie-jar.ts";
import type { HttpAnswer, HttpPhases } from "./exchange.ts";
import { bodyText, checkAnswer } from "./expectations.ts";
import { follow } from "./follow.ts";
import { parseBody, valueAt } from "./json-value.ts";
import { Secrets } from "./secrets.ts";
import { httpSettings, isTransaction, stepsOf } from "./steps.ts";

const maxShownUrl = 160;
const maxShownRedirects = 4;
const phaseNames = ["resolve", "connect", "tls", "firstByte", "transfer"] as const;

/** One request, or several in order with cookies and values taken from one to the next; the first failure ends it. */
export async function probeHttp(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = httpSettings(definition);
  const transaction: Transaction = { definition, settings, jar: new CookieJar(), secrets: secretsOf(settings, run), shown: [], totalMs: 0 };
  const steps = stepsOf(definition);
  run.evidence["steps"] = transaction.shown;
  try {
    for (const step of steps) await runStep(step, transaction, run);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    // A sentence may quote what it found in a URL or a header.
    throw new GatewayError(error.code, { message: transaction.secrets.scrub(error.message), fields: error.fields });
  } finally {
    // What a run took is known when its last step was answered, whatever is thought of the answer; part of it would look fast.
    if (run.values.get("stepsDone") === steps.length) {
      run.values.set("latency", transaction.totalMs);
      run.latenciesMs.push(transaction.totalMs);
    }
  }
}

interface Transaction {
  readonly definition: CheckDefinition;
  readonly settings: HttpSettings;
  readonly jar: CookieJar;
  readonly secrets: Secrets;
  readonly shown: Record<string, unknown>[];
  totalMs: number;
}

function secretsOf(settings: HttpSettings, run: ProbeRun): Secrets {
  const secrets = new Secrets();
  if (settings.credential === undefined) return secrets;
  const { http } = run.world.credential(settings.credential);
  for (const name of ["username", "password", "token"] as const) {
    const value = http?.[name];
    if (value !== undefined) secrets.set(`credential.${name}`, value);
  }
  return secrets;
}

async function runStep(step: HttpStep, transaction: Transaction, run: ProbeRun): Promise<void> {
  const { definition, settings, jar, secrets, shown } = transaction;
  run.stage = "request";
  const shownStep: Record<string, unknown> = { step: step.name, method: step.method };
  shown.push(shownStep);
  const request = buildRequest(step, definition.target, secrets);
  shownStep["url"] = shownUrl(request.url, secrets);
  const sums: Record<string, number> = {};
  const onAnswer = (answer: HttpAnswer) => {
    addPhases(sums, answer.phases);
    Object.assign(shownStep, { status: answer.status, ms: sums, bytes: answer.body.length, ...(answer.isCut ? { cut: true } : {}) });
  };
  const limits = { maxBodyBytes: settings.maxBodyBytes, tls: settings.tls };
  const { answer, urls } = await follow(run, request, { limits, jar, maxRedirects: step.maxRedirects, onAnswer });
  for (const value of jar.values()) secrets.hide(value);
  if (urls.length > 1) shownStep["redirects"] = urls.slice(1, 1 + maxShownRedirects).map((url) => shownUrl(url, secrets));
  const whole: HttpAnswer = { ...answer, phases: { ...answer.phases, total: rounded(sums["total"] ?? 0) } };
  record(run, isTransaction(settings) ? step.name : undefined, whole, sums);
  transaction.totalMs = rounded(transaction.totalMs + whole.phases.total);
  run.stage = "assertion";
  try {
    checkAnswer(step.expect, whole, settings.maxBodyBytes);
    extract(step, answer, settings.maxBodyBytes, secrets);
  } catch (error) {
    if (!(error instanceof GatewayError) || !isTransaction(settings)) throw error;
    throw new GatewayError(error.code, { message: `step ${step.name}: ${error.message}`, fields: error.fields });
  }
}

function addPhases(sums: Record<string, number>, phases: HttpPhases): void {
  for (const name of [...phaseNames, "total"] as const) sums[name] = rounded((sums[name] ?? 0) + phases[name]);
}

/** Figures of the step and of the run so far. */
function record(run: ProbeRun, step: string | undefined, answer: HttpAnswer, sums: Readonly<Record<string, number>>): void {
  const { values } = run;
  for (const name of phaseNames) {
    const ms = sums[name] ?? 0;
    values.set(name, rounded((values.get(name) ?? 0) + ms));
    if (step !== undefined) values.set(`${step}/${name}`, ms);
  }
  if (step !== undefined) values.set(`${step}/latency`, sums["total"] ?? 0);
  values.set("stepsDone", (values.get("stepsDone") ?? 0) + 1);
  values.set("status", answer.status);
  values.set("bytes", (values.get("bytes") ?? 0) + answer.body.length);
}

function extract(step: HttpStep, answer: HttpAnswer, maxBodyBytes: number, secrets: Secrets): void {
  for (const { name, json, header, after, before } of step.extract ?? []) {
    let value: unknown;
    if (header !== undefined) value = answer.headers[header.toLowerCase()];
    else if (json !== undefined) value = valueAt(parseBody(bodyText(answer, maxBodyBytes))?.document, json);
    else value = between(bodyText(answer, maxBodyBytes), after ?? "", before ?? "");
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text !== "string" || text === "" || text.length > 4_096)
      throw failed("assertion", "assertion", `the value ${name} is not in the answer`);
    secrets.set(name, text);
  }
}

function between(text: string, after: string, before: string): string | undefined {
  const start = text.indexOf(after);
  if (start < 0) return undefined;
  const from = start + after.length;
  const end = text.indexOf(before, from);
  return end < 0 ? undefined : text.slice(from, end);
}

/** Origin and path: user, query and fragment are where secrets stand. */
function shownUrl(url: URL, secrets: Secrets): string {
  return printable(secrets.scrub(`${url.origin}${url.pathname}`), maxShownUrl);
}
