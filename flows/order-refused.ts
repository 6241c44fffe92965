/** An order of a flow that is not carried out, or that failed: a stable code and a sentence. Goes to the flow, never further. */
export class OrderRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "OrderRefused";
    this.code = code;
  }
}
