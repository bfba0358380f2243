#!/bin/sh
# What scripts may rely on of the command `reason`: exit codes, which stream gets what, keys of
# JSON, bytes that come back unchanged. Prints PASS, FAIL or SKIP per case; exits 1 if a case
# failed, 77 if REASON or MODEL is not set.
#
#   REASON=path/to/reason MODEL=share/reason-tiny.gguf sh tests/cli/test_cli.sh
#
# MODEL is a model that thinks, small enough to answer in seconds.

. "$(dirname "$0")/support.sh"
question="What is 12 + 30?"
commands="ask chat info tokenize detokenize logits template bench quantize convert perplexity imatrix eval"

# ------------------------------------------------------------------------- usage and help

run
check usage__no_command both "code 2" silent
check usage__no_command_says_how says "Usage: reason"
run --help
check help__succeeds code 0
for command in $commands; do
    run --help
    check "help__lists_$command" prints "^  $command "
    run help "$command"
    cp "$out" "$dir/help"
    check "help__of_$command" both "code 0" "prints Examples:"
    run "$command" --help
    check "help__same_for_$command" cmp -s "$out" "$dir/help"
    run "$command" --no-such-option
    check "usage__unknown_option_of_$command" misuse
    check "usage__unknown_option_is_named_by_$command" says \
        "'--no-such-option'; see 'reason $command --help'"
done
run help no-such-command
check help__of_unknown_command code 2
run --version
check version__prints_name_and_number prints '^reason [0-9][0-9]*\.[0-9]'
run no-such-command
check usage__unknown_command misuse
run --no-such-option
check usage__unknown_option_without_command misuse

run ask --budget
check options__value_missing misuse
run ask --budget 12x hello
check options__trailing_garbage both misuse "says 12x"
run ask --budget=-2 hello
check options__below_range misuse
run ask --budget 99999999999999999999 hello
check options__above_range misuse
run ask --temperature nan hello
check options__not_a_number misuse
run ask --top-p 1.5 hello
check options__float_above_range misuse
run ask --think perhaps hello
check options__not_a_choice both misuse "says auto"
run ask --json=yes hello
check options__flag_with_value misuse
run ask --seed -1 hello
check options__negative_seed misuse
run ask -t
check options__short_value_missing misuse
run info stray
check options__stray_argument both misuse "says stray"
run ask --input x hello
check options__prompt_and_input misuse
run bench -b 0
check bench__batch_is_refused both misuse "says batch"
run bench -p 0 -n 0
check bench__nothing_to_do misuse
run logits --tokens 1
check logits__out_is_needed misuse
run logits --out "$dir/x"
check logits__tokens_are_needed misuse
run template
check template__messages_are_needed misuse

# ------------------------------------------------------------------------------- failures

for command in "ask hello" chat info tokenize detokenize "bench -p 1 -n 1 -r 1" \
    "logits --tokens 1 --out $dir/none"; do
    # shellcheck disable=SC2086
    run $command -m "$dir/no-such-model"
    check "fail__model_missing_in_${command%% *}" fails
done
printf 'not a model' >"$dir/bad.gguf"
run info -m "$dir/bad.gguf"
check fail__model_damaged both fails "says bad.gguf"
run info -m "$dir/$(printf 'x\033[31m')"
check fail__sentence_without_control_characters no_escape

# ------------------------------------------------------------------------------------ ask

