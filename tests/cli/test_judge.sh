#!/bin/sh
# What scripts may rely on of `reason judge`: lines, figures, going on after a stop, and what is
# refused. Prints PASS, FAIL or SKIP per case; exits 1 if a case failed, 77 if REASON or MODEL is
# not set.
#
#   REASON=path/to/reason MODEL=share/reason-tiny.gguf sh tests/cli/test_judge.sh
#
# MODEL adds numbers of one digit; here a sum is a verdict.

. "$(dirname "$0")/support.sh"
pairs=$dir/pairs.jsonl
prompt=$dir/prompt.txt
record=$dir/record.jsonl
printf 'What is {response_1} + {response_2}?\n' >"$prompt"
cat >"$pairs" <<'END'
{"prompt": "q", "responses": ["3", "4"], "chosen": 0, "category": "even"}
{"messages": [{"role": "user", "content": "q"}], "responses": ["5", "4"], "labels": [0, 1], "category": "odd"}

{"prompt": "q", "responses": ["5", "5"], "chosen": 0, "category": "odd"}
{"prompt": "q", "responses": ["5", "2"], "chosen": 1, "category": "odd"}
{"prompt": "q", "responses": ["3", "4", "5"]}
END
judge() {
    run judge -m "$MODEL" --temperature 0 --system "" --prompt "$prompt" --verdict-1 7 \
        --verdict-2 9 "$@"
}
line() { sed -n "$1p" "$out" | grep -q -e "$2"; }

# --------------------------------------------------------------------------------- lines

judge --order given "$pairs"
check lines__one_each both "code 0" "lines 5"
check lines__keys has_keys line category winner correct votes invalid share agreement first_rate \
    thinking_tokens answer_tokens
check lines__first_wins line 1 '"line": 1, "category": "even", "winner": 0, "correct": 1.0, "votes": \[1, 0\], "invalid": 0'
check lines__second_wins line 2 '"winner": 1, "correct": 1.0, "votes": \[0, 1\]'
check lines__no_verdict line 3 '"line": 4, .*"winner": null, "correct": 0.0, "votes": \[0, 0\], "invalid": 1'
check lines__wrong line 4 '"winner": 0, "correct": 0.0'
check lines__tournament line 5 '"correct": null, "method": "elo", "ranking": \[2, 0, 1\], .*"games": 3, "rounds": 1, "n_verdicts": 3, "invalid": 1'
check lines__figures says 'accuracy 0.5000 \[0.1500, 0.8500\] of 4$'
check lines__categories says 'accuracy of odd 0.3333 \[.*\] of 3$'
check lines__mean_of_categories says 'mean accuracy of 2 categories 0.6667$'
cp "$out" "$dir/plain"
judge --order given --parallel 1 --threads 1 "$pairs"
check lines__parallel_changes_nothing cmp -s "$out" "$dir/plain"
"$REASON" judge -m "$MODEL" --temperature 0 --system "" --prompt "$prompt" --verdict-1 7 \
    --verdict-2 9 --order given - <"$pairs" >"$out" 2>"$err"
rc=$?
check lines__standard_input cmp -s "$out" "$dir/plain"
judge --votes 2 --texts --limit 1 "$pairs"
check lines__both_orders prints '"winner": null, "correct": 0.5, "votes": \[2, 2\], "invalid": 0, "share": 0.5, "agreement": 0.0, "first_rate": 1.0'
check lines__texts prints '"verdicts": \[{"first": 0, "winner": 0, "thinking": "", "answer": "7", "finish_reason": "eos"}'
check lines__agreement says 'agreement between orders 0.0000, mean of 1 lines$'
judge --order given --json --limit 2 "$pairs"
check json__a_line_more lines 3
check json__summary line 3 '^{"summary": {"lines": 2, "n": 2, "accuracy": 1.0, "accuracy_ci95": .*"by_category": {"even": {"n": 1,.*"category_mean": 1.0, "agreement": null}}$'
for method in bradley-terry knockout sampled; do
    sed -n 6p "$pairs" >"$dir/one.jsonl"
    judge --method "$method" "$dir/one.jsonl"
    check "lines__$method" prints "\"method\": \"$method\""
done

# -------------------------------------------------------------------- scores and checklists

