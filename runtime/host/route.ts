import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** What `/proc/net/route` says of its default routes: lines of interface, destination, gateway, flags (RTF_UP = 1), in hexadecimal. */
const defaultDestination = "00000000";

/**
 * The way out in one word: default routes, and the addresses of interfaces that are up. It changes when a carrier comes or goes, a lease is new, or another
 * interface takes over; two of the same mean that nothing of that happened. Cheap enough to be asked every other second.
 * @param routes the kernel's table of routes, as text
 */
export function routeOf(routes: string, interfaces: ReturnType<typeof networkInterfaces>): string {
  const ways = routes
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , flags]) => destination === defaultDestination && (Number.parseInt(flags ?? "0", 16) & 1) === 1)
    .map(([name, , gateway]) => `${name}>${gateway}`);
  const addresses = Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).filter(({ internal }) => !internal).map(({ address }) => `${name}=${address}`),
  );
  return [...ways.sort(), ...addresses.sort()].join(" ");
}

/** `routeOf` for this machine, now. */
export function currentRoute(): string {
  return routeOf(readRoutes(), networkInterfaces());
}

function readRoutes(): string {
  try {
    return readFileSync("/proc/net/route", "utf8");
  } catch {
    // No such file outside Linux, or in a jail without /proc: the interfaces alone tell most of it.
    return "";
  }
}