ask="ask -m $MODEL --temperature 0"
# shellcheck disable=SC2086
{
    run $ask --json "$question"
    check ask__json_succeeds both "code 0" "lines 1"
    check ask__json_keys has_keys thinking answer finish_reason p_think usage prompt_tokens \
        thinking_tokens answer_tokens markup_tokens prefill_s decode_s
    check ask__json_keys_in_order prints \
        '^{"thinking": .*"answer": .*"finish_reason": .*"p_think": .*"usage": {"prompt_tokens": '
    check ask__nothing_on_stderr_with_json [ ! -s "$err" ]
    answer=$(text_of answer)
    check ask__answer_is_there [ -n "$answer" ]

    run $ask "$question"
    check ask__stdout_is_the_answer [ "$(cat "$out")" = "$answer" ]
    check ask__no_thinking_in_a_pipe [ ! -s "$err" ]
    run $ask What is 12 + 30?
    check ask__words_are_joined [ "$(cat "$out")" = "$answer" ]
    feed "$question\n" $ask
    check ask__prompt_from_stdin [ "$(cat "$out")" = "$answer" ]
    feed "$question\r\n" $ask -
    check ask__dash_is_stdin [ "$(cat "$out")" = "$answer" ]
    run $ask -- -5 "+" 3
    check ask__double_dash_ends_options code 0
    run $ask --temperature=0 --budget=20 -t1 "$question"
    check ask__equals_and_attached_values code 0

    run $ask --think on --show-thinking "$question"
    forced=$(cat "$out")
    check ask__show_thinking_on_stderr [ -s "$err" ]
    check ask__answer_alone_on_stdout lines 1
    check ask__no_colors_in_a_pipe no_escape
    run $ask --think on --json "$question"
    check ask__think_on_thinks [ "$(number thinking_tokens)" -ge 1 ]
    check ask__p_think_is_null_when_forced prints '"p_think": null'
    run $ask --think off --json "$question"
    check ask__think_off_does_not [ "$(number thinking_tokens)" -eq 0 ]
    check ask__think_off_has_an_answer [ -n "$(text_of answer)" ]

    for budget in 0 1 2 5 17; do
        for mode in auto on; do
            run $ask --think $mode --budget $budget --json "$question"
            check "ask__budget_${budget}_obeyed_$mode" \
                [ "$(number thinking_tokens)" -le "$budget" ]
        done
    done
    run $ask --think on --budget 2 --json "$question"
    check ask__budget_is_the_reason [ "$(text_of finish_reason)" = budget ]
    run $ask --max-tokens 3 --min-answer 1 --json "$question"
    total=$(($(number thinking_tokens) + $(number answer_tokens) + $(number markup_tokens)))
    check ask__max_tokens_obeyed [ "$total" -le 3 ]
    run $ask --max-tokens 4 --min-answer 8 "$question"
    check ask__contradiction fails

    warm="ask -m $MODEL --temperature 1 --json --think on"
    run $warm --seed 7 "$question"
    thinking=$(text_of thinking)
    run $warm --seed 7 -t 2 "$question"
    check ask__same_seed_same_text [ "$(text_of thinking)" = "$thinking" ]

    printf 'What is 1 + 2?\n\n%s' "$question" >"$dir/prompts"
    run $ask --json --input "$dir/prompts"
    check ask__input_one_object_per_prompt both "code 0" "lines 2"
    check ask__input_tells_the_line prints '"line": 3}'
    check ask__input_same_answer prints "\"answer\": \"$answer\""
    run $ask --input "$dir/prompts"
    check ask__input_as_text both "code 0" "lines 2"
    feed 'What is 1 + 2?\n' $ask --json --input -
    check ask__input_from_stdin both "code 0" "lines 1"
    run $ask --input "$dir/no-such-file"
    check ask__input_missing fails

    feed '' $ask
    check ask__empty_prompt fails
    feed 'a\0b' $ask
    check ask__nul_in_prompt both fails "says NUL"
    run $ask --ctx 48 "$(awk 'BEGIN { for (i = 0; i < 200; i++) printf "7 + " }')"
    check ask__context_full fails
}

# ------------------------------------------------------------------ tokenize and detokenize

