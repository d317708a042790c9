# shellcheck shell=sh
# The end of every L1, whatever booted it: the scenario, what came of it, power off.
cat /proc/uptime >/lab/out/ready
echo scenario >/lab/out/stage
case " $(cat /proc/cmdline) " in
*" lab.shell "*)
	echo "lab: this is L1; the scenario library is /lib/lab/lib.sh, shared folders are /lab and /guest"
	stty sane </dev/console
	setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
	status=$?
	;;
*)
	stty -F /dev/ttyS1 raw -echo
	status=99
	# Through cat: programs shall see a pipe, as in a user's script, not an 80 column terminal.
	{
		sh /lib/lab/run.sh 2>&1 </dev/null
		echo $? >/run/lab.status
	} | cat >/dev/ttyS1
	read -r status </run/lab.status
	cat /proc/uptime >/lab/out/done
	dmesg >/lab/out/dmesg.txt
	;;
esac

# Everything said must have left the UART's buffer before power goes.
sleep 0.2
echo "$status" >/lab/out/status.new && mv /lab/out/status.new /lab/out/status
echo off >/lab/out/stage
sync
# Twice: systemd's own, too, then asks nobody.
poweroff -f -f
