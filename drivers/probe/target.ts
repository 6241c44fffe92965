import { isIP } from "node:net";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const namePattern = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;

/** A host name or an address; never something a program would take for an option. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes("%");
  // All digits and dots, and no address: a slip of the keyboard, which a resolver would read in its own way.
  return namePattern.test(text) && !/^[\d.]+$/.test(text);
}

/** `host:port`, `[2001:db8::1]:port`, or, with a standard port, the host alone. */
export function parseHostPort(text: string, standardPort?: number): HostPort | undefined {
  const [, bracketed, plain, portText] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const whole = isIP(text) === 6 ? text : undefined;
  const host = whole ?? bracketed ?? plain;
  const port = portText === undefined ? standardPort : Number(portText);
  if (host === undefined || !isHost(host) || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  if (port === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

export function said({ host, port }: HostPort): string {
  return `${host} port ${port}`;
}
