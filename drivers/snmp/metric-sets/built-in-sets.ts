import { ciscoSmallBusiness, ciscoSystem } from "./cisco.ts";
import { fortinetFirewall, otherFirewalls, pfFirewall } from "./firewalls.ts";
import { hostResources, processes, ucdSnmp } from "./hosts.ts";
import { ethernet, interfaces } from "./interfaces.ts";
import { arpTables, cdpNeighbours, forwardingDatabase, ipAddresses, lldpNeighbours, spanningTree, vlans } from "./layer2.ts";
import type { MetricSet } from "./metric-set.ts";
import { fixedWireless, mobileRouters, ruckus } from "./mobile.ts";
import { apcPower, otherUps, upsStandard } from "./power.ts";
import { printers } from "./printers.ts";
import { entitySensorSet, lmSensors, powerEthernet } from "./sensors.ts";
import { axisCameras, dellBmc, hpeBmc, netSnmpExtend, vmwareEsxi } from "./servers.ts";
import { qnap, synology, synologySmart } from "./storage.ts";
import { arubaCx, arubaInstant, juniperSystem, procurve, smallBusinessSwitches } from "./switches.ts";
import { fastpath, mikrotik, ubiquitiAirMax, unifi } from "./wireless.ts";

/**
 * Every set that ships with the gateway, in the order in which tables are polled: what a NOC misses first comes first. Which of them
 * an equipment has is found by probing.
 */
export const builtInSets: readonly MetricSet[] = [
  interfaces,
  hostResources,
  ucdSnmp,
  ciscoSystem,
  ciscoSmallBusiness,
  fortinetFirewall,
  pfFirewall,
  otherFirewalls,
  mikrotik,
  procurve,
  arubaCx,
  arubaInstant,
  smallBusinessSwitches,
  fastpath,
  juniperSystem,
  upsStandard,
  apcPower,
  otherUps,
  entitySensorSet,
  lmSensors,
  synology,
  qnap,
  dellBmc,
  hpeBmc,
  vmwareEsxi,
  printers,
  powerEthernet,
  unifi,
  ubiquitiAirMax,
  mobileRouters,
  fixedWireless,
  ruckus,
  axisCameras,
  netSnmpExtend,
  spanningTree,
  ethernet,
  lldpNeighbours,
  cdpNeighbours,
  ipAddresses,
  processes,
  vlans,
  forwardingDatabase,
  arpTables,
  synologySmart,
];
