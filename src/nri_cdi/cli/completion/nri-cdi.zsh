#compdef nri-cdi
# Completion of nri-cdi for zsh. To have it in every new shell:
#
#   nri-cdi completion zsh > /usr/share/zsh/vendor-completions/_nri-cdi
#
# or in this one alone, after compinit: source <(nri-cdi completion zsh)

_nri-cdi() {
    local -a found lines
    local line value
    lines=("${(@f)$(_call_program candidates \
        ${words[1]} __complete -- ${(q)words[2,CURRENT-1]} ${(q)PREFIX} 2>/dev/null)}")
    for line in $lines; do
        case $line in
        :files | :directories)
            [[ $PREFIX == -*=* ]] && compset -P "${PREFIX%%=*}="
            if [[ $line == :files ]]; then
                _files
            else
                _files -/
            fi
            ;;
        *)
            # _describe has a colon between a candidate and what it says of it.
            value=${line%%$'\t'*}
            found+=("${${value//\\/\\\\}//:/\\:}${${line#"$value"}/$'\t'/:}")
            ;;
        esac
    done
    (( $#found )) && _describe nri-cdi found
}

# A file in fpath is the function itself; what is sourced only defines it.
if [[ $funcstack[1] == _nri-cdi ]]; then
    _nri-cdi "$@"
else
    compdef _nri-cdi nri-cdi
fi
