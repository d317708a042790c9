# shellcheck shell=bash
# Completion of vfctl for bash. What there is to complete comes from `vfctl help --complete`, and
# the functions from `vfctl list`, so that this file knows no verb and no option by name.

# The table, read once a shell.
_vfctl_table() {
	[ -n "${_vfctl_cached_table:-}" ] || _vfctl_cached_table=$("$1" help --complete 2>/dev/null)
	printf '%s\n' "$_vfctl_cached_table"
}

# _vfctl_list COLUMNS SELECTOR…: cells, one a line, of the machine that the command line names.
_vfctl_list() {
	local columns=$1
	shift
	"$_vfctl_program" "${_vfctl_root[@]}" --no-legend list -o "$columns" "$@" 2>/dev/null |
		tr -s ' ,' '\n' | grep -vx -e - -e ''
}

# _vfctl_cells VERB…: the first column of what that prints; of leases both.
_vfctl_cells() {
	"$_vfctl_program" "${_vfctl_root[@]}" --no-legend "$@" 2>/dev/null |
		awk '{ print $1; if (NF == 2 && $2 != "-") print $2 }'
}

# Who a function can be given to: processes, libvirt's domains, containers with a name that their
# engine or systemd knows.
_vfctl_new_owners() {
	printf '%s\n' process: domain: container: manual:
	printf '%s\n' /proc/[0-9]* | sed 's,/proc/,process:,'
	# What matches nothing has a star.
	printf '%s\n' /etc/libvirt/qemu/*.xml /run/libvirt/qemu/*.xml |
		sed -n 's,^.*/\([^*]*\)\.xml$,domain:\1,p' | sort -u
	printf '%s\n' /run/systemd/machines/* | sed -n 's,^.*/\([^*.:]*\)$,container:\1,p'
}

# PF/vfN, by the PF's name and address.
_vfctl_vf_names() {
	"$_vfctl_program" "${_vfctl_root[@]}" --no-legend list -o ADDRESS,PF,INDEX,NAME 2>/dev/null |
		awk '{ split($4, names, ","); name[$1] = names[1]; pf[NR] = $2; vf[NR] = $3 }
			END { for (i = 1; i <= NR; i++) if (vf[i] != "-") {
				print pf[i] "/vf" vf[i]
				if (name[pf[i]] != "-") print name[pf[i]] "/vf" vf[i]
			} }'
}

# _vfctl_words VERB KIND: what KIND ("<function>", "mac=|vlan=", …) stands for, one a line.
_vfctl_words() {
	case $2 in
	'<function>')
		_vfctl_list ADDRESS,NAME
		_vfctl_vf_names
		printf '%s\n' driver= vendor= class= kind= numa= group= path= slot= serial= mac= pool=
		;;
	'<pf>') _vfctl_list ADDRESS,NAME kind=pf ;;
	'<vf>')
		_vfctl_list ADDRESS,NAME kind=vf
		_vfctl_vf_names
		;;
	'<driver>') ls /sys/bus/pci/drivers 2>/dev/null ;;
	'<claimed>') _vfctl_cells leases -o FUNCTION,VF ;;
	'<owner>') "$_vfctl_program" "${_vfctl_root[@]}" --no-legend leases -o OWNER 2>/dev/null | grep -v ' ' | sort -u ;;
	'<new-owner>') _vfctl_new_owners ;;
	'<pool>') _vfctl_cells config pools | sort -u ;;
	'<node>') _vfctl_list NUMA | sort -un ;;
	'<user>') getent passwd | cut -d: -f1 ;;
	'<group>') getent group | cut -d: -f1 ;;
	'<change>') _vfctl_cells history ;;
	'<guest>') _vfctl_cells vm list -o NAME ;;
	'<verb>') _vfctl_table "$_vfctl_program" | awk -F'\t' '$1 == "verb" { sub(/ .*/, "", $2); print $2 }' ;;
	'<rest of verb>') # the second words of "vm run"
		_vfctl_table "$_vfctl_program" |
			awk -F'\t' -v verb="$1" '$1 == "verb" && index($2, verb " ") == 1 {
				print substr($2, length(verb) + 2) }'
		;;
	'<columns>')
		_vfctl_table "$_vfctl_program" |
			awk -F'\t' -v verb="$1" '$1 == "column" && $2 == verb { print $3 }'
		;;
	-) ;;
	*) printf '%s\n' "$2" | sed 's,[| ],\n,g' ;;
	esac
}

# _vfctl_option VERB NAME FIELD: a field of the option's line, empty when there is no such option.
_vfctl_option() {
	_vfctl_table "$_vfctl_program" | awk -F'\t' -v verb="$1" -v name="$2" -v field="$3" '
		$1 == "option" && ($2 == verb || $2 == "-") && ($3 == name || $4 == name) { print $field; exit }'
}

