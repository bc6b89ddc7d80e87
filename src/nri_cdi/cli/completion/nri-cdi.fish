# Completion of nri-cdi for fish. To have it in every new shell:
#
#   nri-cdi completion fish > /usr/share/fish/vendor_completions.d/nri-cdi.fish
#
# or in this one alone: nri-cdi completion fish | source

function __nri_cdi_candidates
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    set -l written (commandline --current-token --cut-at-cursor)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete -- $words "$written" 2>/dev/null)
        # The value of --option=value is completed with what stands before it.
        set -l option (string match --regex -- '^-[^=]*=' "$written")
        set -l path (string replace -- "$option" '' "$written")
        switch $line
            case :files
                string replace --regex -- '^' "$option" (__fish_complete_path "$path")
            case :directories
                string replace --regex -- '^' "$option" (__fish_complete_directories "$path")
            case '*'
                printf '%s\n' $line
        end
    end
end

complete --command nri-cdi --no-files --keep-order --arguments '(__nri_cdi_candidates)'
