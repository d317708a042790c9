# shellcheck shell=bash
# What benches make of KVM's counters and of histograms of trace events, as guest-watch keeps them: files
# of sections, "== NAME" before each. Sourced by peers and io-peers.

# counter FILE NAME: of KVM
counter() {
	awk -v name="== $2" '$0 == name { getline; print; found = 1; exit } END { if (!found) print 0 }' "$1"
}

# hits FILE EVENT [KEY]: how often the event was seen, with that key, which is its first
hits() {
	awk -v event="/$2/hist" -v key="${3-}" '
		/^== / { mine = index($0, event) }
		mine && /hitcount:/ {
			split($0, part, /[:,}]/)
			gsub(/ /, "", part[2])
			if (key == "" || part[2] == key) n += $NF
		}
		END { print n + 0 }' "$1"
}

# since FOLDER FROM TO QUERY…: how much it grew between two marks
since() {
	local folder=$1 from=$2 to=$3 what=$4
	shift 4
	[ -e "$folder/$from" ] && [ -e "$folder/$to" ] || return 1
	echo $(($("$what" "$folder/$to" "$@") - $("$what" "$folder/$from" "$@")))
}

mark_us() {
	awk -v mark="$2" '$3 == "mark" && $4 == mark { print $1 }' "$1/events"
}
