# shellcheck shell=sh
# What lab.service runs in a whole Debian: systemd, udev and D-Bus are there.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root TERM=linux

# A sign of life that L0 watches.
(while sleep 2; do cat /proc/uptime >/lab/out/heartbeat; done) &

# As if a user had logged in when the machine was up: jobs of the boot are done, and udev has loaded
# the drivers of all that is there, which no job waits for.
systemctl is-system-running --wait >/lab/out/is-system-running
udevadm settle --timeout=60
. /lib/lab/main.sh
