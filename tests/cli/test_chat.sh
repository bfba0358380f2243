#!/bin/sh
# What people and scripts may rely on of `reason chat`: turns, commands, what a failed turn
# leaves, and, in a terminal made by tmux, the editing of lines and Ctrl-C. Prints PASS, FAIL or
# SKIP per case; exits 1 if a case failed, 77 if REASON or MODEL is not set.
#
#   REASON=path/to/reason MODEL=share/reason-tiny.gguf sh tests/cli/test_chat.sh
#
# MODEL is a model that thinks, small enough to answer in seconds.

. "$(dirname "$0")/support.sh"
question="What is 12 + 30?"
chat="chat -m $MODEL --temperature 0"

run ask -m "$MODEL" --temperature 0 "$question"
answer=$(cat "$out")
check turns__ask_answers [ -n "$answer" ]
roles() { [ "$(grep -c '"role": ' "$1")" -eq "$2" ]; }
printf '{%%- for m in messages -%%}[{{ m.role }}]{{ m.content }}{%% if m.reasoning_content %%}' \
    >"$dir/chat.jinja"
printf '({{ m.reasoning_content | trim }}){%% endif %%}{%%- endfor -%%}' >>"$dir/chat.jinja"

# ---------------------------------------------------------------------------------- turns

# shellcheck disable=SC2086
{
    feed "$question\nWhat is 5 + 6?\n" $chat
    check turns__an_answer_per_line both "code 0" "lines 2"
    check turns__first_answer [ "$(head -n 1 "$out")" = "$answer" ]
    check turns__nothing_else [ ! -s "$err" ]
    feed "What is 12 \\\\\n+ 30?\n" $chat --json
    check turns__a_backslash_goes_on both "code 0" "lines 1"
    feed "half \\\\\nwhole\n/save $dir/lines.json\n" $chat --max-tokens 40
    check turns__lines_are_joined grep -q '"half \\nwhole"' "$dir/lines.json"
    feed "half \\\\\\\\\n/save $dir/lines.json\n" $chat --max-tokens 40
    check turns__two_backslashes_are_one grep -q '"half \\\\"' "$dir/lines.json"
    feed "last \\\\" $chat --max-tokens 40
    check turns__a_backslash_at_the_end both "code 0" "lines 1"
    feed '//half\n' $chat --max-tokens 40
    check turns__two_slashes_are_one both "code 0" "lines 1"
    feed 'a\000b\n' $chat
    check turns__a_nul_is_refused both fails "says NUL"
    feed "$question\n" $chat --json
    check turns__json both "lines 1" "has_keys thinking answer finish_reason p_think usage"
    feed "What is 67 * 75?\n" $chat --think on --show-thinking
    check turns__thinking_on_standard_error grep -q '[0-9]' "$err"
    feed "What is 67 * 75?\n" $chat --think on --no-thinking
    check turns__thinking_hidden [ ! -s "$err" ]
    run $chat --show-thinking --no-thinking
    check turns__shown_and_hidden misuse
}

# ------------------------------------------------------------------------------- commands

# shellcheck disable=SC2086
{
    feed "$question\n/clear\n$question\n" $chat
    check commands__clear_forgets [ "$(sed -n 2p "$out")" = "$answer" ]
    feed "$question\n/reset\n$question\n" $chat
    check commands__reset_is_clear [ "$(sed -n 2p "$out")" = "$answer" ]
    feed "/think\n/think off\n/think\n/budget 9\n/budget\n/effort low\n/effort\n" $chat
    check commands__show_what_is_in_force [ "$(tr '\n' ' ' <"$err")" = \
        "think: auto think: off budget: 9 effort: low " ]
    feed "/temperature\n/temperature 1.5\n/temperature\n" $chat
    check commands__temperature [ "$(tr '\n' ' ' <"$err")" = "temperature: 0 temperature: 1.5 " ]
    feed "$question\n/stats\n/help\n/quit\n$question\n" $chat --ctx 200
    check commands__quit both "code 0" "lines 1"
    check commands__stats_tokens says '^last answer:.*tokens/s, [0-9]*% thinking'
    check commands__stats_context says '^context:      200 tokens, 1[0-9]* left'
    check commands__help both "says ^/save.FILE" "says ^/drop"
    for bad in /nonsense "/budget many" "/budget -2" "/think perhaps" "/effort all" \
        "/temperature -1" "/temperature nan" "/drop 0" /drop /retry /save /load \
        "/load $dir/none" "/save $dir/none/x"; do
        feed "$bad\n" $chat
        check "commands__refused_$(echo "$bad" | tr -c 'a-z0-9\n' _)" fails
    done

    feed "/system You are terse.\n$question\n/system\n/save $dir/chat.json\n" $chat --system "Be long."
    check commands__system says '^system: You are terse\.$'
    check commands__save both "code 0" "roles $dir/chat.json 3"
    run template --template "$dir/chat.jinja" --messages "$dir/chat.json"
    check commands__save_is_a_conversation prints '^\[system\]You are terse\.\[user\]What is 12'
    feed "/system -\n/system\n/clear\n/save $dir/none.json\n" $chat --system "Be long."
    check commands__no_system both "says ^system:.none" "roles $dir/none.json 0"

    feed "What is 67 * 75?\n/save $dir/thought.json\n" $chat --think on
    run template --template "$dir/chat.jinja" --messages "$dir/thought.json"
    check commands__thoughts_are_kept prints '\[assistant\][0-9]*([0-9*+]*='

    feed "/load $dir/chat.json\n$question\n/save $dir/longer.json\n" $chat
    check commands__load both "says ^read:.3.messages" "roles $dir/longer.json 5"
    printf '[{"role": "user"}, 5]' >"$dir/bad.json"
    feed "$question\n/load $dir/bad.json\n/save $dir/kept.json\n" $chat
    check commands__load_refuses_and_keeps both "says message.1" "roles $dir/kept.json 2"
    printf '{}' >"$dir/bad.json"
    feed "/load $dir/bad.json\n" $chat
    check commands__load_wants_an_array fails

    feed "$question\n/retry\n/retry\n/save $dir/again.json\n" $chat
    check commands__retry both "lines 3" "roles $dir/again.json 2"
    feed "one\ntwo\nthree\n/drop 2\n/save $dir/drop.json\n/drop 9\n" $chat --max-tokens 20
    check commands__drop_takes_the_oldest both "roles $dir/drop.json 2" \
        "grep -q three $dir/drop.json"
    check commands__drop_says_how_many says 'away: 1 '
}