head -c 4096 /dev/urandom >"$dir/bytes"
"$REASON" tokenize -m "$MODEL" --no-special <"$dir/bytes" >"$dir/ids" 2>"$err"
rc=$?
cp "$dir/ids" "$out"
check tokenize__one_line both "code 0" "lines 1"
check tokenize__only_numbers_and_spaces prints '^[0-9][0-9 ]*[0-9]$'
"$REASON" detokenize -m "$MODEL" <"$dir/ids" >"$out" 2>"$err"
rc=$?
check tokenize__random_bytes_come_back cmp -s "$out" "$dir/bytes"
tr ' ' ',' <"$dir/ids" | "$REASON" detokenize -m "$MODEL" >"$out" 2>"$err"
check detokenize__commas cmp -s "$out" "$dir/bytes"
feed '' tokenize -m "$MODEL" --no-special
check tokenize__empty both "code 0" "lines 1"
feed '' detokenize -m "$MODEL"
check detokenize__empty both "code 0" silent
feed 'one two' tokenize -m "$MODEL" --json
check tokenize__json both "lines 1" "prints ^{\"ids\":"
feed '1 x2' detokenize -m "$MODEL"
check detokenize__garbage both fails "says x2"
feed '99999999999' detokenize -m "$MODEL"
check detokenize__too_large fails
feed '2147483647' detokenize -m "$MODEL"
check detokenize__outside_the_vocabulary fails
feed '%s' tokenize -m "$MODEL" stray
check tokenize__stray_argument misuse

# --------------------------------------------------------------------------------- logits

run info -m "$MODEL" --json
check info__json both "code 0" "lines 1"
check info__json_keys has_keys architecture n_vocab n_parameters context_length think_open \
    think_close think_source weights_bytes activation_bits hadamard memory metadata
n_vocab=$(number n_vocab)
run info -m "$MODEL"
check info__text both "code 0" "prints ^architecture"
check info__family both "prints ^think_family  *qwen" "prints ^think_source  *vocabulary and template" \
    "prints ^think_switch  *enable_thinking" "prints ^end_tokens .*<|im_end|>"
run logits -m "$MODEL" --tokens 1,2,3 --out "$dir/three"
check logits__silent both "code 0" silent
check logits__size size_is "$dir/three" $((3 * n_vocab * 4))
run logits -m "$MODEL" --tokens 1,2 --out -
head -c $((2 * n_vocab * 4)) "$dir/three" >"$dir/two"
check logits__rows_do_not_depend_on_later_tokens cmp -s "$out" "$dir/two"
printf '1\n2 3\n' | "$REASON" logits -m "$MODEL" --tokens-file - --out "$dir/again" -t 2
check logits__tokens_file cmp -s "$dir/again" "$dir/three"
ids=$(awk 'BEGIN { for (i = 0; i < 40; i++) printf "%d,", i + 1; print 41 }')
run logits -m "$MODEL" --tokens "$ids" --out "$dir/many"
check logits__more_than_a_piece size_is "$dir/many" $((41 * n_vocab * 4))
head -c $((3 * n_vocab * 4)) "$dir/many" >"$dir/head"
check logits__pieces_change_nothing cmp -s "$dir/head" "$dir/three"
cp "$dir/three" "$dir/kept"
run logits -m "$MODEL" --tokens 1,2147483647 --out "$dir/kept"
check logits__id_outside_the_vocabulary fails
check logits__old_file_is_kept cmp -s "$dir/kept" "$dir/three"
check logits__no_rest_is_left [ -z "$(find "$dir" -name 'kept.*')" ]
run logits -m "$MODEL" --tokens 1 --out "$dir/no-such-folder/x"
check logits__no_such_folder fails
run logits -m "$MODEL" --tokens 1,a --out "$dir/x"
check logits__garbage fails
run logits -m "$MODEL" --tokens , --out "$dir/x"
check logits__no_ids fails
if [ -c /dev/null ]; then
    run logits -m "$MODEL" --tokens 1 --out /dev/null
    check logits__device_stays_a_device both "code 0" "test -c /dev/null"
fi
ln -s three "$dir/link"
run logits -m "$MODEL" --tokens 1 --out "$dir/link"
check logits__link_stays_a_link test -L "$dir/link"

# ------------------------------------------------------------------------------- template

printf '%s' '[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi\n"}]' \
    >"$dir/messages.json"
printf '%s' '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ tail }}' \
    >"$dir/chat.jinja"
