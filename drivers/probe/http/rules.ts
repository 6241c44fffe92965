import type { CheckDefinition } from "#model/check.ts";
import type { CheckProblem } from "#ports/checks.ts";
import type { HttpExpectation, HttpSettings, HttpStep } from "../settings/generated/http.ts";
import { LinearPattern } from "./linear-pattern.ts";
import { placeholdersOf } from "./secrets.ts";
import { httpSettings, stepsOf } from "./steps.ts";

type Tell = (pointer: string, sentence: string) => void;

const ownHeaders = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "accept-encoding",
  "cookie",
  "upgrade",
  "expect",
  "te",
  "trailer",
]);
const requestKeys = ["headers", "form", "json", "body"] as const;

/** What the schema cannot say of a check of type http. */
export function httpProblems(definition: CheckDefinition): readonly CheckProblem[] {
  const found: CheckProblem[] = [];
  const tell: Tell = (pointer, sentence) => found.push({ pointer, sentence });
  const settings = httpSettings(definition);
  const target = URL.parse(definition.target);
  checkShape(settings, target, tell);
  const known = new Set(settings.credential === undefined ? [] : ["credential.username", "credential.password", "credential.token"]);
  const names = new Set<string>();
  for (const [index, step] of stepsOf(definition).entries()) {
    const pointer = settings.steps === undefined ? "/settings" : `/settings/steps/${index}`;
    if (names.has(step.name)) tell(`${pointer}/name`, `${JSON.stringify(step.name)} is the name of an earlier step`);
    names.add(step.name);
    checkStep(step, pointer, { settings, known, definition }, tell);
  }
  return found;
}

function checkShape(settings: HttpSettings, target: URL | null, tell: Tell): void {
  if (settings.steps?.length === 0) tell("/settings/steps", "is empty; leave it out");
  if (settings.steps !== undefined) {
    for (const key of requestKeys) if (settings[key] !== undefined) tell(`/settings/${key}`, "belongs into the steps");
  }
  const { tls } = settings;
  const usesTls = target?.protocol === "https:" || settings.steps?.some((step) => step.url.startsWith("https://")) === true;
  if (!usesTls && target !== null && (tls.ca ?? tls.minDays ?? tls.serverName) !== undefined)
    tell("/settings/tls", "has no effect with http://");
  if (tls.ca !== undefined && !tls.verify) tell("/settings/tls/ca", "has no effect with verify: false");
  if (tls.ca !== undefined && !tls.ca.includes("-----BEGIN CERTIFICATE-----")) tell("/settings/tls/ca", "must be a certificate in PEM");
}

interface Around {
  readonly settings: HttpSettings;
  readonly definition: CheckDefinition;
  /** Names of values that have one by now; grows from step to step. */
  readonly known: Set<string>;
}

function checkStep(step: HttpStep, pointer: string, around: Around, tell: Tell): void {
  const { settings, known } = around;
  const bodies = [step.form, step.json, step.body].filter((one) => one !== undefined);
  if (bodies.length > 1) tell(pointer, "has more than one body: form, json and body exclude each other");
  if (bodies.length > 0 && (step.method === "GET" || step.method === "HEAD"))
    tell(`${pointer}/method`, `${step.method} has no body; use POST`);
  for (const name of Object.keys(step.headers ?? {})) {
    if (ownHeaders.has(name.toLowerCase())) tell(`${pointer}/headers/${name}`, "is set by the check itself");
  }
  if (step.auth !== "none" && settings.credential === undefined) tell(`${pointer}/auth`, "needs a credential");
  const texts = [
    step.url,
    step.body ?? "",
    JSON.stringify(step.form ?? ""),
    JSON.stringify(step.json ?? ""),
    ...Object.values(step.headers ?? {}),
  ];
  for (const name of new Set(texts.flatMap(placeholdersOf))) {
    if (!known.has(name))
      tell(
        pointer,
        `uses \${${name}}, which ${name.startsWith("credential.") ? "needs a credential" : "no earlier step takes out of an answer"}`,
      );
  }
  if (settings.steps !== undefined && !step.url.includes("${") && URL.parse(step.url, around.definition.target) === null)
    tell(`${pointer}/url`, "is not a URL");
  checkExpectation(step.expect, `${pointer}/expect`, step, around, tell);
  checkExtracts(step, pointer, known, tell);
}

function checkExpectation(expect: HttpExpectation, pointer: string, step: HttpStep, { settings, definition }: Around, tell: Tell): void {
  const { maxBodyBytes } = settings;
  if (expect.status.length === 0) tell(`${pointer}/status`, "cannot be true: no status passes");
  const looksInside = [...(expect.contains ?? []), ...(expect.matches ?? []), ...(expect.json ?? [])].length > 0;
  if (looksInside && step.method === "HEAD") tell(pointer, "cannot be true: the answer to HEAD has no body");
  if (looksInside && maxBodyBytes === 0) tell(pointer, "cannot be true: maxBodyBytes is 0, so no body is read");
  if (expect.maxBytes !== undefined && expect.maxBytes > maxBodyBytes)
    tell(`${pointer}/maxBytes`, `cannot be seen: only ${maxBodyBytes} bytes of the body are read (maxBodyBytes)`);
  if (expect.maxMs !== undefined && expect.maxMs >= definition.timeoutMs)
    tell(`${pointer}/maxMs`, `can never be exceeded: the run ends after ${definition.timeoutMs} ms`);
  for (const [index, text] of (expect.contains ?? []).entries()) {
    if (Buffer.byteLength(text) > Math.min(maxBodyBytes, expect.maxBytes ?? maxBodyBytes))
      tell(`${pointer}/contains/${index}`, "cannot be true: it is longer than the body may be");
    if (expect.notContains?.some((unwanted) => text.includes(unwanted)) === true)
      tell(`${pointer}/contains/${index}`, "cannot be true: notContains forbids it");
  }
  for (const [index, source] of (expect.matches ?? []).entries()) {
    const pattern = LinearPattern.compile(source);
    if (typeof pattern === "string") tell(`${pointer}/matches/${index}`, pattern);
  }
  for (const [index, one] of (expect.json ?? []).entries()) {
    const here = `${pointer}/json/${index}`;
    if (one.min !== undefined && one.max !== undefined && one.min > one.max) tell(here, "cannot be true: min is greater than max");
    const hasBounds = one.min !== undefined || one.max !== undefined;
    if (hasBounds && one.equals !== undefined) tell(here, "has equals as well as min or max");
    if (one.exists === false && (hasBounds || one.equals !== undefined)) tell(here, "cannot be true: a value that must not exist");
  }
  for (const [index, { equals, contains }] of (expect.header ?? []).entries()) {
    if (equals !== undefined && contains !== undefined && !equals.includes(contains))
      tell(`${pointer}/header/${index}`, "cannot be true: equals does not contain contains");
  }
}

function checkExtracts(step: HttpStep, pointer: string, known: Set<string>, tell: Tell): void {
  for (const [index, one] of (step.extract ?? []).entries()) {
    const here = `${pointer}/extract/${index}`;
    const between = one.after !== undefined || one.before !== undefined;
    const ways = [one.json !== undefined, one.header !== undefined, between].filter(Boolean).length;
    if (ways !== 1) tell(here, "needs one way to find the value: json, header, or after and before");
    else if (between && (one.after === undefined || one.before === undefined)) tell(here, "needs after as well as before");
    if (one.header === undefined && step.method === "HEAD") tell(here, "cannot be true: the answer to HEAD has no body");
    known.add(one.name);
  }
}
