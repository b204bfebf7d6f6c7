#!/bin/sh
# What makes a Debian a machine of the lab; mmdebstrap runs it with the new root as $1.
set -eu

cp --recursive --no-preserve=mode,ownership "$(dirname "$0")/root/." "$1/"
chroot "$1" useradd --create-home --shell /bin/bash vagrant
chroot "$1" systemctl --quiet enable \
    lab-seed.service lab-cpuinfo.service lab-pulse.service systemd-networkd.service

# Nothing that starts by the clock while somebody measures, and no terminal that is not there.
chroot "$1" systemctl --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer getty@tty1.service \
    proc-sys-fs-binfmt_misc.automount systemd-binfmt.service

# What systemd would bring up to date at the first start is.
chroot "$1" ldconfig
touch "$1/etc/.updated" "$1/var/.updated"

# Each machine has its own keys, id and sources.
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*
: > "$1/etc/machine-id"
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*