# Finds the verb and how many arguments it has before the cursor: sets verb and arguments.
_vfctl_parse() {
	local i word two
	verb='' arguments=0
	for ((i = 1; i < cword; i++)); do
		word=${words[i]}
		case $word in
		--root=*) _vfctl_root=(--root "${word#*=}") ;;
		-*)
			if [[ $word != *=* ]] && [ "$(_vfctl_option "$verb" "$word" 5)" = value ]; then
				i=$((i + 1))
				[ "$word" = --root ] && _vfctl_root=(--root "${words[i]-}")
			fi
			;;
		*)
			if [ -z "$verb" ]; then
				two="$word ${words[i + 1]-}"
				if [ $((i + 1)) -lt "$cword" ] &&
					_vfctl_table "$_vfctl_program" | grep "^verb	$two	" >/dev/null; then
					verb=$two
					i=$((i + 1))
				else
					verb=$word
				fi
			else
				arguments=$((arguments + 1))
			fi
			;;
		esac
	done
}

# _vfctl_kind VERB N: what the verb's N-th argument (from 0) is; the last kind repeats.
_vfctl_kind() {
	_vfctl_table "$_vfctl_program" | awk -F'\t' -v verb="$1" -v n="$2" '
		$1 == "verb" && $2 == verb {
			count = split($3, kinds, " ")
			print kinds[(n + 1 > count) ? count : n + 1]
			exit
		}'
}

_vfctl_offer() {
	local cur=$1
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$cur")
	if [ ${#COMPREPLY[@]} -eq 1 ] && [[ ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

_vfctl_offer_kind() {
	local kind=$2
	if [ "$kind" = '<file>' ]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [ "$kind" = '<columns>' ] && [[ $cur == *,* ]]; then
		local before=${cur%,*},
		_vfctl_offer "$cur" "$(_vfctl_words "$1" "$kind" | sed "s/^/$before/")"
		compopt -o nospace 2>/dev/null
	else
		_vfctl_offer "$cur" "$(_vfctl_words "$1" "$kind")"
	fi
}

# After KEY= of a selector: what the functions have there. The '=' ends readline's word.
_vfctl_offer_value() {
	local key=${cur%%=*} value=${cur#*=}
	case $key in
	driver) _vfctl_offer "$value" "$(_vfctl_list DRIVER | sort -u)" ;;
	class) _vfctl_offer "$value" "$(_vfctl_list CLASS | sort -u)" ;;
	kind) _vfctl_offer "$value" 'pf vf function' ;;
	group) _vfctl_offer "$value" "$(_vfctl_list GROUP | sort -un)" ;;
	vendor) _vfctl_offer "$value" "$(_vfctl_list ID | sort -u)" ;;
	pool) _vfctl_offer "$value" "$("$_vfctl_program" "${_vfctl_root[@]}" --no-legend \
		config pools 2>/dev/null | awk '{ print $1 }' | sort -u)" ;;
	*) _vfctl_offer "$value" "$(_vfctl_table "$_vfctl_program" |
		awk -F'\t' -v key="$key" '$1 == "value" && $2 == key { print $3 }')" ;;
	esac
}

_vfctl_options() {
	_vfctl_table "$_vfctl_program" | awk -F'\t' -v verb="$1" '
		$1 == "option" && ($2 == verb || $2 == "-") { print $3 ($5 == "maybe" ? "=" : "") }'
}

_vfctl() {
	local cur prev words cword verb arguments _vfctl_root=() _vfctl_program=$1
	_get_comp_words_by_ref -n := cur prev words cword || return
	COMPREPLY=()
	_vfctl_parse
	if [[ $cur == --*=* ]]; then
		_vfctl_offer "${cur#*=}" "$(_vfctl_words "$verb" "$(_vfctl_option "$verb" "${cur%%=*}" 6)")"
	elif [[ $prev == -* ]] && [ "$(_vfctl_option "$verb" "$prev" 5)" = value ]; then
		_vfctl_offer_kind "$verb" "$(_vfctl_option "$verb" "$prev" 6)"
	elif [[ $cur == -* ]]; then
		_vfctl_offer "$cur" "$(_vfctl_options "$verb")"
		[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && COMPREPLY=("${COMPREPLY[0]%=}")
	elif [ -z "$verb" ]; then
		_vfctl_offer "$cur" "$(_vfctl_words '' '<verb>')"
	elif [ -n "$(_vfctl_words "$verb" '<rest of verb>')" ]; then
		_vfctl_offer "$cur" "$(_vfctl_words "$verb" '<rest of verb>')"
	elif [[ $cur == *=* ]]; then
		_vfctl_offer_value
	else
		_vfctl_offer_kind "$verb" "$(_vfctl_kind "$verb" "$arguments")"
	fi
	# Bash ends its words at colons: an address is completed from its last colon on.
	__ltrim_colon_completions "$cur"
}

complete -F _vfctl vfctl
