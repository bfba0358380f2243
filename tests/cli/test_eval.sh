#!/bin/sh
# What scripts may rely on of `reason eval`: figures, settings, records that are gone on with after
# a stop, and what is refused. Prints PASS, FAIL or SKIP per case; exits 1 if a case failed, 77 if
# REASON or MODEL is not set.
#
#   REASON=path/to/reason MODEL=share/reason-tiny.gguf sh tests/cli/test_eval.sh
#
# MODEL is a model that thinks, small enough to answer in seconds.

. "$(dirname "$0")/support.sh"
tasks=$dir/tasks.jsonl
many=$dir/many.jsonl
record=$dir/record.jsonl
# Sums of numbers with one digit, and with some, which are thought about; the third answer is wrong, whatever is said.
awk 'BEGIN {
    for (i = 0; i < 12; i++) {
        a = i < 4 ? i + 1 : 137 * i; b = i < 4 ? 3 : 311 + i
        printf "{\"question\": \"What is %d + %d?\", \"answer\": \"%s\", \"kind\": \"%s\", \"size\": %d, \"hard\": false}\n",
            a, b, i == 2 ? "none" : a + b, i % 2 ? "odd" : "even", i < 4 ? 1 : 2
    }
}' >"$tasks"
evaluate() { run eval -m "$MODEL" --temperature 0 "$@"; }
# real KEY: the first number of a key in a line of JSON
real() { sed -n "1s/[^\"]*\(\"[^{]*\)\"$1\": \([0-9.]*\)[,}].*/\2/p" "$out" | head -n 1; }

# ------------------------------------------------------------------------------- figures

# What single questions give, with the tasks' own seeds out of play.
right=0 tokens=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    line=$(sed -n "${i}p" "$tasks")
    question=${line#*\"question\": \"}
    answer=${line#*\"answer\": \"}
    run ask -m "$MODEL" --temperature 0 --json "${question%%\"*}"
    [ "$(text_of answer)" = "${answer%%\"*}" ] && right=$((right + 1))
    tokens=$((tokens + $(number thinking_tokens)))
done
evaluate --json "$tasks"
check figures__one_object both "code 0" "lines 1"
check figures__keys has_keys setting n accuracy accuracy_ci95 thinking_tokens answer_tokens \
    total_tokens probe_tokens think_rate p_think by_kind by_size
same() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d < 1e-6 && d > -1e-6) }'; }
share() { awk -v a="$1" -v n="$2" 'BEGIN { printf "%.9f", a / n }'; }
check figures__some_are_right [ "$right" -ge 4 ]
check figures__some_are_thought_about [ "$tokens" -ge 20 ]
check figures__accuracy_is_that_of_single_questions same "$(real accuracy)" "$(share "$right" 12)"
check figures__thinking_tokens_too same "$(real thinking_tokens)" "$(share "$tokens" 12)"
check figures__kinds prints '"by_kind": {"even": {"n": 6,.*"odd": {"n": 6,'
check figures__sizes prints '"by_size": {"1": {"n": 4,.*"2": {"n": 8,'
check figures__no_difference [ "$(grep -c difference "$out")" -eq 0 ]
cp "$out" "$dir/plain"
evaluate --json --parallel 1 --threads 1 "$tasks"
check figures__parallel_changes_nothing cmp -s "$out" "$dir/plain"
"$REASON" eval -m "$MODEL" --temperature 0 --json - <"$tasks" >"$out" 2>"$err"
rc=$?
check figures__standard_input cmp -s "$out" "$dir/plain"
evaluate --json --limit 4 "$tasks"
check figures__limit prints '^{"setting": "as given", "n": 4, '
evaluate "$tasks"
check table__rows both "code 0" "lines 10"
check table__kinds prints '^even  *6 '
check table__sizes prints '^2  *8 '
check table__nothing_on_standard_error [ ! -s "$err" ]
evaluate --hybrid --samples 2 --json "$tasks"
check hybrid__keys has_keys hybrid_accuracy hybrid_ci95 pass_at_k
evaluate --hybrid --samples 2 "$tasks"
check hybrid__table prints 'pass@2  *hybrid'

# ------------------------------------------------------------------------------ settings

evaluate --json --vary "think=on budget=4" --vary "think=off" "$tasks"
check vary__an_object_each both "code 0" "lines 2"
check vary__names prints '^{"setting": "think=on budget=4", '
check vary__the_second_has_a_difference [ "$(grep -c '"difference": {"accuracy": ' "$out")" -eq 1 ]
sed -n 2p "$out" >"$dir/off"
check vary__budget_holds [ "$(real thinking_tokens | cut -d . -f 1)" -le 4 ]
evaluate --json --think off "$tasks"
sed 's/"as given"/"think=off"/; s/}$//' "$out" >"$dir/alone"
check vary__as_alone grep -q -F "$(cat "$dir/alone")" "$dir/off"
evaluate --vary think=on --vary "  think=off  " "$tasks"
check vary__table_has_differences both "code 0" "lines 3"
check vary__difference_in_the_table prints '^  think=off .*([+-].* to [+-]'

# ------------------------------------------------------------------------------- records

