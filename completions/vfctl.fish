# Completion of vfctl for fish. What there is to complete comes from `vfctl help --complete`, and the
# functions from `vfctl list`, so that this file knows no verb and no option by name.

# The table, read once a shell.
function __vfctl_table
    set -q __vfctl_cached_table; or set -g __vfctl_cached_table (vfctl help --complete 2>/dev/null)
    printf '%s\n' $__vfctl_cached_table
end

# The --root that the command line names.
function __vfctl_root
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case '--root=*'
                string replace -- --root= '' $words[$i] | string replace -r '^' -- '--root='
            case --root
                set -q words[(math $i + 1)]; and echo -- --root=$words[(math $i + 1)]
        end
    end
end

# __vfctl_list COLUMNS SELECTOR…: cells, one a line, of the machine that the command line names.
function __vfctl_list
    vfctl (__vfctl_root) --no-legend list -o $argv 2>/dev/null | tr -s ' ,' '\n' | string match -rv '^-?$'
end

# PF/vfN, by the PF's name and address.
function __vfctl_vf_names
    vfctl (__vfctl_root) --no-legend list -o ADDRESS,PF,INDEX,NAME 2>/dev/null | awk '
        { split($4, names, ","); name[$1] = names[1]; pf[NR] = $2; vf[NR] = $3 }
        END { for (i = 1; i <= NR; i++) if (vf[i] != "-") {
            print pf[i] "/vf" vf[i]
            if (name[pf[i]] != "-") print name[pf[i]] "/vf" vf[i]
        } }'
end

# A field of the option's line, empty when there is no such option.
function __vfctl_option -a verb name field
    __vfctl_table | awk -F'\t' -v verb="$verb" -v name="$name" -v field="$field" '
        $1 == "option" && ($2 == verb || $2 == "-") && ($3 == name || $4 == name) { print $field; exit }'
end

# The second words of "vm run".
function __vfctl_rest_of_verb -a verb
    __vfctl_table | awk -F'\t' -v verb="$verb" '
        $1 == "verb" && index($2, verb " ") == 1 { print substr($2, length(verb) + 2) }'
end

# The values that a selector's or a setting's KEY= can have.
function __vfctl_values -a key
    switch $key
        case driver
            __vfctl_list DRIVER | sort -u
        case class
            __vfctl_list CLASS | sort -u
        case kind
            printf '%s\n' pf vf function
        case group
            __vfctl_list GROUP | sort -un
        case vendor
            __vfctl_list ID | sort -u
        case pool
            vfctl (__vfctl_root) --no-legend config pools 2>/dev/null | awk '{ print $1 }' | sort -u
        case '*'
            __vfctl_table | awk -F'\t' -v key="$key" '$1 == "value" && $2 == key { print $3 }' | string split -n ' '
    end
end

# __vfctl_cells VERB…: the first column of what that prints; of leases both.
function __vfctl_cells
    vfctl (__vfctl_root) --no-legend $argv 2>/dev/null | awk '{ print $1; if (NF == 2 && $2 != "-") print $2 }'
end

# Who a function can be given to: processes, libvirt's domains, containers with a name that their
# engine or systemd knows.
function __vfctl_new_owners
    printf '%s\n' process: domain: container: manual:
    ls /proc 2>/dev/null | string replace -rf '^([0-9]+)$' 'process:$1'
    ls /etc/libvirt/qemu /run/libvirt/qemu 2>/dev/null | string replace -rf '^(.*)\.xml$' 'domain:$1' | sort -u
    ls /run/systemd/machines 2>/dev/null | string replace -rf '^([^.:]*)$' 'container:$1'
end

