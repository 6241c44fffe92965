import type { SecurityMutant } from "./mutant.ts";
import { mutantsOfSecrets } from "./mutants-of-secrets.ts";
import { mutantsOfTheGateway } from "./mutants-of-the-gateway.ts";
import { mutantsOfTheLine } from "./mutants-of-the-line.ts";

/** At least one for each test that SECURITY.md names; security-md.test.ts sees to it. */
export const securityMutants: readonly SecurityMutant[] = [...mutantsOfTheLine, ...mutantsOfTheGateway, ...mutantsOfSecrets];
