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

    # In an open quote bash takes nothing apart. Elsewhere it wants to have only what
    # comes after the last "=" or ":".
    local current=${words[-1]} done_already="" breaks=${COMP_WORDBREAKS//[^=:]/}
    if [[ $current == [\"\']* ]]; then
        current=${current#?}
    elif [[ $breaks ]]; then
        done_already=${current%"${current##*[$breaks]}"}
    fi

    local candidate path
    local IFS=$'\n'
    COMPREPLY=()
    for candidate in $("${1/#\~\//$HOME/}" __complete -- "${words[@]}" 2>/dev/null); do
        candidate=${candidate%%$'\t'*}
        case $candidate in
        :files | :directories)
            path=$current
            [[ $path == -*=* ]] && path=${path#*=} done_already=${done_already#*=}
            [[ $path == \~/* ]] && path=$HOME/${path#\~/}
            compopt -o filenames 2>/dev/null
            for path in $(compgen "-${candidate:1:1}" -- "${path//\\/}"); do
                COMPREPLY+=("${path#"$done_already"}")
            done
            ;;
        *)
            COMPREPLY+=("${candidate#"$done_already"}")
            ;;
        esac
    done
}

complete -F _nri_cdi nri-cdi
