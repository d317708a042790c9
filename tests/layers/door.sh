#!/bin/bash
# door.sh TOP: only src/host opens, maps and controls kernel objects and spells their paths.
#
# Comments do not count. What the manual texts of the command line say (help and examples) may name
# paths; files that only quote paths to people are listed below, each with its reason.
set -uo pipefail
top=$1 build=none
. "$(dirname "$0")/rooms.sh"

calls='(^|[^_[:alnum:]>.])(open|openat|open64|creat|fopen|opendir|ioctl|mmap|mmap64|socket)[[:space:]]*\('
# At the start of a string or of a word in it: "class/net/%s/dev" names an attribute, no path.
paths='"([^"]*[[:space:]=:(])?/(sys|proc|dev)(/|"|[[:space:]])'

# FILE-PATTERN RULE REASON
allowed() {
	case $2:${1#"$top/"} in
	paths:src/cli/verb-*.c) true ;;	# help texts and hints show what to type
	paths:src/vmm/*) true ;; # hints only: its host has no paths at all, only descriptors
	paths:src/base/kinds.def) true ;; # meanings for the manual
	paths:src/lib/check/check.def) true ;; # the same
	paths:src/lib/capture/*.c) true ;; # names what it copies, and reads it through the door
	calls:src/daemon/child.c) true ;; # connects to its own workers
	calls:src/lib/pci/idfile.c) true ;; # pci.ids, a plain file
	calls:src/cli/state-file.c) true ;; # a plain file that the user names
	calls:src/cli/verb-bench.c) true ;; # the same
	calls:src/lib/store/*.c) true ;; # plain files of our own, no kernel objects
	*) false ;;
	esac
}

while read -r file; do
	case $file in "$top"/src/host/*) continue ;; esac
	text=$(uncommented "$file")
	[ -n "$text" ] || [ ! -s "$file" ] || report "$file: cannot be read by the compiler"
	if hits=$(grep -nE "$calls" <<<"$text") && ! allowed "$file" calls; then
		report "${file#"$top/"} goes past the door:" "$(head -n 3 <<<"$hits")"
	fi
	if hits=$(grep -E "$paths" <<<"$text") && ! allowed "$file" paths; then
		report "${file#"$top/"} spells a kernel path:" "$(head -n 3 <<<"$hits")"
	fi
done < <(find "$top/src" -name '*.[ch]' -o -name '*.def' | sort)
exit $rc