printf '[user]Hello[assistant]Hi\n' >"$dir/expected"
run template --template "$dir/chat.jinja" --messages "$dir/messages.json"
check template__text_nothing_added cmp -s "$out" "$dir/expected"
printf 'END' >>"$dir/expected"
run template --template "$dir/chat.jinja" --messages "$dir/messages.json" --vars '{"tail": "END"}'
check template__variables cmp -s "$out" "$dir/expected"
"$REASON" template --template "$dir/chat.jinja" --messages - --vars '{"tail": "END"}' \
    <"$dir/messages.json" >"$out" 2>"$err"
rc=$?
check template__messages_from_stdin cmp -s "$out" "$dir/expected"
run template --template "$dir/chat.jinja" --messages "$dir/messages.json" --json
check template__json prints '^{"prompt": "\[user\]Hello\[assistant\]Hi\\n"}$'
printf '%s' '{{ strftime_now("%Y-%m-%d") }}' >"$dir/now.jinja"
run template --template "$dir/now.jinja" --messages "$dir/messages.json" \
    --now 2026-01-02T03:04:05
check template__clock [ "$(cat "$out")" = 2026-01-02 ]
run template -m "$MODEL" --messages "$dir/messages.json"
check template__of_the_model both "code 0" "prints Hello"
run template --template "$dir/chat.jinja" --messages "$dir/messages.json" --vars '[1'
check template__bad_variables fails
printf '%s' '{% for' >"$dir/bad.jinja"
run template --template "$dir/bad.jinja" --messages "$dir/messages.json"
check template__bad_syntax fails
printf '%s' '[{"role": "user"' >"$dir/bad.json"
run template --template "$dir/chat.jinja" --messages "$dir/bad.json"
check template__bad_messages fails
run template --template "$dir/chat.jinja" --messages "$dir/no-such-file"
check template__messages_missing fails
run template --template - --messages -
check template__stdin_twice misuse
run template --template "$dir" --messages "$dir/messages.json"
check template__folder_as_template fails

# ---------------------------------------------------------------------------------- bench

run bench -m "$MODEL" -p 8 -n 4 -r 2 --json
check bench__json both "code 0" "lines 1"
check bench__json_keys has_keys prefill_tok_s decode_tok_s bytes_per_token bandwidth_share \
    int8_peak_share rss_bytes
run bench -m "$MODEL" -p 5 -n 3 -b 3 -r 2 --json
check bench__batch both "code 0" "prints \"decode_tok_s\":.[0-9]"
check bench__machine_only_when_asked [ "$(grep -c '"machine"' "$out")" -eq 0 ]
run bench -p 0 -n 0 --machine
check bench__machine_alone both "code 0" "prints GB/s"
run bench -m "$MODEL" -p 4 -n 0 -r 1 --json --machine
check bench__not_measured_is_null both "prints \"decode_tok_s\":.null" "prints \"machine\":"

run bench -m "$MODEL" -r 1
check bench__default_fits_the_context both "code 0" "prints ^prefill"
few="-p 8 -n 4 -r 2 --models"
run bench $few "$MODEL,$MODEL"
check bench__models_in_a_table both "code 0" "lines 3"
check bench__no_perplexity_without_a_text [ "$(grep -c perplexity "$out")" -eq 0 ]
run bench $few "$MODEL,$MODEL" --json
check bench__models_one_a_line both "code 0" "lines 2"
check bench__models_json_keys has_keys model file_bytes bits_per_weight prefill_tok_s \
    decode_tok_s rss_bytes perplexity perplexity_se kl_mean same_top
