#!/bin/bash
# test-run.sh: tests/run counts right and cannot be fooled. Lanes of its own stand in for the real.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/lanes"
rc=0

lane() { # NAME, body on standard input
	{
		printf '#!/bin/bash\n# the lane %s\n# limit: %s s\n. "$VFCTL_TESTS/lanes.sh"\n' "$1" "${2:-30}"
		cat
	} >"$tmp/lanes/$1"
}

lane good <<<'check one true; check two true; skip three'
lane bad <<<'check one true; check two false'
lane dies <<<'pass one; exit 3'
lane empty <<<'true'
lane slow 1 <<<'pass one; sleep 60'
lane loud <<<'printf "no newline at the end"; pass one'
lane reads <<<'if read -r _; then fail "there is input"; else pass "no input"; fi'
lane quarrels <<<'ctest() { printf "1/4 Test  #1: a ...   Passed    0.00 sec\n2/4 Test #2: b ...***Failed    0.01 sec\n3/4 Test #33: c ..***Skipped 0.00 sec\n4/4 Test #4: d ...***Timeout 9.00 sec\n"; return 8; }; ctest_results none -L x'
# A program whose test passed, and which left a case out.
lane partly <<'LANE'
cat >"$VFCTL_LANE_DIR/log" <<'LOG'
1/2 Testing: whole
1/2 Test: whole
[ RUN      ] one
[       OK ] one
2/2 Testing: partly
2/2 Test: partly
[ RUN      ] one
[       OK ] one
[ RUN      ] two
[  SKIPPED ] two
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] two
LOG
pass whole
pass partly
skipped_cases "$VFCTL_LANE_DIR/log" >>"$VFCTL_RESULTS"
LANE

lane rare <<<'pass one'
# Each sees the other running, or gives up; alone it needs not.
lane waits <<<'sleep 1; touch "$TMPDIR/here"; for _ in {1..200}; do [ -e "$TMPDIR/seen" ] && break; sleep 0.1; done; check seen test -e "$TMPDIR/seen"'
lane shares <<<'# beside: waits
for _ in {1..200}; do [ -e "$TMPDIR/here" ] && break; sleep 0.1; done; check here test -e "$TMPDIR/here"; touch "$TMPDIR/seen"; check "is nice" test "$(nice)" -gt 9'
lane second <<<'# beside: waits
check "after the first" test -e "$TMPDIR/seen"; check fails false'
lane late <<<'# beside: waits
check "the other was before" test -e "$TMPDIR/seen"'

expect() { # LINE STATUS ARGUMENTS…
	local line=$1 status=$2 got=0
	shift 2
	out=$(env -u HOME VFCTL_LANES="${lanes-good bad dies empty slow loud reads quarrels partly}" VFCTL_EXTRA_LANES=rare VFCTL_LANES_DIR="$tmp/lanes" \
		VFCTL_LOGS="$tmp/logs" "$top/tests/run" --no-install "$@" 2>&1) || got=$?
	[ "$(tail -n 1 <<<"$out")" = "$line" ] && [ "$got" = "$status" ] && return
	printf 'tests/run %s: expected "%s" and status %s, got status %s and\n%s\n' "$*" "$line" "$status" "$got" "$out"
	rc=1
}

expect "2 passed, 0 failed, 1 skipped" 0 --only good
export TMPDIR=$tmp
lanes="shares second waits late" expect "5 passed, 1 failed, 0 skipped" 1
rm -f "$tmp/here" "$tmp/seen"
touch "$tmp/here"
lanes="second shares waits" expect "0 passed, 2 failed, 1 skipped" 1 --only second --only waits --skip waits
expect "1 passed, 1 failed, 0 skipped" 1 --only bad
expect "1 passed, 1 failed, 0 skipped" 1 --only dies
expect "0 passed, 1 failed, 0 skipped" 1 --only empty
expect "1 passed, 1 failed, 0 skipped" 1 --only=slow
expect "1 passed, 0 failed, 0 skipped" 0 --only loud
expect "1 passed, 0 failed, 0 skipped" 0 --only reads
expect "1 passed, 2 failed, 1 skipped" 1 --only quarrels
expect "2 passed, 0 failed, 1 skipped" 0 --only partly
grep -qx ' *skipped: partly: two' <<<"$out" || {
	printf 'what was left out is not named in\n%s\n' "$out"
	rc=1
}
expect "3 passed, 0 failed, 1 skipped" 0 --only good,loud
expect "3 passed, 1 failed, 1 skipped" 1 --only good --only bad
expect "2 passed, 0 failed, 2 skipped" 0 --only good,bad --skip bad
expect "1 passed, 0 failed, 0 skipped" 0 --only rare
expect "0 passed, 0 failed, 9 skipped" 0 --skip good,bad,dies,empty,slow,loud,reads,quarrels,partly
expect "tests/run: unknown lane 'nope'; the lanes are: good bad dies empty slow loud reads quarrels partly rare" 2 --only nope
expect "tests/run: --jobs wants a number, not 'many'" 2 --jobs many
expect "tests/run: --skip needs a value" 2 --skip
exit $rc