evaluate --json --out "$record" --vary think=on --vary think=auto "$tasks"
cp "$out" "$dir/whole"
check record__header_and_a_line_each [ "$(wc -l <"$record")" -eq 25 ]
again() { evaluate --json --out "$record" --vary think=on --vary think=auto "$tasks"; }
again
check record__all_known both "code 0" "cmp -s $out $dir/whole"
check record__nothing_is_added [ "$(wc -l <"$record")" -eq 25 ]
cp "$record" "$dir/full"
head -n 9 "$dir/full" >"$record"
sed -n 10p "$dir/full" | cut -c 1-40 | tr -d '\n' >>"$record"
again
check record__goes_on_after_a_torn_line both "code 0" "cmp -s $out $dir/whole"
check record__has_all [ "$(sort "$record" | cksum)" = "$(sort "$dir/full" | cksum)" ]
printf '%s' "$(head -n 1 "$dir/full" | cut -c 1-50)" >"$record"
again
check record__a_torn_header_begins_anew both "code 0" "cmp -s $out $dir/whole"
evaluate --out "$record" --vary think=on --vary think=off "$tasks"
check record__other_settings both fails "says settings"
evaluate --out "$record" --vary think=on --vary think=auto --limit 5 "$tasks"
check record__other_tasks both fails "says tasks"
cp "$MODEL" "$dir/model.gguf"
run eval -m "$dir/model.gguf" --temperature 0 --out "$record" --vary think=on \
    --vary think=auto "$tasks"
check record__another_model both fails "says model"
evaluate --out "$tasks" "$tasks"
check record__not_over_something_else fails
check record__which_stays [ "$(wc -l <"$tasks")" -eq 12 ]
evaluate --out "$dir/no/such" "$tasks"
check record__cannot_be_written fails
sed '5s/"right": [0-9]*/"right": 99/' "$dir/full" >"$record"
again
check record__counts_that_cannot_be fails
sed '5s/"task": [0-9]*/"task": 12/' "$dir/full" >"$record"
again
check record__a_task_that_is_not_there both fails "says line.5"

# Stopped while it runs: enough work for seconds, and the signal when some of it is there.
for i in 1 2 3 4 5 6 7 8; do cat "$tasks"; done >"$many"
rm -f "$record"
long() { "$REASON" eval -m "$MODEL" --samples 8 --think on --json --out "$record" "$many"; }
"$REASON" eval -m "$MODEL" --samples 8 --think on --json --out "$record" "$many" \
    >"$out" 2>"$err" &
pid=$!
tries=0
while [ "$tries" -lt 400 ] && { [ ! -s "$record" ] || [ "$(wc -l <"$record")" -lt 9 ]; }; do
    sleep 0.02
    tries=$((tries + 1))
done
kill -TERM "$pid"
wait "$pid"
rc=$?
check stop__exit_code code 143
check stop__no_figures silent
check stop__says_how_to_go_on both sentence "says goes"
kept=$(wc -l <"$record")
check stop__keeps_some [ "$kept" -ge 9 ]
check stop__not_all [ "$kept" -lt 97 ]
long >"$dir/resumed" 2>"$err"
rc=$?
check stop__goes_on both "code 0" "[ $(wc -l <"$record") -eq 97 ]"
rm "$record"
long >"$out" 2>"$err"
check stop__figures_are_those_of_one_run cmp "$out" "$dir/resumed"

# ------------------------------------------------------------------------------ refusals

evaluate
check usage__no_tasks misuse
evaluate "$tasks" "$tasks"
check usage__two_files misuse
evaluate --samples 0 "$tasks"
check usage__no_samples misuse
evaluate --vary "budget 4" "$tasks"
check usage__vary_without_value misuse
evaluate --vary "budget=x" "$tasks"
check usage__vary_with_a_bad_value both misuse "says --budget"
evaluate --vary "samples=2" "$tasks"
check usage__vary_of_what_is_the_same_for_all misuse
evaluate --vary "--budget=2" "$tasks"
check usage__vary_with_dashes misuse
evaluate --hybrid --think on "$tasks"
check refusals__hybrid_needs_auto both fails "says hybrid"
evaluate "$dir/no-such-file"
check refusals__no_file fails
feed '' eval -m "$MODEL" -
check refusals__no_task both fails "says has.no.task"
feed '{"question": "a", "answer": "b"}\n\n{"question": "a"}\n' eval -m "$MODEL" -
check refusals__no_answer both fails 'says line.3.*answer'
feed '{"question": 1, "answer": "b"}\n' eval -m "$MODEL" -
check refusals__question_is_no_text both fails 'says line.1.*question'
feed '{"question": "a", "answer": "b", "size": -1}\n' eval -m "$MODEL" -
check refusals__size both fails 'says size'
feed '{"question": "a", "answer": "b", "kind": 3}\n' eval -m "$MODEL" -
check refusals__kind both fails 'says kind'
feed '[1]\n' eval -m "$MODEL" -
check refusals__no_object both fails 'says object'
feed '{"question": \n' eval -m "$MODEL" -
check refusals__no_json both fails 'says line.1'

end