check bench__size_of_the_file prints "\"file_bytes\":.$(wc -c <"$MODEL"),"
cp "$(dirname "$0")/../../examples/data/conversations.txt" "$dir/text"
run bench $few "$MODEL,$MODEL,$MODEL" --text "$dir/text" --special --separator %% --chunks 9
check bench__models_and_a_text both "lines 4" "prints perplexity"
run bench $few "$MODEL,$MODEL" --text "$dir/text" --chunks 1 --json
check bench__against_the_first [ "$(grep -c '"kl_mean": 0.0,' "$out")" -eq 1 ]
check bench__the_first_against_nothing [ "$(grep -c '"kl_mean": null' "$out")" -eq 1 ]
run bench $few "$MODEL,"
check bench__empty_path fails
run bench $few "$MODEL,$dir/no-such-model"
check bench__no_such_model fails
run bench $few "$MODEL" --text "$dir/no-such-text"
check bench__no_such_text fails
run bench $few "$MODEL" -m "$MODEL"
check bench__models_and_model misuse
run bench -m "$MODEL" --text "$dir/text"
check bench__text_without_models misuse

# --------------------------------------------------------------------------------- search

sum="What is 58 + 67?"
has_reward_tokens() { [ "$(number reward_tokens)" -gt 0 ]; }
run search vote -m "$MODEL" --samples 5 --temperature 0 "$sum"
check search__vote both "code 0" "lines 1"
check search__says_the_weights grep -q '^reason: 125: weight 5 of 5 samples$' "$err"
run search vote -m "$MODEL" --samples 5 --json "$sum"
check search__json both "code 0" "lines 1"
check search__json_keys has_keys method answer thinking sample answers samples usage tokens \
    longest stopped unmade seconds weight finish_reason
run search first -m "$MODEL" --samples 6 --first 2 --think on --json "$sum"
check search__first_stops_others prints '"finish_reason": "cancelled"'
run search best -m "$MODEL" --samples 4 --reward "$MODEL" --kind mean_logprob --json "$sum"
check search__best_by_itself both "code 0" has_reward_tokens
run search beam -m "$MODEL" --samples 8 --beams 2 --think on --reward "$MODEL" --kind mean_logprob \
    --separator "$(printf '\n.')" --json "$sum"
check search__beam both "code 0" has_reward_tokens
run search beam -m "$MODEL" "$sum"
check search__beam_needs_a_reward both fails "says reward"
run search vote -m "$MODEL" --reward "$MODEL" "$sum"
check search__vote_has_no_reward both fails "says reward"
run search short -m "$MODEL" --samples 6 --first 2 --json -t 2 --answers number "$sum"
check search__short prints '"method": "short"'
run search vote -m "$MODEL" --samples 4 --max-total 10 --json "$sum"
check search__a_limit prints '"answer": null'
run search vote -m "$MODEL" --samples 4 --max-total 10 "$sum"
check search__no_answer both fails "says no.sample"
printf '%s\n' "$sum" | "$REASON" search confidence -m "$MODEL" --temperature 0 >"$out" 2>"$err"
rc=$?
check search__stdin both "code 0" "prints ^125$"
run search -m "$MODEL"
check search__no_method misuse
run search best -m "$MODEL" "$sum"
check search__a_method_that_needs_a_score fails
run search vote -m "$MODEL" --samples 0 "$sum"
check search__no_samples misuse

# ----------------------------------------------------------------------------- perplexity

judge="perplexity -m $MODEL --special --separator %%"
run $judge "$dir/text" --chunks 20
check perplexity__text both "code 0" "prints ^perplexity  *[0-9.]* +/- "
check perplexity__nothing_on_stderr [ ! -s "$err" ]
check perplexity__no_comparison_alone [ "$(grep -c KL "$out")" -eq 0 ]
run $judge "$dir/text" --chunks 20 --json
check perplexity__json both "code 0" "lines 1"
check perplexity__json_keys has_keys n_text n_chunks n_ctx n_scored perplexity perplexity_se \
    bits_per_token tokens_s against_perplexity against_perplexity_se ratio ratio_se kl_mean \
    kl_se kl_median kl_p99 kl_max same_top same_top_se p_difference p_difference_se