printf '{response} + 4 = ? {item}' >"$dir/item.txt"
printf 'one\n\ntwo\n' >"$dir/list.txt"
run judge -m "$MODEL" --temperature 0 --system "" --kind checklist --prompt "$dir/item.txt" \
    --checklist "$dir/list.txt" --verdict-1 7 --verdict-2 9 --limit 1 "$pairs"
check checklist__items prints '"scores": .*"spreads": .*"items": \[\['
printf '{response}' >"$dir/score.txt"
run judge -m "$MODEL" --temperature 0 --system "" --kind score --prompt "$dir/score.txt" \
    --max-tokens 8 --min-answer 1 --limit 1 "$pairs"
check score__none prints '"winner": null, "correct": 0.0, "scores": \[null, null\], "spreads": \[null, null\], "invalid": 2'

# ------------------------------------------------------------------------------- records

judge --order given --out "$record" "$pairs"
check record__lines_go_there both "code 0" silent
sed 1d "$record" | grep -c line >"$out"
check record__all_lines prints '^5$'
cp "$record" "$dir/whole.jsonl"
cp "$err" "$dir/figures"
head -n 3 "$dir/whole.jsonl" >"$record"
printf '{"line": 4, "torn' >>"$record"
judge --order given --out "$record" "$pairs"
check record__goes_on cmp -s "$record" "$dir/whole.jsonl"
check record__the_same_figures cmp -s "$err" "$dir/figures"
judge --order given --parallel 3 --out "$record" --json "$pairs"
check record__nothing_left_to_do prints '^{"summary": {"lines": 5, '
check record__unchanged cmp -s "$record" "$dir/whole.jsonl"
judge --order both --out "$record" "$pairs"
check record__other_settings both fails "says with.other.settings"
judge --order given --out "$record" --limit 2 "$pairs"
check record__other_lines both fails "says of.other.lines"
printf 'What is {response_1} + {response_2}? Quick.' >"$prompt.2"
judge --order given --prompt "$prompt.2" --out "$record" "$pairs"
check record__another_prompt both fails "says with.other.settings"
judge --order given --out "$pairs" "$pairs"
check record__is_none both fails "says is.no.record"

# ------------------------------------------------------------------------------- refused

refuse() { # refuse NAME LINE WORDS
    printf '%s\n' "$2" >"$dir/bad.jsonl"
    judge "$dir/bad.jsonl"
    check "refused__$1" both fails "says $3"
}
refuse no_json '{' 'line.1.of.*is.no.JSON'
refuse no_responses '{"prompt": "q"}' 'responses'
refuse one_response '{"prompt": "q", "responses": ["a"]}' 'two.texts'
refuse no_texts '{"prompt": "q", "responses": ["a", 1]}' 'no.list.of.texts'
refuse a_nul '{"prompt": "q", "responses": ["a", "b\u0000c"]}' 'no.list.of.texts'
refuse no_prompt '{"responses": ["a", "b"]}' 'needs'
refuse both_prompts '{"prompt": "q", "messages": [], "responses": ["a", "b"]}' 'needs'
refuse messages '{"messages": [{"role": "user"}], "responses": ["a", "b"]}' 'messages'
refuse chosen '{"prompt": "q", "responses": ["a", "b"], "chosen": 2}' 'chosen'
refuse labels '{"prompt": "q", "responses": ["a", "b"], "labels": [1]}' 'labels'
refuse both_labels '{"prompt": "q", "responses": ["a", "b"], "labels": [1, 0], "chosen": 0}' 'one.expected'
refuse category '{"prompt": "q", "responses": ["a", "b"], "category": 3}' 'category'
: >"$dir/empty.jsonl"
judge "$dir/empty.jsonl"
check refused__nothing both fails "says has.no.line"
judge
check refused__no_file misuse
judge --stop x "$pairs"
check refused__stops misuse
judge --kind checklist "$pairs"
check refused__no_checklist both fails "says the.checklist.is.empty"
printf 'no place' >"$prompt.3"
judge --prompt "$prompt.3" "$pairs"
check refused__no_place both fails "says the.prompt.has.no"
run judge -m "$MODEL" "$pairs"
check refused__a_prompt_that_does_not_fit both fails "says context"

end
