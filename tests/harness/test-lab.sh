#!/bin/bash
# test-lab.sh: what the lab takes for the emulator's own end, and what it does not.
# shellcheck disable=SC2034  # what the lab's functions look at
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
rc=0
eval "$(sed -nE '/^(died_of_emulation|guest_fault|all_halted|interrupt_is_stuck|timers_are_lost|stale_code|uptime_of)\(\) \{/,/^}/p; /^(fault_line|bench_fault)=/p' "$top/tests/lab/lab")"

# expect yes|no TEXT, of the machine that is now in $run
expect() {
	local got=no why=
	why=$(died_of_emulation) && got=yes
	[ "$got" = "$1" ] && return
	printf '%s: taken for the emulator'"'"'s: %s %s\n' "$2" "$got" "$why"
	rc=1
}

# machine VERDICT ENDED SILENT: one that ran, with empty logs
machine() {
	verdict=$1 ended=$2 silent=$3
	mkdir -p "$run/share/out"
	for log in console.log output.log resets.log qemu.err monitor.log; do
		: >"$run/$log"
	done
	echo 7.5 1.0 >"$run/share/out/ready"
}

machine 0 0 0
printf '   intx | vfctl-vmm: guest: crashed: CPU 1: triple fault at rip 0xfff0\n' >"$run/output.log"
expect no "passed, whatever a guest did"
verdict=1
expect yes "a guest's triple fault"
printf '   intx | [    0.1] Kernel panic - not syncing: no init\n' >>"$run/output.log"
expect no "a guest that panicked"
printf '   first | @@ user space after vfctl-vmm: guest: crashed: CPU 0: triple fault at rip 0xfff0\n' >"$run/output.log"
expect yes "a guest's triple fault in the middle of its line"
machine 1 0 0
printf '   FAILED: it says "crashed: CPU 1: triple fault" (exit status 1)\n' >"$run/output.log"
expect no "a check that speaks of one"
printf '   intx | vfctl-vmm: guest: crashed: CPU 1: KVM internal error 1\n' >"$run/output.log"
expect no "another crash of a guest"
machine 1 0 0
printf 'ide: "message":"the bench guest on ide failed (status 20): vfctl-vmm: bench: crashed: CPU 0: triple fault at rip 0xfff0",\n' >"$run/output.log"
expect yes "a bench guest's triple fault"
printf 'ide: "message":"the bench guest on ide failed (status 20): vfctl-vmm: bench: crashed: CPU 0: KVM internal error 1",\n' >"$run/output.log"
expect no "another crash of a bench guest"

machine 124 '' 25
printf 'HLT=1\nHLT=1\n' >"$run/monitor.log"
expect yes "all processors halted, no sign of life"
silent=3
expect no "a scenario that waits for ever"
machine 124 '' 70
printf 'HLT=1\nHLT=0\n' >"$run/monitor.log"
expect no "a processor that spins"
printf 'IRR\t 236 \nRIP=ffffffff9d1522d3 RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0\n' >"$run/monitor.log"
expect yes "an interrupt that is pending and let in"
printf 'IRR\t 236 \nRIP=ffffffff9d1522d3 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0\n' >"$run/monitor.log"
expect no "one that is not let in"
: >"$run/monitor.log"
expect no "no answer from the monitor"

machine 125 0 0
expect no "a machine that reset itself"
echo 'CPU Reset: Triple fault' >"$run/resets.log"
expect yes "a triple fault without a word"
echo 'Kernel panic - not syncing' >"$run/console.log"
expect no "a panic"
machine 125 0 0
echo "rcu: rcu_preempt kthread timer wakeup didn't happen for 5250 jiffies! g8849" >"$run/console.log"
expect yes "timers that were lost"
verdict=1
expect no "a check that failed, and lost timers"
verdict=124
echo 'BUG: kernel NULL pointer dereference' >>"$run/console.log"
expect no "lost timers of a kernel with a bug"
machine 125 0 0
echo "rcu: rcu_preempt kthread timer wakeup didn't happen for 5250 jiffies! g8849" >"$run/console.log"
echo 'Kernel panic - not syncing: NMI: Not continuing' >>"$run/console.log"
expect yes "lost timers, and then our own NMI"
machine 125 0 0
printf 'Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\nKernel panic - not syncing: Fatal exception\n' >"$run/console.log"
expect yes "a breakpoint of nobody's"
printf 'BUG: unable to handle page fault\nOops: int3: 0000 [#2]\nKernel panic\n' >"$run/console.log"
expect no "a breakpoint after a bug"
machine 125 134 0
expect yes "an emulator that aborted"
machine 125 0 0
rm "$run/share/out/ready"
expect yes "no line of the scenario ran"
echo 'lab: init: a driver is missing' >"$run/console.log"
expect no "what init gave up"
exit $rc
