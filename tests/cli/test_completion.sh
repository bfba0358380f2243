#!/bin/sh
# The completions of the tree are those that the command's own tables make, and bash, zsh and
# fish read them. Prints PASS, FAIL or SKIP per case; exits 1 if a case failed, 77 if REASON or
# MODEL is not set.
#
#   REASON=path/to/reason MODEL=any sh tests/cli/test_completion.sh

. "$(dirname "$0")/support.sh"
tree=$(dirname "$0")/../..
commands="ask chat search eval judge score info tokenize detokenize logits template bench quantize convert perplexity imatrix"

# -------------------------------------------------------------------------------- the list

run --list-options
check list__succeeds code 0
cp "$out" "$dir/list"
check list__has_every_command [ "$(grep -c '^command' "$dir/list")" -eq "$(echo $commands | wc -w)" ]
for command in $commands; do
    run "$command" --help
    sed -n '/^Examples:/q; s/^  *\(-[a-zA-Z], \)\{0,1\}--\([a-z0-9-]*\)\( .*\)\{0,1\}$/\2/p' "$out" | sort >"$dir/helped"
    awk -F '\t' -v c="$command" '$1 == "option" && $2 == c { print $3 }' "$dir/list" | sort >"$dir/listed"
    check "list__is_what_help_says_of_$command" cmp "$dir/helped" "$dir/listed"
done

# --------------------------------------------------------------------------- same as made

"$tree/scripts/make-completions" "$dir/made" <"$dir/list"
for file in bash/reason zsh/_reason fish/reason.fish; do
    check "made__$(dirname $file)_is_up_to_date" cmp "$dir/made/$file" "$tree/completions/$file"
done
: | "$tree/scripts/make-completions" "$dir/nothing" 2>"$err"
rc=$?
check made__nothing_from_nothing code 1

# ------------------------------------------------------------------------------------ bash

# offered WORD...: what bash offers for the last word, on one line
offered() {
    bash -c '. "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reason; echo "${COMPREPLY[*]}"' \
        bash "$tree/completions/bash/reason" "$@" >"$out" 2>"$err"
    rc=$?
    cat "$out"
}
if command -v bash >/dev/null; then
    check bash__commands [ "$(offered reason '')" = \
        "$commands help --help --version --list-options" ]
    check bash__a_command [ "$(offered reason to)" = tokenize ]
    check bash__help_of [ "$(offered reason help te)" = template ]
    check bash__an_option [ "$(offered reason ask --show)" = --show-thinking ]
    check bash__options_of_their_command_only [ -z "$(offered reason info --show)" ]
    check bash__a_letter [ "$(offered reason logits -o)" = -o ]
    check bash__choices [ "$(offered reason ask --think o)" = "on off" ]
    check bash__choices_behind_equals [ "$(offered reason ask --think = of)" = off ]
    check bash__choices_right_behind_equals [ "$(offered reason chat --kv =)" = "f16 f32 q8_0 q4_0" ]
    check bash__no_choices_for_numbers [ -z "$(offered reason ask --budget -)" ]
    check bash__files [ "$(offered reason ask -m "$tree/READ")" = "$tree/README.md" ]
    for command in $commands; do
        offered reason "$command" -- | tr ' ' '\n' | sed 's/^--//; /^help$/d' | sort >"$dir/offers"
        awk -F '\t' -v c="$command" '$1 == "option" && $2 == c { print $3 }' "$dir/list" | sort >"$dir/listed"
        check "bash__every_option_of_$command" cmp "$dir/offers" "$dir/listed"
    done
else
    skip "bash: it is not there"
fi

# ---------------------------------------------------------------------------- zsh and fish

if command -v zsh >/dev/null; then
    check zsh__reads_it zsh -n "$tree/completions/zsh/_reason"
else
    skip "zsh: it is not there"
fi
if command -v fish >/dev/null; then
    offer() {
        HOME=$dir fish --no-config -c "source $tree/completions/fish/reason.fish; complete -C '$1'" \
            2>"$err" | cut -f 1 | tr '\n' ' '
    }
    check fish__commands [ "$(offer 'reason to')" = "tokenize " ]
    check fish__options [ "$(offer 'reason ask --show')" = "--show-thinking " ]
    check fish__choices [ "$(offer 'reason ask --kv f')" = "f16 f32 " ]
else
    skip "fish: it is not there"
fi

end
