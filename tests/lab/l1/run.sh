# shellcheck shell=sh
# Runs the scenario's part in L1. The scenario file defines scenario(); its exit status and the
# checks it counted decide.
cd /lab || exit 99
# shellcheck source=tests/lab/l1/lib.sh
. /lib/lab/lib.sh
# shellcheck source=tests/lab/l1/guest.sh
. /lib/lab/guest.sh
# shellcheck source=tests/lab/l1/kernels.sh
. /lib/lab/kernels.sh
# shellcheck source=/dev/null
. /lib/lab/scenario.sh
confined=
[ ! -x /usr/sbin/apparmor_parser ] || confined=yes
if [ -n "$confined" ]; then
	# shellcheck source=tests/lab/l1/apparmor.sh
	. /lib/lab/apparmor.sh
	must "AppArmor has our profiles" load_profiles
fi
scenario
status=$?
[ -z "$confined" ] || shown "AppArmor has refused nothing" nothing_refused
lab_summary $status
