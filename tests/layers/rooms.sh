# shellcheck shell=bash
# The rooms of a build folder, as the build knows them. Sourced; $build and $top are set.
: "${build:?}" "${top:?}"
# shellcheck disable=SC2034  # the scripts that source this end with it
rc=0

report() {
	printf '%s\n' "$*"
	# shellcheck disable=SC2034
	rc=1
}

# NAME PREFIX DIR of every room: PREFIX as in #include "PREFIX/x.h", DIR where its sources are.
rooms() {
	local link
	find "$build/rooms" -type l | sort | while read -r link; do
		local rest=${link#"$build/rooms/"}
		echo "${rest%%/*} ${rest#*/} $(readlink -f "$link")"
	done
}

# Source without comments; what is written in strings stays.
uncommented() {
	gcc -x c -fpreprocessed -dD -E -P "$1" 2>/dev/null
}