# --------------------------------------------------------------------------- a full context

long=$(awk 'BEGIN { for (i = 0; i < 200; i++) printf "7 + " }')
# shellcheck disable=SC2086
{
    feed "$long\n/clear\n$question\n" $chat --ctx 160
    check full__says_what_to_do both "code 1" "says /drop"
    check full__goes_on [ "$(cat "$out")" = "$answer" ]
    turn="What is 67 * 75?\n"
    feed "$turn$turn$turn$question\n/save $dir/a.json\n/drop 9\n/retry\n/save $dir/b.json\n" \
        $chat --ctx 100 --think on --max-tokens 40
    check full__a_turn_that_failed_leaves_no_trace sh -c "! grep -q '$question' '$dir/a.json'"
    check full__drop_and_retry grep -q "12 + 30" "$dir/b.json"
}

# -------------------------------------------------------------------------------- terminal

# screen FILTER TEXT: waits until a line of what FILTER leaves of the screen is TEXT
screen() {
    tries=0
    while [ $tries -lt 150 ]; do
        tries=$((tries + 1))
        tmux -S "$dir/tmux" capture-pane -p >"$out" 2>"$err"
        "$1" <"$out" | grep -q -e "$2" && return 0
        sleep 0.2
    done
    return 1
}
last_line() { grep . | tail -n 1; }
look() { screen cat "$1"; }
# Keys that edit a line mean something only while the prompt waits for one.
ready() { screen last_line '^>$'; }
keys() { tmux -S "$dir/tmux" send-keys "$@"; }
# Whether the command was built with libedit; it may be libtool's script around the program.
edits=no
for file in "$(dirname "$REASON")/.libs/reason" "$REASON"; do
    ldd "$file" 2>/dev/null | grep -q libedit && edits=yes
done
history=
[ $edits = yes ] && history="--history $dir/history"
if ! command -v tmux >/dev/null; then
    skip "terminal: tmux is not there"
elif ! tmux -S "$dir/tmux" new-session -d -x 100 -y 40 \
    "env TERM=xterm-256color $REASON $chat $history; echo left \$?; sleep 60" \
    2>"$err"; then
    skip "terminal: tmux makes no terminal"
else
    trap 'tmux -S "$dir/tmux" kill-server 2>/dev/null; rm -rf "$dir"' EXIT
    rc=0
    check terminal__greets look '^/help lists'
    keys "$question" Enter
    check terminal__answers look "^$answer\$"
    if [ $edits = yes ]; then
        ready
        keys "/budxet 5é7" Left BSpace Home Right Right Right Right DC "g" End Enter "/budget" Enter
        check terminal__keys_edit look '^budget: 57$'
        ready
        keys Up Up Up
        check terminal__up_is_history look '^> /budget 57$'
        keys C-u "/think on rest" C-w C-w "off" Enter "/think" Enter
        check terminal__words_are_erased look '^think: off$'
        ready
        tmux -S "$dir/tmux" set-buffer "$(printf '/system one\ntwo\n\tthree\nfour\n')"
        tmux -S "$dir/tmux" paste-buffer -p
        look '^four$'
        keys Enter "/save $dir/pasted.json" Enter "/stats" Enter
        look '^context: '
        check terminal__a_paste_is_one_message grep -q '"one\\ntwo\\n\\tthree\\nfour"' \
            "$dir/pasted.json"
    else
        skip "terminal: no libedit, no editing of lines"
    fi
    if [ $edits = yes ]; then
        ready
        keys C-l "begun"
        look '^> begun$'
        keys C-c
        look '^> begun^C$'
        keys "/budget 77" Enter "/budget" Enter
        check terminal__interrupt_gives_up_a_line look '^budget: 77$'
    fi
    ready
    keys C-c
    check terminal__interrupt_warns look '^Ctrl-C again'
    keys C-c
    check terminal__second_interrupt_leaves look '^left 0$'
    if [ -s "$dir/history" ]; then
        check terminal__history_is_private [ "$(ls -l "$dir/history" | cut -c1-10)" = -rw------- ]
    fi
fi

end
