/** Values that a YAML text can hold at most: 4,096 equipment with all their settings have about 100,000. A parser takes up to 1 KiB for each. */
export const maxYamlMarks = 300_000;
/** Aliases of one text. A parser looks for each of them from the top: 20,000 in 60 KB cost it two minutes. */
export const maxYamlAliases = 1_000;

const alias = /(?:^|[\s,[{:])\*[^\s,\]}*]/g;

/**
 * Whether a YAML text would cost a parser more than its length shows, told from its punctuation before anything is parsed.
 * @returns what is too much, as the end of a sentence that begins with the file; undefined = it may be parsed
 */
export function yamlExcess(text: string): string | undefined {
  let marks = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // Line feed , - : ? [ {
    if (code === 10 || code === 44 || code === 45 || code === 58 || code === 63 || code === 91 || code === 123) marks += 1;
  }
  if (marks > maxYamlMarks) return `has room for more than ${maxYamlMarks} values`;
  let aliases = 0;
  alias.lastIndex = 0;
  while (alias.test(text)) aliases += 1;
  return aliases > maxYamlAliases ? `has more than ${maxYamlAliases} aliases` : undefined;
}