check perplexity__twenty_documents [ "$(number n_chunks)" -eq 20 ]
check perplexity__nothing_to_compare prints '"kl_mean": null'
n_scored=$(number n_scored)
run $judge "$dir/text" --chunks 20 --json --all
check perplexity__all_positions [ "$(number n_scored)" -gt $((2 * n_scored - 20)) ]
run $judge "$dir/text" --chunks 20 --against "$MODEL"
check perplexity__against_itself both "code 0" "prints ^KL.largest  *0.00000.nats"
run $judge "$dir/text" --chunks 20 --against "$MODEL" --kv q4_0 --json
check perplexity__of_a_kv_type prints '"kl_mean": 0.0*[1-9]'
"$REASON" $judge --chunks 20 --json -t 2 - <"$dir/text" >"$out" 2>"$err"
rc=$?
check perplexity__stdin both "code 0" "prints \"n_scored\":.$n_scored,"
run perplexity -m "$MODEL" "$dir/text" --ctx 100 --chunks 1 --json
check perplexity__ctx [ "$(number n_ctx)" -eq 100 ]
run perplexity -m "$MODEL"
check perplexity__no_text misuse
run perplexity -m "$MODEL" "$dir/text" "$dir/text"
check perplexity__two_texts misuse
run perplexity -m "$MODEL" "$dir/no-such-file"
check perplexity__no_such_file fails
: >"$dir/empty"
run perplexity -m "$MODEL" "$dir/empty"
check perplexity__empty_text both fails "says tokens"
run perplexity -m "$MODEL" "$dir/text" --ctx 100000
check perplexity__ctx_too_large both fails "says n_ctx"
run perplexity -m "$MODEL" "$dir/text" --ctx 2
check perplexity__ctx_too_small both fails "says n_ctx"
run perplexity -m "$MODEL" "$dir/text" --against "$dir/no-such-model"
check perplexity__no_such_model fails
run perplexity -m "$MODEL" "$dir/text" --separator ''
check perplexity__empty_line_as_separator code 0

# -------------------------------------------------------------------------------- imatrix

importance="imatrix -m $MODEL --special --separator %% --chunks 20"
run $importance "$dir/text" "$dir/one.gguf"
check imatrix__tells_what_it_read both "code 0" "prints tensors, over [0-9]* tokens in 20 chunks"
check imatrix__nothing_on_stderr [ ! -s "$err" ]
check imatrix__is_a_gguf_file [ "$(head -c 4 "$dir/one.gguf")" = GGUF ]
check imatrix__names_the_text grep -q '^GGUF.*general.type.*imatrix.*imatrix.datasets.*text' -a \
    "$dir/one.gguf"
run $importance "$dir/text" "$dir/two.gguf" --json -t 2
check imatrix__json both "code 0" "lines 1"
check imatrix__json_keys has_keys out n_text n_chunks n_ctx n_tokens n_tensors
check imatrix__same_bytes_with_more_threads cmp -s "$dir/one.gguf" "$dir/two.gguf"
"$REASON" $importance - "$dir/two.gguf" --ctx 50 <"$dir/text" >"$out" 2>"$err"
rc=$?
check imatrix__stdin code 0
check imatrix__names_standard_input grep -q -a 'standard input' "$dir/two.gguf"
cp "$dir/one.gguf" "$dir/kept.gguf"
run $importance "$dir/text" "$dir/kept.gguf" --ctx 100000
check imatrix__ctx_too_large both fails "says n_ctx"
check imatrix__old_file_is_kept cmp -s "$dir/kept.gguf" "$dir/one.gguf"
run $importance "$dir/empty" "$dir/kept.gguf"
check imatrix__empty_text both fails "says tokens"
run $importance "$dir/text" "$dir/no-such-folder/x.gguf"
check imatrix__no_such_folder both fails "says no-such-folder"
run $importance "$dir/no-such-file" "$dir/x.gguf"
check imatrix__no_such_text fails
run $importance "$dir/text"
check imatrix__no_out misuse
check imatrix__no_rest_is_left [ -z "$(find "$dir" -name '*.part')" ]
# -------------------------------------------------------------------------------- convert

