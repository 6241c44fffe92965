/** Opens secrets that were sealed to this gateway's key (`$sealed`: a JWE in a document of the NOC). */
export interface SecretOpener {
  /** @throws GatewayError config.secret when it is not for this gateway, or was changed */
  open(sealed: string): Promise<string>;
}
