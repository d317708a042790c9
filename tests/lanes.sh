# shellcheck shell=bash
# What the lanes share. A lane runs in the project's root with the environment of tests/run.
set -uo pipefail
: "${VFCTL_TOP:?run lanes through tests/run}" "${VFCTL_RESULTS:?}" "${VFCTL_JOBS:?}"
lane_dir=${VFCTL_LANE_DIR:?}
mkdir -p "$lane_dir"

pass() { echo "pass $1" >>"$VFCTL_RESULTS"; }
fail() { echo "fail $1" >>"$VFCTL_RESULTS"; }
skip() { echo "skip $1" >>"$VFCTL_RESULTS"; }

# check NAME COMMAND…: one test, passed when the command succeeds.
check() {
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	if "$@"; then
		echo "== $name: ok ($((SECONDS - start)) s)"
		pass "$name"
	else
		echo "== $name: FAILED ($((SECONDS - start)) s)"
		fail "$name"
		return 1
	fi
}

# have TOOL…: a missing tool is a failure of the lane, never a quiet skip.
have() {
	local tool rc=0
	for tool; do
		command -v "$tool" >/dev/null && continue
		fail "$tool is not installed (tests/packages.sh installs it)"
		rc=1
	done
	return $rc
}

# built PRESET [TARGET…]: configures and builds; the build itself is no test, its failure is one.
# Two lanes at the same time do not build the same.
built() {
	local preset=$1
	shift
	mkdir -p build
	{
		flock 9
		cmake --preset "$preset" && cmake --build --preset "$preset" -j "$VFCTL_JOBS" ${1+--target "$@"}
	} 9>"build/.$preset.lock" ||
		{
			fail "build of preset $preset"
			return 1
		}
}

# Cases that a test program left out for want of something: its test passed, and yet not all of it
# was tested. What each wants is said beside its skip().
skipped_cases() {
	awk '/^[0-9]+\/[0-9]+ Test(ing)?: / { name = $NF }
		/^\[ RUN      \] / { run = $NF }
		/^\[  SKIPPED \] / && $NF == run { print "skip", name ":", run; run = "" }' "$1"
}

# ctest_results PRESET CTEST-ARGUMENTS…: every test that ctest ran becomes a result of the lane.
ctest_results() {
	local preset=$1 out=$lane_dir/ctest.out
	shift
	ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$VFCTL_JOBS" "$@" 2>&1 | tee "$out"
	awk '/^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: / {
		name = $4
		if (/\*\*\*Skipped +[0-9.]+ sec/) print "skip", name
		else if (/ Passed +[0-9.]+ sec/) print "pass", name
		else print "fail", name
	}' "$out" >>"$VFCTL_RESULTS"
	[ ! -e "build/$preset/Testing/Temporary/LastTest.log" ] ||
		skipped_cases "build/$preset/Testing/Temporary/LastTest.log" >>"$VFCTL_RESULTS"
	grep -q '^No tests were found' "$out" && fail "no test matches: $*"
	return 0
}
