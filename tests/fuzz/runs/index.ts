import type { FuzzRun } from "../subject.ts";
import { answersRun } from "./answers.ts";
import { orderRuns } from "./orders.ts";
import { packetsRun } from "./packets.ts";

/** What is no reader of one input after the other: conversations, and messages on their whole way. Their small runs are in the tests of their rooms. */
export const fuzzRuns: readonly FuzzRun[] = [answersRun, packetsRun, ...orderRuns];
