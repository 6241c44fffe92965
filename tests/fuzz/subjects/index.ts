import type { FuzzSubject } from "../subject.ts";
import { authenticatedSubjects } from "./authenticated.ts";
import { bookSubjects } from "./books.ts";
import { databaseSubjects } from "./databases.ts";
import { documentSubjects } from "./documents.ts";
import { doorSubjects } from "./doors.ts";
import { fileSubjects } from "./files.ts";
import { guestSubjects } from "./guests.ts";
import { httpSubjects } from "./http.ts";
import { messageSubjects } from "./messages.ts";
import { networkSubjects } from "./network.ts";
import { nocSubjects } from "./noc.ts";
import { nocDoorSubjects } from "./noc-doors.ts";
import { releaseSubjects } from "./releases.ts";
import { storeSubjects } from "./store.ts";

/** Every handler of messages and parser of files, by name. */
export const fuzzSubjects: readonly FuzzSubject[] = [
  ...messageSubjects,
  ...documentSubjects,
  ...fileSubjects,
  ...authenticatedSubjects,
  ...releaseSubjects,
  ...doorSubjects,
  ...httpSubjects,
  ...storeSubjects,
  ...networkSubjects,
  ...guestSubjects,
  ...nocSubjects,
  ...nocDoorSubjects,
  ...bookSubjects,
  ...databaseSubjects,
];
