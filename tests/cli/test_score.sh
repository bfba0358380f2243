#!/bin/sh
# What scripts may rely on of `reason score`: lines, kinds, figures, going on after a stop, and what
# is refused. Prints PASS, FAIL or SKIP per case; exits 1 if a case failed, 77 if REASON or MODEL is
# not set.
#
#   REASON=path/to/reason MODEL=share/reason-tiny.gguf sh tests/cli/test_score.sh
#
# MODEL has a template and no head; models with heads are folders of tests/data.

. "$(dirname "$0")/support.sh"
data=$(dirname "$0")/../data/hf
pairs=$dir/pairs.jsonl
record=$dir/record.jsonl
cat >"$pairs" <<'END'
{"prompt": "What is 3 + 4?", "responses": ["<think>\n3 + 4\n</think>\n\n7", "<think>\n", "7 7 7 7 7 7 7 7"], "category": "a"}
{"messages": [{"role": "user", "content": "What is 1 + 1?"}], "responses": ["2", "<|im_end|>"], "labels": [1, 0], "category": "b"}

{"prompt": "What is 2 + 2?", "responses": ["4", "4"], "chosen": 1, "category": "b"}
{"prompt": "What is 1 + 1?", "responses": ["2", "<|im_end|>"], "chosen": 1, "category": "c"}
END
score() { run score -m "$MODEL" --kind logprob "$@"; }
line() { sed -n "$1p" "$out" | grep -q -e "$2"; }
# first KEY: the first number of a list in the first line
first() { sed -n "1s/.*\"$1\": \[\([-0-9.e]*\).*/\1/p" "$out"; }

# --------------------------------------------------------------------------------- lines

score "$pairs"
check lines__one_each both "code 0" "lines 4"
check lines__keys has_keys line category scores kind transform best correct raw guards
check lines__not_known line 1 '"line": 1, "category": "a", .*"correct": null'
check lines__equals line 3 '"line": 4, .*"best": 0, "correct": 0.5'
check lines__kind line 1 '"kind": "logprob", "transform": "none"'
check lines__guards_of_a_thought line 1 '"guards": \[{"bytes": 25, "tokens": [0-9]*, "thinking_tokens": [1-9][0-9]*, "answer_tokens": [1-9][0-9]*, "control_tokens": 0, "thinking_closed": true, "has_answer": true, "repeated": 0.0}'
check lines__guards_of_an_open_thought line 1 '"thinking_closed": false, "has_answer": false'
check lines__guards_of_repetition line 1 '"repeated": 0\.[5-9]'
check lines__guards_of_a_forged_end line 2 '"control_tokens": 1'
check lines__figures says 'accuracy 0\.[0-9]* \[.*\] of 3$'
check lines__categories says 'accuracy of b '
check lines__mean_of_categories says 'mean accuracy of 2 categories '
cp "$out" "$dir/plain"
score --threads 1 --ctx 200 "$pairs"
check lines__threads_change_nothing cmp -s "$out" "$dir/plain"
"$REASON" score -m "$MODEL" --kind logprob - <"$pairs" >"$out" 2>"$err"
rc=$?
check lines__standard_input cmp -s "$out" "$dir/plain"
score --json --limit 2 "$pairs"
check json__a_line_more lines 3
check json__summary line 3 '^{"summary": {"lines": 2, "n": 1, "accuracy": .*"accuracy_ci95": .*"by_category": {"b": {"n": 1,.*"category_mean": '

# --------------------------------------------------------------------------------- kinds

score --plain --limit 1 "$pairs"
check kinds__plain both "code 0" "lines 1"
check kinds__plain_is_another_text [ "$(first scores)" != "$(sed -n '1s/.*"scores": \[\([-0-9.]*\).*/\1/p' "$dir/plain")" ]
score --steps --limit 1 "$pairs"
check kinds__steps_of_tokens prints '"steps": \[\[{"position": [0-9]*, "token": [0-9]*, "score": -'
run score -m "$MODEL" --kind yesno --yes 1 --no 2 --suffix "?" --limit 1 "$pairs"
check kinds__yesno prints '"kind": "yesno", "transform": "softmax"'
run score -m "$MODEL" --kind dpo --reference "$MODEL" --limit 1 "$pairs"
check kinds__dpo_against_itself prints '"scores": \[0.0, 0.0, 0.0\]'
run score -m "$MODEL" --kind simpo --beta 0.5 --limit 1 "$pairs"
half=$(first scores)
run score -m "$MODEL" --kind simpo --beta 1 --limit 1 "$pairs"
check kinds__beta awk -v a="$half" -v b="$(first scores)" 'BEGIN { d = 2 * a - b; exit !(d < 1e-6 && d > -1e-6) }'
run score -m "$data/llama-reward" --limit 1 "$pairs"
check kinds__a_reward_head prints '"kind": "reward", "transform": "none", .*"raw": \[\[-\{0,1\}[0-9.]*\], '
run score -m "$data/llama-labels" --label 2 --limit 1 "$pairs"
check kinds__labels prints '"kind": "labels", "transform": "softmax", .*"labels": \["'
run score -m "$data/qwen2-math-process" --aggregate product --limit 1 "$pairs"
check kinds__steps prints '"kind": "steps", "transform": "softmax", .*"steps": \[\[{"position": '

# -------------------------------------------------------------------------------- record

score --out "$record" "$pairs"
check record__nothing_on_standard_output both "code 0" silent
check record__a_header_and_lines [ "$(wc -l <"$record")" -eq 5 ]
cp "$record" "$dir/full"
head -n 3 "$dir/full" >"$record"
printf '{"line": 4, "sco' >>"$record"
score --out "$record" "$pairs"
check record__goes_on cmp "$record" "$dir/full"
check record__figures says 'accuracy 0\.[0-9]* \[.*\] of 3$'
score --out "$record" --suffix x "$pairs"
check record__other_settings both fails "says settings"
score --out "$record" --limit 2 "$pairs"
check record__other_lines fails
score --out "$pairs" "$pairs"
check record__not_over_something_else fails

# ------------------------------------------------------------------------------ refusals

score
check usage__no_file misuse
score --kind best "$pairs"
check usage__kind misuse
run score -m "$MODEL" --kind dpo "$pairs"
check usage__dpo_needs_a_reference misuse
score --reference "$MODEL" "$pairs"
check usage__a_reference_is_of_dpo misuse
run score -m "$MODEL" "$pairs"
check refusals__no_head both fails "says line.1.*cls.output.weight"
run score -m "$data/llama-reward" --kind logprob "$pairs"
check refusals__no_logits both fails "says line.1.*output.weight"
run score -m "$MODEL" --kind yesno --yes "not one token" "$pairs"
check refusals__yes_is_no_token both fails "says yes"
feed '{"messages": [{"role": "user", "content": "a"}], "responses": ["b"]}\n' score -m "$MODEL" \
    --kind logprob --plain -
check refusals__plain_messages both fails "says plain"
feed '{"prompt": "a", "responses": []}\n' score -m "$MODEL" --kind logprob -
check refusals__no_response both fails "says line.1.*responses"

end
