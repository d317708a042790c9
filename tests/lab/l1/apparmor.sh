# shellcheck shell=sh
# The profiles of what is installed, enforced while the scenario runs: they have nothing to refuse.

load_profiles() {
	for profile in /usr/etc/apparmor.d/vfctl*; do
		apparmor_parser --replace "$profile" || return 1
	done
	grep ^vfctl /sys/kernel/security/apparmor/profiles
	# What ran before is not confined.
	systemctl try-restart vfctld vfctld-libvirt
}

nothing_refused() {
	! journalctl --no-pager -b -o cat -k | grep 'apparmor="DENIED".*vfctl'
}
