/** Options of the commands that ask. */
export interface Asked {
  readonly url: string;
  readonly tokenFile: string;
  readonly gateway?: string;
  readonly search?: string;
  readonly events?: boolean;
  readonly recount?: boolean;
  readonly json?: boolean;
}
