# shellcheck shell=bash
# What a scenario's verify() uses on L0, after the machine is off.

verify_checks=0
verify_failures=0

# verify_that TEXT COMMAND…
verify_that() {
	local text=$1
	shift
	verify_checks=$((verify_checks + 1))
	if "$@"; then
		printf '   ok (from outside): %s\n' "$text"
	else
		verify_failures=$((verify_failures + 1))
		printf '   FAILED (from outside): %s\n' "$text"
	fi
}

# block_text N: the text of block N of the NVMe namespace.
block_text() {
	dd if="$IMAGE" bs=512 skip="$1" count=1 status=none | tr -d '\0\n'
}

# original_text N: what the block held before the run.
original_text() {
	printf 'vfctl lab block %0495d' "$1"
}

verify_summary() {
	[ "$verify_failures" = 0 ]
}
