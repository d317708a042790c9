# shellcheck shell=sh
# What lab.service runs in a whole Debian: systemd, udev and D-Bus are there.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root TERM=linux

# A sign of life that L0 watches.
(while sleep 2; do cat /proc/uptime >/lab/out/heartbeat; done) &

# As if a user had logged in when the machine was up: jobs of the boot are done.
systemctl is-system-running --wait >/lab/out/is-system-running
. /lib/lab/main.sh
