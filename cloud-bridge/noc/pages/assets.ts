/** The page as it is served: three files, no reference to anywhere else. */
export interface PageAssets {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}
