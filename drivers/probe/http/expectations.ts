import { failed } from "../failure.ts";
import type { HttpExpectation } from "../settings/generated/http.ts";
import type { HttpAnswer } from "./exchange.ts";
import { parseBody, valueAt } from "./json-value.ts";
import { LinearPattern } from "./linear-pattern.ts";

/** Whether anything in it looks at the body. */
export function looksAtBody(expect: HttpExpectation): boolean {
  return (
    [expect.contains, expect.notContains, expect.matches, expect.json].some((list) => (list?.length ?? 0) > 0) ||
    expect.maxBytes !== undefined
  );
}

/** @throws failed: assertion, with what was expected and, of the answer, only its status and sizes */
export function checkAnswer(expect: HttpExpectation, answer: HttpAnswer, maxBodyBytes: number): void {
  if (!expect.status.some((wanted) => fitsStatus(wanted, answer.status)))
    throw failed("assertion", "assertion", `the status is ${answer.status}, not ${expect.status.join(" or ")}`);
  checkHeaders(expect, answer);
  if (expect.maxBytes !== undefined && answer.body.length > expect.maxBytes)
    throw failed("assertion", "too-large", `the body is longer than ${expect.maxBytes} bytes`);
  if (looksAtBody(expect)) checkBody(expect, answer, maxBodyBytes);
  if (expect.maxMs !== undefined && answer.phases.total > expect.maxMs)
    throw failed("assertion", "assertion", `it took ${answer.phases.total} ms, longer than ${expect.maxMs} ms`);
}

export function fitsStatus(wanted: string, status: number): boolean {
  return wanted.endsWith("xx") ? Math.floor(status / 100) === Number(wanted[0]) : Number(wanted) === status;
}

function checkHeaders(expect: HttpExpectation, answer: HttpAnswer): void {
  for (const { name, equals, contains } of expect.header ?? []) {
    const found = answer.headers[name.toLowerCase()];
    const value = Array.isArray(found) ? found.join(", ") : found;
    if (value === undefined) throw failed("assertion", "assertion", `the answer has no header field ${name}`);
    if (equals !== undefined && value !== equals)
      throw failed("assertion", "assertion", `the header field ${name} is not the expected text`);
    if (contains !== undefined && !value.includes(contains))
      throw failed("assertion", "assertion", `the header field ${name} does not contain the expected text`);
  }
}

/** The body as text. @throws failed: assertion, when it was cut off or came compressed */
export function bodyText(answer: HttpAnswer, maxBodyBytes: number): string {
  if (answer.isCut)
    throw failed("assertion", "too-large", `the body is longer than ${maxBodyBytes} bytes (maxBodyBytes), and the rest was not read`);
  const encoding = answer.headers["content-encoding"]?.toLowerCase() ?? "identity";
  // Never unpacked: a few kilobytes can stand for gigabytes.
  if (encoding !== "identity")
    throw failed("assertion", "bad-answer", "the body came compressed although that was not asked for; it is not unpacked");
  return new TextDecoder("utf-8").decode(answer.body);
}

function checkBody(expect: HttpExpectation, answer: HttpAnswer, maxBodyBytes: number): void {
  const text = bodyText(answer, maxBodyBytes);
  for (const wanted of expect.contains ?? []) {
    if (!text.includes(wanted)) throw failed("assertion", "assertion", `the body does not contain ${shown(wanted)}`);
  }
  for (const unwanted of expect.notContains ?? []) {
    if (text.includes(unwanted)) throw failed("assertion", "assertion", `the body contains ${shown(unwanted)}`);
  }
  for (const source of expect.matches ?? []) {
    const pattern = LinearPattern.compile(source);
    // Refused when the configuration was loaded.
    if (typeof pattern === "string") throw failed("assertion", "assertion", `the pattern ${shown(source)} ${pattern}`);
    if (!pattern.matches(text)) throw failed("assertion", "assertion", `the body does not match ${shown(source)}`);
  }
  if ((expect.json?.length ?? 0) > 0) checkJson(expect, text);
}

function checkJson(expect: HttpExpectation, text: string): void {
  const parsed = parseBody(text);
  if (parsed === undefined) throw failed("assertion", "bad-answer", "the body is not JSON");
  for (const { pointer, equals, min, max, exists } of expect.json ?? []) {
    const value = valueAt(parsed.document, pointer);
    const where = pointer === "" ? "the whole document" : pointer;
    if (exists === false) {
      if (value !== undefined) throw failed("assertion", "assertion", `there is a value at ${where}`);
      continue;
    }
    if (value === undefined) throw failed("assertion", "assertion", `there is no value at ${where}`);
    if (equals !== undefined && value !== equals)
      throw failed("assertion", "assertion", `the value at ${where} is not ${JSON.stringify(equals)}`);
    if (min === undefined && max === undefined) continue;
    if (typeof value !== "number") throw failed("assertion", "assertion", `the value at ${where} is not a number`);
    if (min !== undefined && value < min) throw failed("assertion", "assertion", `the value at ${where} is below ${min}`);
    if (max !== undefined && value > max) throw failed("assertion", "assertion", `the value at ${where} is above ${max}`);
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
