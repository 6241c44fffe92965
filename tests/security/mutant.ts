/** A piece of a file as it stands there, and what takes its place. */
export interface Edit {
  readonly file: string;
  /** Stands there once at least; the first place is replaced. */
  readonly find: string;
  readonly replace: string;
}

/** One control of SECURITY.md taken out, and the test that must fail then. */
export interface SecurityMutant extends Edit {
  /** Test file and title, word for word as in SECURITY.md. */
  readonly test: string;
  readonly title: string;
  /** Where a second place sees to the same thing. */
  readonly also?: Edit;
}
