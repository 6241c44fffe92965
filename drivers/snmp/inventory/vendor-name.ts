/**
 * How vendors' names begin, in small letters and digits only, and the one name for them; `$`: the whole name. The first that fits, so longer ones
 * come first. One text: it is read a few times a day.
 */
const forms = `
eaton=Eaton powerware=Eaton mgeups=Eaton
hpearuba=HPE_Aruba hewlettpackardenterprise=HPE hpe=HPE hewlettpackard=HP hp$=HP hpinc=HP hpdevelopment=HP aruba=HPE_Aruba
americanpowerconversion=APC apc$=APC apcby=APC schneiderelectric=Schneider_Electric emerson=Vertiv vertiv=Vertiv liebert=Vertiv
tripplite=Tripp_Lite riello=Riello socomec=Socomec deltaelectronics=Delta cyberpower=CyberPower cps$=CyberPower raritan=Raritan
ciscomeraki=Cisco_Meraki meraki=Cisco_Meraki cisco=Cisco juniper=Juniper dlink=D-Link tplink=TP-Link netgear=Netgear zyxel=Zyxel
dell=Dell fortinet=Fortinet mikrotik=MikroTik ubiquiti=Ubiquiti ubnt=Ubiquiti huawei=Huawei h3c=H3C newh3c=H3C hangzhouh3c=H3C
extremenetworks=Extreme alliedtelesis=Allied_Telesis arista=Arista brocade=Brocade ruckus=Ruckus edgecore=Edgecore accton=Edgecore
paloalto=Palo_Alto_Networks checkpoint=Check_Point sonicwall=SonicWall watchguard=WatchGuard draytek=DrayTek lancom=LANCOM
lenovo=Lenovo synology=Synology qnap=QNAP supermicro=Supermicro fujitsu=Fujitsu vmware=VMware microsoft=Microsoft
axis=Axis hikvision=Hikvision hangzhouhikvision=Hikvision hanwha=Hanwha samsungtechwin=Hanwha
grandstream=Grandstream polycom=Polycom yealink=Yealink avaya=Avaya
konicaminolta=Konica_Minolta kyocera=Kyocera fujixerox=Fuji_Xerox fujifilm=Fujifilm xerox=Xerox lexmark=Lexmark brother=Brother canon=Canon
seikoepson=Epson epson=Epson ricoh=Ricoh sharp=Sharp toshiba=Toshiba samsung=Samsung oki$=OKI okidata=OKI zebra=Zebra
salicru=Salicru legrand=Legrand arris=Arris technicolor=Technicolor
`;

/** One name for one vendor, however its devices write it. */
export function vendorName(said: string): string {
  const plain = said.toLowerCase().replace(/[^a-z0-9]/g, "");
  for (const [, begin = "", whole, name = ""] of forms.matchAll(/(\w+)(\$?)=(\S+)/g)) {
    if (whole === "$" ? plain === begin : plain.startsWith(begin)) return name.replaceAll("_", " ");
  }
  return said;
}
