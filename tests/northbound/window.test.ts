import { expect, it } from "vitest";
import { AdaptiveLimit } from "../../runtime/northbound/adaptive-limit.ts";
import { PublishWindow } from "../../runtime/northbound/window.ts";

const never = new AbortController().signal;

it("is full at its number of messages", () => {
  const window = new PublishWindow(2);
  window.take(1);
  expect(window.hasRoom(1)).toBe(true);
  window.take(1);
  expect(window.hasRoom(1)).toBe(false);
});

it("is full at its number of bytes, but one message always goes", () => {
  const window = new PublishWindow(16, 1_000);
  expect(window.hasRoom(5_000)).toBe(true);
  window.take(600);
  expect(window.hasRoom(400)).toBe(true);
  expect(window.hasRoom(401)).toBe(false);
});

it("serves those who wait before those who ask", async () => {
  const window = new PublishWindow(1);
  window.take(1);
  const waiting = window.acquire(1, never);
  window.give(1);
  await waiting;
  expect(window.messages).toBe(1);
  expect(window.hasRoom(1)).toBe(false);
});

it("lets a waiter leave, and refuses the sixty-fifth", async () => {
  const window = new PublishWindow(1);
  window.take(1);
  const leave = new AbortController();
  const left = window.acquire(1, leave.signal);
  leave.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  const waiting = Array.from({ length: 64 }, () => window.acquire(1, never));
  await expect(window.acquire(1, never)).rejects.toThrow("wait");
  for (const one of waiting) {
    window.give(1);
    await one;
  }
  expect(window.messages).toBe(1);
});

it("shrinks when PUBACKs take longer than the quickest, once per flight, and grows again", () => {
  const limit = new AdaptiveLimit({ firstBytes: 100_000, leastBytes: 10_000, mostBytes: 200_000 });
  limit.learn(0, 1_000);
  expect(limit.bytes).toBe(125_000);
  limit.learn(1_000, 5_000);
  expect(limit.bytes).toBe(62_500);
  // Sent before the cut: part of the same queue.
  limit.learn(2_000, 6_000);
  expect(limit.bytes).toBe(62_500);
  limit.learn(5_500, 9_500);
  expect(limit.bytes).toBe(31_250);
  for (let i = 0; i < 20; i++) limit.learn(10_000, 11_000);
  expect(limit.bytes).toBe(200_000);
});

it("takes a long way for a long way, not for a queue", () => {
  const limit = new AdaptiveLimit({ firstBytes: 100_000, leastBytes: 10_000, mostBytes: 200_000 });
  for (let i = 0; i < 10; i++) limit.learn(i, i + 20_000);
  expect(limit.bytes).toBe(200_000);
});
