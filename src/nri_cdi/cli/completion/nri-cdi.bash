# Completion of nri-cdi for bash. To have it in every new shell:
#
#   nri-cdi completion bash > /usr/share/bash-completion/completions/nri-cdi
#
# or in this one alone: source <(nri-cdi completion bash)

_nri_cdi() {
    # bash takes words apart at "=" and ":" (COMP_WORDBREAKS), which device names have
    # in them. So they are put together again, from the cursor to the left.
    local line=${COMP_LINE:0:COMP_POINT} piece=${COMP_WORDS[COMP_CWORD]}
    local -a words=()
    local word="" index
    while [[ $line != *"$piece" ]]; do
        piece=${piece%?} # what is right of the cursor
    done
    # What a reply replaces: the last piece, which may be no more than a "=" or ":".
    local last=$piece breaks=${COMP_WORDBREAKS//[^=:]/}
    [[ $breaks && $last != *[!$breaks]* ]] && last=""
    for ((index = COMP_CWORD; index > 0; index--)); do
        word=$piece$word
        line=${line%"$piece"}
        if [[ $line == *[[:space:]] ]]; then
            words=("$word" "${words[@]}")
            word=""
            line=${line%"${line##*[![:space:]]}"}
        fi
        piece=${COMP_WORDS[index - 1]}
    done
    ((${#words[@]})) || return

    # In an open quote bash takes nothing apart.
    local current=${words[-1]} quote=""
    [[ $last == [\"\']* ]] && quote=${last:0:1}
    local done_already=${current%"$last"}
    done_already=${done_already//\\/}

    local candidate
    local -a candidates
    mapfile -t candidates < <(
        "${1/#\~\//$HOME/}" __complete -- "${words[@]}" 2>/dev/null
    )
    COMPREPLY=()
    for candidate in "${candidates[@]}"; do
        candidate=${candidate%%$'\t'*}
        case $candidate in
        :files | :directories)
            _nri_cdi_paths "-${candidate:1:1}"
            ;;
        *)
            _nri_cdi_reply "${candidate#"$done_already"}"
            ;;
        esac
    done
}

# A text that is no path, so quoted that it stands on the line for itself: what it has of
# bash's syntax must not be run. Here and below the variables are those of _nri_cdi.
_nri_cdi_reply() {
    local value=$1
    if [[ ! $quote ]]; then
        [[ $value ]] && printf -v value %q "$value"
    elif [[ $value == *[\\\"\'\`\$\!]* ]]; then
        return # no quote is right for all of these
    fi
    COMPREPLY+=("$value")
}

# Files or directories, by the option of compgen.
_nri_cdi_paths() {
    local start=$current before=$done_already path value
    local -a paths
    [[ $start == -*=* ]] && start=${start#*=} before=${before#*=}
    start=${start#"$quote"}
    [[ $start == \~/* ]] && start=$HOME/${start#\~/}
    [[ $before == \~/* ]] && before=$HOME/${before#\~/}
    mapfile -t paths < <(compgen "$1" -- "${start//\\/}")
    for path in "${paths[@]}"; do
        # A name with a line end in it comes as two.
        [[ -e $path || -L $path ]] || continue
        if [[ ! $before ]]; then
            compopt -o filenames 2>/dev/null # bash quotes whole paths
            COMPREPLY+=("$path")
            continue
        fi
        printf -v value %q "${path#"$before"}"
        if [[ -d $path ]]; then
            compopt -o nospace 2>/dev/null
            value+=/
        fi
        COMPREPLY+=("$value")
    done
}

complete -F _nri_cdi nri-cdi