run convert "$MODEL" "$dir/folder"
check convert__folder both "code 0" silent
check convert__files [ "$(ls "$dir/folder" | tr '\n' ' ')" = "config.json model.safetensors tokenizer.json tokenizer_config.json " ]
run ask -m "$dir/folder" --temperature 0 "$question"
check convert__folder_answers prints 42
run convert "$dir/folder" "$dir/back.gguf"
check convert__back code 0
run logits -m "$MODEL" --tokens 1,2,3 --out "$dir/l1"
run logits -m "$dir/folder" --tokens 1,2,3 --out "$dir/l2"
run logits -m "$dir/back.gguf" --tokens 1,2,3 --out "$dir/l3"
check convert__same_logits cmp -s "$dir/l1" "$dir/l2"
check convert__same_logits_back cmp -s "$dir/l1" "$dir/l3"
run convert "$dir/folder" "$dir/q8.gguf" --type Q8_0
check convert__type code 0
run convert "$MODEL" "$dir/folder"
check convert__folder_is_there both fails "says empty.folder"
run convert "$MODEL" "$dir/other" --type Q4_K_M
check convert__no_such_type both fails "says BF16"
run convert "$MODEL"
check convert__one_name misuse
run info -m "$dir"
check convert__no_model both fails "says config.json"

# ------------------------------------------------------------------------------- quantize

run quantize "$MODEL" "$dir/q.gguf" --json --type Q4_0 --rule 'attn_v=Q8_0'
check quantize__json both "code 0" "prints \"to\":.\"Q8_0\""
check quantize__json_keys has_keys name shape from to reason rmse relative weighted_rmse max_error n_nan
run info -m "$dir/q.gguf" --json
check quantize__opens code 0
run quantize "$MODEL" "$dir/q.gguf" -q
check quantize__quiet both "code 0" silent
run quantize "$MODEL" "$dir/q.gguf" -q --type TQ2_0
check quantize__ternary_warns both "code 0" "says three.values"
run quantize "$dir/q.gguf" "$dir/q.gguf" --requantize
check quantize__onto_itself both fails "says source"
run quantize "$MODEL" "$dir/nowhere/q.gguf"
check quantize__no_folder fails
run quantize "$MODEL"
check quantize__one_file misuse

# ------------------------------------------------------------------------------- adapters

different() { ! cmp -s "$1" "$2"; }
adapted() { run logits -m "$MODEL" --tokens 1,2,3 --out "$dir/$1" $2; }
adapted plain ""
adapted once "--adapter $ADAPTER"
check adapter__changes both "code 0" different "$dir/once" "$dir/plain"
adapted none "--adapter $ADAPTER=0"
check adapter__scale_0 cmp -s "$dir/none" "$dir/plain"
adapted one "--adapter $ADAPTER=1e0"
check adapter__scale_1 cmp -s "$dir/one" "$dir/once"
adapted back "--adapter $ADAPTER --adapter $ADAPTER=-2"
check adapter__add_up both "code 0" different "$dir/back" "$dir/once"
cp "$ADAPTER" "$dir/a=b.gguf"
adapted named "--adapter $dir/a=b.gguf"
check adapter__name_with_equals cmp -s "$dir/named" "$dir/once"
run logits -m "$MODEL" --tokens 1 --out "$dir/x" --adapter "$MODEL"
check adapter__no_adapter both fails "says general.type"
run logits -m "$MODEL" --tokens 1 --out "$dir/x" --adapter "$dir/no-such-file"
check adapter__no_file fails
run logits -m "$MODEL" --tokens 1 --out "$dir/x" --adapter "$ADAPTER=inf"
check adapter__scale_is_no_number fails
run quantize "$MODEL" "$dir/merged.gguf" -q --type F32 --adapter "$ADAPTER"
check adapter__merges both "code 0" silent
run ask --temperature 0 --max-tokens 40 --json -m "$MODEL" "What is 3 + 4?" --adapter "$ADAPTER"
check adapter__asks code 0
answer=$(text_of answer)
run ask --temperature 0 --max-tokens 40 --json -m "$dir/merged.gguf" "What is 3 + 4?"
check adapter__merged_answers_alike [ "$answer" = "$(text_of answer)" ]

# ------------------------------------------------------------------------------------ cpu

