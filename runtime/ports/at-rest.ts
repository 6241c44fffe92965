/** Encrypts what a database keeps, under a key of this device that no database holds. */
export interface AtRest {
  /** @throws GatewayError buffer.denied | buffer.disk-full when the key could not be made */
  seal(clear: Uint8Array): Uint8Array;
  /** @throws GatewayError config.secret when it does not open: damaged, or of another device */
  open(sealed: Uint8Array): Uint8Array;
}
