/**
 * What a form of sysDescr says: its name in words, for the evidence; a word that the text must contain (so that few patterns are ever
 * compiled); the pattern, whose named groups fill the fields of the same name; vendor, class and operating system where the form implies them.
 */
export type DescriptionRule = readonly [
  form: string,
  word: string,
  pattern: RegExp,
  vendor?: string | undefined,
  deviceClass?: string | undefined,
  osName?: string | undefined,
];