run info -m "$MODEL" --json
level=$(text_of cpu)
run bench -p 0 -n 0 --machine --json
check cpu__a_model_runs_at_the_level_of_the_machine [ "$(text_of cpu)" = "$level" ]
run info -m "$MODEL" --json --cpu generic
check cpu__option_is_a_ceiling [ "$(text_of cpu)" = generic ]
REASON_CPU=generic "$REASON" info -m "$MODEL" --json --cpu avx512 >"$out" 2>"$err"
rc=$?
check cpu__environment_is_a_ceiling [ "$(text_of cpu)" = generic ]

# -------------------------------------------------------------------------------- streams

if [ -c /dev/full ]; then
    "$REASON" ask -m "$MODEL" "$question" >/dev/full 2>"$err" </dev/null
    rc=$?
    : >"$out"
    check streams__full_disk both fails "says output"
    "$REASON" --help >/dev/full 2>"$err"
    rc=$?
    check streams__full_disk_of_help both fails "says output"
    run logits -m "$MODEL" --tokens 1,2,3 --out /dev/full
    check streams__full_disk_of_a_file fails
else
    skip streams__full_disk
fi
"$REASON" ask -m "$MODEL" "$question" >&- 2>"$err" </dev/null
rc=$?
: >"$out"
check streams__closed_stdout fails
{ "$REASON" tokenize -m "$MODEL" --no-special <"$dir/bytes" 2>"$err" || :; } | :
check streams__closed_pipe_is_quiet [ ! -s "$err" ]
"$REASON" tokenize -m "$MODEL" <"$dir" >"$out" 2>"$err"
rc=$?
check streams__folder_as_input fails

# ------------------------------------------------------------------------------- terminal

# on_terminal COMMAND: runs a shell command with a terminal of its own
on_terminal() {
    script -qec "$1" /dev/null >"$out" 2>"$err" </dev/null
    rc=$?
}
dimmed() { grep -q "$escape\\[2m" "$out"; }
plain() { ! grep -q "$escape" "$out"; }
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    show="'$REASON' ask -m '$MODEL' --temperature 0 --think on '$question'"
    TERM=xterm
    export TERM
    on_terminal "$show"
    check terminal__thinking_is_dimmed both "code 0" dimmed
    check terminal__dim_is_taken_back grep -q "$escape\\[0m" "$out"
    on_terminal "NO_COLOR=1 $show"
    check terminal__no_color_in_the_environment both plain "prints answer"
    on_terminal "NO_COLOR= $show"
    check terminal__empty_no_color_counts_as_unset dimmed
    on_terminal "$show --no-color"
    check terminal__no_color_option plain
    on_terminal "TERM=dumb $show"
    check terminal__dumb plain
    on_terminal "$show 2>/dev/null | cat"
    check terminal__pipe_gets_the_answer_alone [ "$(tr -d '\r' <"$out")" = "$forced" ]
    on_terminal "$show >'$dir/file'"
    check terminal__thinking_on_stderr_beside_a_file dimmed
else
    skip terminal
fi

# -------------------------------------------------------------------------------- signals

# A harness may have had interrupts ignored, which the command then respects.
survived=$(sh -c 'kill -INT $$; echo survived' 2>/dev/null)
if [ -z "$survived" ] && timeout --preserve-status 5 true 2>/dev/null; then
    awk 'BEGIN { for (i = 0; i < 100000; i++) print "What is 3 + 4?" }' >"$dir/long"
    timeout --preserve-status -s INT 1 "$REASON" ask -m "$MODEL" --json --input "$dir/long" \
        >"$out" 2>"$err" </dev/null
    rc=$?
    check signals__interrupt_exits_130 code 130
    check signals__interrupt_leaves_whole_lines [ "$(tail -c 1 "$out" | wc -l)" -eq 1 ]
    timeout --preserve-status -s TERM 1 "$REASON" ask -m "$MODEL" --json --input "$dir/long" \
        >"$out" 2>"$err" </dev/null
    rc=$?
    check signals__terminate_exits_143 code 143
else
    skip signals
fi

end
