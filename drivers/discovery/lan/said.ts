/** Texts from strangers: no control or format characters, at most 128 characters. */
export function said(text: string): string {
  return text
    .slice(0, 1_024)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\uFFFD]/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, 128);
}

/** At most so many services of one host are kept. */
export const maxServices = 16;
