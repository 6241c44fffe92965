/** `npm run build:deb [-- --arch x64] [--out dist] [--level 19]`: Debian packages of the appliance, around the binaries that `npm run build` left in the folder. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { type Architecture, architectures, artefactFile } from "./artefact.ts";

const root = join(import.meta.dirname, "../..");
const debianNames: Readonly<Record<Architecture, string>> = { x64: "amd64", arm64: "arm64" };

/** Debian 12 and Ubuntu 22.04 have them. The C library's version is what the SQLite addon was linked with. */
const depends = "libc6 (>= 2.34), libstdc++6 (>= 11), libgcc-s1, libatomic1, adduser, coreutils (>= 8.24), util-linux";

const { values } = parseArgs({
  options: {
    arch: { type: "string", multiple: true },
    out: { type: "string", default: join(root, "dist") },
    level: { type: "string", default: "19" },
    // Whoever ships it: nobody else can answer for it (SECURITY.md).
    maintainer: { type: "string", default: "not named by the distributor <unset@distributor.invalid>" },
  },
});
if (!/^[^<>\n]{1,120} <[^<>@\s]+@[^<>@\s]+>$/.test(values.maintainer))
  throw new Error(`--maintainer must be NAME <MAIL>, not ${JSON.stringify(values.maintainer)}`);
if (values.maintainer.endsWith(".invalid>"))
  console.error("the package names nobody who answers for it: give --maintainer 'NAME <MAIL>' before it is shipped");
const wanted = architectures.filter((one) => values.arch === undefined || values.arch.includes(one));

function place(folder: string, to: string, from: string, mode: number): void {
  mkdirSync(dirname(join(folder, to)), { recursive: true, mode: 0o755 });
  cpSync(join(root, from), join(folder, to));
  chmodSync(join(folder, to), mode);
}

function control(version: string, architecture: Architecture, installedKiB: number): string {
  return `Package: gatehouse
Version: ${version}
Architecture: ${debianNames[architecture]}
Maintainer: ${values.maintainer}
Installed-Size: ${installedKiB}
Depends: ${depends}
Recommends: systemd, ca-certificates
Section: net
Priority: optional
Description: runtime of a managed network appliance
 Polls a site's equipment, keeps every measurement until the NOC has it, and
 runs the services the NOC activates. One program; updates itself in two slots.
`;
}

function build(architecture: Architecture): string {
  const binary = join(values.out, artefactFile("gatehouse", architecture));
  if (!existsSync(binary)) throw new Error(`${binary} is not there: npm run build -- --arch ${architecture}`);
  const version =
    process.env.GATEHOUSE_VERSION ?? (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-deb-"));
  try {
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "opt/gatehouse"), { recursive: true, mode: 0o755 });
    cpSync(binary, join(folder, "opt/gatehouse/gatehouse"));
    chmodSync(join(folder, "opt/gatehouse/gatehouse"), 0o755);
    place(folder, "opt/gatehouse/launch", "build/systemd/launch", 0o755);
    place(folder, "opt/gatehouse/spare-flash", "build/systemd/spare-flash", 0o755);
    place(folder, "usr/lib/systemd/journald@gatehouse.conf.d/quota.conf", "build/systemd/journal-quota.conf", 0o644);
    place(folder, "etc/default/gatehouse", "build/debian/default", 0o644);
    place(folder, "usr/bin/gatehouse", "build/systemd/gatehouse.sh", 0o755);
    place(folder, "lib/systemd/system/gatehouse.service", "build/systemd/gatehouse.service", 0o644);
    place(folder, "usr/share/doc/gatehouse/examples/gatehouse.yaml", "examples/gatehouse.yaml", 0o644);
    place(folder, "usr/share/doc/gatehouse/examples/gatehouse.procd", "build/openwrt/gatehouse.init", 0o644);
    place(folder, "usr/share/doc/gatehouse/README.md", "README.md", 0o644);
    place(folder, "usr/share/doc/gatehouse/copyright", "LICENSE", 0o644);
    for (const script of ["postinst", "prerm", "postrm"]) place(folder, `DEBIAN/${script}`, `build/debian/${script}`, 0o755);
    // What an administrator changed there stays.
    writeFileSync(join(folder, "DEBIAN/conffiles"), "/etc/default/gatehouse\n");
    writeFileSync(join(folder, "DEBIAN/control"), control(version, architecture, Math.ceil(statSync(binary).size / 1024) + 64));
    const out = join(values.out, `gatehouse_${version}_${debianNames[architecture]}.deb`);
    // The same bytes at any time: dates of the files are taken from the environment, owners are root.
    const environment = { ...process.env, SOURCE_DATE_EPOCH: process.env.SOURCE_DATE_EPOCH ?? "1735689600" };
    execFileSync("dpkg-deb", ["--root-owner-group", "-Zzstd", `-z${values.level}`, "--build", folder, out], {
      stdio: ["ignore", "ignore", "inherit"],
      env: environment,
    });
    return out;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const architecture of wanted) process.stdout.write(`${build(architecture)}\n`);