# __vfctl_words VERB KIND: what KIND ("<function>", "mac=|vlan=", …) stands for, one a line.
function __vfctl_words -a verb kind
    set -l word (commandline -ct)
    switch $kind
        case '<function>'
            __vfctl_list ADDRESS,NAME
            __vfctl_vf_names
            printf '%s\n' driver= vendor= class= kind= numa= group= path= slot= serial= mac= pool=
        case '<pf>'
            __vfctl_list ADDRESS,NAME kind=pf
        case '<vf>'
            __vfctl_list ADDRESS,NAME kind=vf
            __vfctl_vf_names
        case '<driver>'
            path basename /sys/bus/pci/drivers/*
        case '<claimed>'
            __vfctl_cells leases -o FUNCTION,VF
        case '<owner>'
            vfctl (__vfctl_root) --no-legend leases -o OWNER 2>/dev/null | string match -v '* *' | sort -u
        case '<new-owner>'
            __vfctl_new_owners
        case '<pool>'
            __vfctl_cells config pools | sort -u
        case '<node>'
            __vfctl_list NUMA | sort -un
        case '<user>'
            getent passwd | cut -d: -f1
        case '<group>'
            getent group | cut -d: -f1
        case '<change>'
            __vfctl_cells history
        case '<guest>'
            __vfctl_cells vm list -o NAME
        case '<verb>'
            __vfctl_table | awk -F'\t' '$1 == "verb" { sub(/ .*/, "", $2); print $2 }' | sort -u
        case '<columns>'
            set -l before (string match -r '^.*,' -- $word)
            __vfctl_table | awk -F'\t' -v verb="$verb" -v before="$before" '
                $1 == "column" && $2 == verb { print before $3 }'
        case '<file>'
            __fish_complete_path $word
        case - ''
        case '*'
            string split -n '|' -- (string replace -a ' ' '|' -- $kind)
    end
end

# Prints the verb, and how many arguments it has before the cursor.
function __vfctl_parse
    set -l words (commandline -opc)
    set -l verb ''
    set -l arguments 0
    set -l i 2
    while test $i -le (count $words)
        set -l word $words[$i]
        set i (math $i + 1)
        if string match -q -- '-*' $word
            string match -q -- '*=*' $word; and continue
            test "$(__vfctl_option "$verb" $word 5)" = value; and set i (math $i + 1)
        else if test -n "$verb"
            set arguments (math $arguments + 1)
        else
            set verb $word
            if set -q words[$i]; and contains -- $words[$i] (__vfctl_rest_of_verb $word)
                set verb "$word $words[$i]"
                set i (math $i + 1)
            end
        end
    end
    printf '%s\n' "$verb" $arguments
end

# Every word that could stand at the cursor.
function __vfctl_complete
    set -l word (commandline -ct)
    set -l last (commandline -opc)[-1]
    set -l parsed (__vfctl_parse)
    set -l verb $parsed[1]
    if string match -q -- '--*=*' $word
        set -l option (string replace -r '=.*' '' -- $word)
        __vfctl_words "$verb" (__vfctl_option "$verb" $option 6) | string replace -r '^' -- "$option="
    else if string match -q -- '-*' $last; and test "$(__vfctl_option "$verb" $last 5)" = value
        __vfctl_words "$verb" (__vfctl_option "$verb" $last 6)
    else if string match -q -- '-*' $word
        __vfctl_table | awk -F'\t' -v verb="$verb" '
            $1 == "option" && ($2 == verb || $2 == "-") { print $3 ($5 == "maybe" ? "=" : "") }'
    else if test -z "$verb"
        __vfctl_words '' '<verb>'
    else if set -l rest (__vfctl_rest_of_verb $verb); and test -n "$rest"
        printf '%s\n' $rest
    else if string match -q -- '*=*' $word
        set -l key (string replace -r '=.*' '' -- $word)
        __vfctl_values $key | string replace -r '^' -- "$key="
    else
        __vfctl_words "$verb" (__vfctl_table | awk -F'\t' -v verb="$verb" -v n="$parsed[2]" '
            $1 == "verb" && $2 == verb {
                count = split($3, kinds, " ")
                print kinds[(n + 1 > count) ? count : n + 1]
                exit
            }')
    end
end

complete -c vfctl -f -a '(__vfctl_complete)'
