#!/bin/sh
# Installs Gatehouse on a bare Debian 12 (or newer) or Ubuntu 22.04 (or newer): sh install.sh PACKAGE.deb [--config FILE] [--dry-run]
# Says each step before it does it, and does nothing else.
set -eu
deb='' config='' dry=false
while [ $# -gt 0 ]; do
  case $1 in
  --config) config=${2:?--config needs a file} && shift ;;
  --dry-run) dry=true ;;
  -h | --help) sed -n '2,3s/^# //p' "$0" && exit 0 ;;
  *.deb) deb=$1 ;;
  *) echo "install.sh: $1 is not understood; sh install.sh PACKAGE.deb [--config FILE] [--dry-run]" >&2 && exit 2 ;;
  esac
  shift
done
fail() { echo "install.sh: $*" >&2 && exit 1; }
step() {
  echo "- $1" && shift
  $dry || "$@"
}

[ -n "$deb" ] || fail "which package? sh install.sh gatehouse_VERSION_$(dpkg --print-architecture 2>/dev/null || echo ARCH).deb"
[ -r "$deb" ] || fail "$deb cannot be read"
command -v dpkg >/dev/null || fail "this is not a Debian: see build/README.md for other systems"
machine=$(dpkg --print-architecture)
made_for=$(dpkg-deb --field "$deb" Architecture)
[ "$machine" = "$made_for" ] || fail "the package is for $made_for, this machine is $machine"
[ -z "$config" ] || [ -r "$config" ] || fail "$config cannot be read"
$dry || [ "$(id -u)" -eq 0 ] || fail "needs root: sudo sh install.sh ..."

echo "Gatehouse $(dpkg-deb --field "$deb" Version) will be installed:"
if [ -n "$config" ]; then
  step "make /etc/gatehouse" install -d -m 0750 /etc/gatehouse
  step "copy $config to /etc/gatehouse/gatehouse.yaml" install -m 0640 "$config" /etc/gatehouse/gatehouse.yaml
fi
case $deb in /*) ;; *) deb=$PWD/$deb ;; esac
step "install the package and what it needs (libatomic1, libstdc++6, adduser), users gatehouse and gatehouse-flows" \
  env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$deb"
if [ -n "$config" ]; then
  step "let the service read its configuration" chown root:gatehouse /etc/gatehouse /etc/gatehouse/gatehouse.yaml
fi
step "check the configuration" /opt/gatehouse/gatehouse config check --no-secrets /etc/gatehouse/gatehouse.yaml
if [ -d /run/systemd/system ]; then
  step "start it" systemctl restart gatehouse.service
  echo "Look: systemctl status gatehouse; gatehouse status --state /var/lib/gatehouse; gatehouse doctor"
else
  echo "There is no systemd here: start /opt/gatehouse/launch by your init (an example for procd is in /usr/share/doc/gatehouse/examples)."
fi
