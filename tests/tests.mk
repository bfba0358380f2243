# Tests. A unit test has the name of the file it is about and links all internal objects; tests of
# the interface link only the shared library and see only its header.
AM_CPPFLAGS += -I$(srcdir)/tests
LDADD = libsupport.la libinternal.la $(CMOCKA_LIBS) $(PCRE2_LIBS) $(LIBM)
AM_TESTS_ENVIRONMENT = \
	REASON_SRCDIR='$(abs_top_srcdir)'; export REASON_SRCDIR; \
	REASON_SHIPPED='$(abs_top_srcdir)/share/reason-tiny.gguf'; export REASON_SHIPPED; \
	ADAPTER='$(abs_top_srcdir)/tests/data/reason-tiny-lora.gguf'; export ADAPTER; \
	REASON='$(abs_top_builddir)/reason'; export REASON; \
	MODEL='$(abs_top_srcdir)/share/reason-tiny.gguf'; export MODEL; \
	CC='$(CC)'; export CC; CXX='$(CXX)'; export CXX;

# What tests share: a builder of GGUF files.
check_LTLIBRARIES += libsupport.la
libsupport_la_SOURCES = tests/support/dense_reference.c \
	tests/support/dense_reference.h \
	tests/support/dialects.h \
	tests/support/gguf_build.c \
	tests/support/gguf_build.h \
	tests/support/gguf_reference.c \
	tests/support/gguf_reference.h \
	tests/support/heap.h \
	tests/support/hf_folder.c \
	tests/support/hf_folder.h \
	tests/support/npz.c \
	tests/support/npz.h \
	tests/support/reencode.c \
	tests/support/reencode.h \
	tests/support/split_model.c \
	tests/support/hf_fuzz.h \
	tests/support/hf_plan.h \
	tests/support/kin.h \
	tests/support/kin_vocab.h \
	tests/support/slow_think.h \
	tests/support/tiny_adapter.c \
	tests/support/tiny_adapter.h \
	tests/support/tiny_arch.c \
	tests/support/tiny_model.c

unit_tests = tests/kernels/test_attention \
	tests/kernels/test_dispatch \
	tests/kernels/test_encode \
	tests/kernels/test_mathd \
	tests/kernels/test_mathf \
	tests/kernels/test_product \
	tests/kernels/test_pack \
	tests/kernels/test_product_blocks \
	tests/kernels/test_quantize \
	tests/kernels/test_rowops \
	tests/unit/base/test_alloc \
	tests/unit/base/test_arena \
	tests/unit/base/test_array \
	tests/unit/base/test_cancel \
	tests/unit/base/test_checked \
	tests/unit/base/test_cpu \
	tests/unit/base/test_crc32c \
	tests/unit/base/test_decimal \
	tests/unit/base/test_file \
	tests/unit/base/test_fpstate \
	tests/unit/base/test_json \
	tests/unit/base/test_log \
	tests/unit/base/test_pool \
	tests/unit/base/test_rng \
	tests/unit/base/test_status \
	tests/unit/base/test_str \
	tests/unit/base/test_utf8 \
	tests/unit/convert/test_chunks \
	tests/unit/convert/test_collect \
	tests/unit/convert/test_export \
	tests/unit/convert/test_imatrix \
	tests/unit/convert/test_importance \
	tests/unit/convert/test_likelihood \
	tests/unit/convert/test_merge \
	tests/unit/convert/test_perplexity \
	tests/unit/convert/test_quantize \
	tests/unit/convert/test_targets \
	tests/unit/decode/test_advice \
	tests/unit/decode/test_batch \
	tests/unit/decode/test_draft \
	tests/unit/decode/test_families \
	tests/unit/decode/test_generate \
	tests/unit/decode/test_generate_random \
	tests/unit/decode/test_guess \
	tests/unit/decode/test_inserts \
	tests/unit/decode/test_lookup \
	tests/unit/decode/test_output \
	tests/unit/decode/test_policies \
	tests/unit/decode/test_prefixes \
	tests/unit/decode/test_prompt \
	tests/unit/decode/test_rules \
	tests/unit/decode/test_sampler \
	tests/unit/decode/test_session \
	tests/unit/decode/test_state_file \
	tests/unit/decode/test_thinking \
	tests/unit/decode/test_thinking_all \
	tests/unit/format/test_gguf \
	tests/unit/format/test_gguf_get \
	tests/unit/format/test_gguf_malformed \
	tests/unit/format/test_gguf_split \
	tests/unit/format/test_gguf_tensors \
	tests/unit/format/test_gguf_write \
	tests/unit/format/test_safetensors \
	tests/unit/model/test_adapter \
	tests/unit/model/test_adapter_malformed \
	tests/unit/format/test_hf_hostile \
	tests/unit/format/test_hf_make \
	tests/unit/format/test_hf_texts \
	tests/unit/format/test_hf_tokenizer \
	tests/unit/format/test_hf_tokenizer_write \
	tests/unit/model/test_bitnet_v2 \
	tests/unit/model/test_derive \
	tests/unit/model/test_fingerprint \
	tests/unit/model/test_forward \
	tests/unit/model/test_golden \
	tests/unit/model/test_hf \
	tests/unit/model/test_hf_heads \
	tests/unit/model/test_hf_hostile \
	tests/unit/model/test_hf_text \
	tests/unit/model/test_head \
	tests/unit/model/test_hparams \
	tests/unit/model/test_i2_s \
	tests/unit/model/test_kvcache \
	tests/unit/model/test_model \
	tests/unit/model/test_peft \
	tests/unit/model/test_reencoded \
	tests/unit/model/test_refusals \
	tests/unit/model/test_rope_scaling \
	tests/unit/model/test_runs \
	tests/unit/model/test_tags \
	tests/unit/model/test_traffic \
	tests/unit/model/test_vocab_load \
	tests/unit/model/test_weights \
	tests/unit/quant/test_fit \
	tests/unit/quant/test_half \
	tests/unit/quant/test_iq4 \
	tests/unit/quant/test_kquants \
	tests/unit/quant/test_legacy \
	tests/unit/quant/test_plain \
	tests/unit/quant/test_q8_0 \
	tests/unit/quant/test_ternary \
	tests/unit/quant/test_types \
	tests/unit/reward/test_answer \
	tests/unit/reward/test_judge \
	tests/unit/reward/test_rank \
	tests/unit/reward/test_verdict \
	tests/unit/reward/test_guards \
	tests/unit/reward/test_hf_score \
	tests/unit/reward/test_score \
	tests/unit/reward/test_steps \
	tests/unit/search/test_beam \
	tests/unit/search/test_pass_at_k \
	tests/unit/search/test_search \
	tests/unit/search/test_tournament \
	tests/unit/text/test_bpe \
	tests/unit/text/test_charsmap \
	tests/unit/text/test_detokenize \
	tests/unit/text/test_nfc \
	tests/unit/text/test_piece \
	tests/unit/text/test_sentencepiece \
	tests/unit/text/test_special \
	tests/unit/text/test_spm \
	tests/unit/text/test_template \
	tests/unit/text/test_tokens \
	tests/unit/text/test_trie \
	tests/unit/text/test_unigram \
	tests/unit/text/test_vocab

api_tests = tests/api/test_alloc_fail \
	tests/api/test_batch \
	tests/api/test_cancel \
	tests/api/test_determinism \
	tests/api/test_evaluate \
	tests/api/test_floating \
	tests/api/test_fork \
	tests/api/test_generate \
	tests/api/test_guess \
	tests/api/test_large \
	tests/api/test_memory \
	tests/api/test_hostile \
	tests/api/test_model \
	tests/api/test_null \
	tests/api/test_options \
	tests/api/test_process \
	tests/api/test_session_file \
	tests/api/test_sessions \
	tests/api/test_quantize \
	tests/api/test_submit \
	tests/api/test_text \
	tests/api/test_threads

# Compared with the regular expressions that define them.
pcre2_tests = tests/unit/text/test_pretokenize tests/unit/text/test_unicode

# Of the tree: what pages say against what the code has.
tree_tests = tests/tree/test_limits

# What the library runs with PCRE2.
if LIB_PCRE2
unit_tests += tests/unit/text/test_pattern
endif

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests) $(api_tests) $(tree_tests)
TESTS += $(unit_tests) $(api_tests) $(tree_tests)
if HAVE_PCRE2
check_PROGRAMS += $(pcre2_tests)
TESTS += $(pcre2_tests)
endif
endif

tests_api_test_alloc_fail_SOURCES = tests/api/test_alloc_fail.c
tests_api_test_alloc_fail_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_batch_SOURCES = tests/api/test_batch.c
tests_api_test_batch_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_cancel_SOURCES = tests/api/test_cancel.c
tests_api_test_cancel_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_determinism_SOURCES = tests/api/test_determinism.c
tests_api_test_determinism_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_evaluate_SOURCES = tests/api/test_evaluate.c
tests_api_test_evaluate_LDADD = libreason.la $(CMOCKA_LIBS) $(LIBM)
tests_api_test_floating_SOURCES = tests/api/test_floating.c
tests_api_test_floating_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_fork_SOURCES = tests/api/test_fork.c
tests_api_test_fork_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_generate_SOURCES = tests/api/test_generate.c
tests_api_test_generate_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_guess_SOURCES = tests/api/test_guess.c
tests_api_test_guess_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_large_SOURCES = tests/api/test_large.c
tests_api_test_large_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_memory_SOURCES = tests/api/test_memory.c
tests_api_test_memory_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_hostile_SOURCES = tests/api/test_hostile.c
tests_api_test_hostile_LDADD = libreason.la libsupport.la libinternal.la $(CMOCKA_LIBS) $(LIBM)
tests_api_test_model_SOURCES = tests/api/test_model.c
tests_api_test_model_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_null_SOURCES = tests/api/test_null.c
tests_api_test_null_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_options_SOURCES = tests/api/test_options.c
tests_api_test_options_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_process_SOURCES = tests/api/test_process.c
tests_api_test_process_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_session_file_SOURCES = tests/api/test_session_file.c
tests_api_test_session_file_LDADD = libreason.la libsupport.la libinternal.la $(CMOCKA_LIBS) $(LIBM)
tests_api_test_sessions_SOURCES = tests/api/test_sessions.c
tests_api_test_sessions_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_quantize_SOURCES = tests/api/test_quantize.c
tests_api_test_quantize_LDADD = libreason.la $(CMOCKA_LIBS) $(LIBM)
tests_api_test_submit_SOURCES = tests/api/test_submit.c
tests_api_test_submit_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_text_SOURCES = tests/api/test_text.c
tests_api_test_text_LDADD = libreason.la $(CMOCKA_LIBS)
tests_api_test_threads_SOURCES = tests/api/test_threads.c
tests_api_test_threads_LDADD = libreason.la $(CMOCKA_LIBS)

# Drives the library for comparisons with other people's tokenizers.
check_PROGRAMS += tests/oracle/tokenize_folder
tests_oracle_tokenize_folder_SOURCES = tests/oracle/tokenize_folder.c
tests_oracle_tokenize_folder_LDADD = libinternal.la $(LIBM)

# Fuzz targets: with --enable-fuzzers libFuzzer drives them, otherwise they replay files.
fuzz_targets = tests/fuzz/fuzz_adapter \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_gguf \
	tests/fuzz/fuzz_safetensors \
	tests/fuzz/fuzz_sentencepiece \
	tests/fuzz/fuzz_state \
	tests/fuzz/fuzz_template \
	tests/fuzz/fuzz_thinking \
	tests/fuzz/fuzz_tokenize \
	tests/fuzz/fuzz_tokenizer_json \
	tests/fuzz/fuzz_vocab
check_PROGRAMS += $(fuzz_targets)
dist_check_SCRIPTS += tests/fuzz/replay.sh
TESTS += tests/fuzz/replay.sh
if LIBFUZZER
tests_fuzz_fuzz_adapter_SOURCES = tests/fuzz/fuzz_adapter.c
tests_fuzz_fuzz_adapter_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_gguf_SOURCES = tests/fuzz/fuzz_gguf.c tests/fuzz/mutate_gguf.c
tests_fuzz_fuzz_gguf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_safetensors_SOURCES = tests/fuzz/fuzz_safetensors.c
tests_fuzz_fuzz_safetensors_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sentencepiece_SOURCES = tests/fuzz/fuzz_sentencepiece.c
tests_fuzz_fuzz_sentencepiece_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c
tests_fuzz_fuzz_state_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c
tests_fuzz_fuzz_template_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_thinking_SOURCES = tests/fuzz/fuzz_thinking.c
tests_fuzz_fuzz_thinking_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tokenize_SOURCES = tests/fuzz/fuzz_tokenize.c
tests_fuzz_fuzz_tokenize_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tokenizer_json_SOURCES = tests/fuzz/fuzz_tokenizer_json.c
tests_fuzz_fuzz_tokenizer_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_vocab_SOURCES = tests/fuzz/fuzz_vocab.c
tests_fuzz_fuzz_vocab_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
else
tests_fuzz_fuzz_adapter_SOURCES = tests/fuzz/fuzz_adapter.c tests/fuzz/replay.c
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c
tests_fuzz_fuzz_gguf_SOURCES = tests/fuzz/fuzz_gguf.c tests/fuzz/replay.c
tests_fuzz_fuzz_safetensors_SOURCES = tests/fuzz/fuzz_safetensors.c tests/fuzz/replay.c
tests_fuzz_fuzz_sentencepiece_SOURCES = tests/fuzz/fuzz_sentencepiece.c tests/fuzz/replay.c
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c tests/fuzz/replay.c
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c tests/fuzz/replay.c
tests_fuzz_fuzz_thinking_SOURCES = tests/fuzz/fuzz_thinking.c tests/fuzz/replay.c
tests_fuzz_fuzz_tokenize_SOURCES = tests/fuzz/fuzz_tokenize.c tests/fuzz/replay.c
tests_fuzz_fuzz_tokenizer_json_SOURCES = tests/fuzz/fuzz_tokenizer_json.c tests/fuzz/replay.c
tests_fuzz_fuzz_vocab_SOURCES = tests/fuzz/fuzz_vocab.c tests/fuzz/replay.c
endif

if HAVE_JANSSON
TESTS += tests/cli/test_chat.sh tests/cli/test_cli.sh tests/cli/test_completion.sh \
	tests/cli/test_eval.sh tests/cli/test_judge.sh tests/cli/test_manuals.sh tests/cli/test_score.sh
endif
dist_check_SCRIPTS += tests/cli/test_chat.sh tests/cli/test_cli.sh tests/cli/test_completion.sh \
	tests/cli/test_eval.sh tests/cli/test_judge.sh tests/cli/test_manuals.sh tests/cli/test_score.sh
EXTRA_DIST += tests/cli/support.sh

# What holds the tree together.
dist_check_SCRIPTS += scripts/check-layers scripts/check-symbols scripts/check-headers \
	scripts/check-size
TESTS += tests/tree/layers.sh tests/tree/symbols.sh tests/tree/headers.sh tests/tree/size.sh
EXTRA_DIST += tests/tree/layers.sh tests/tree/symbols.sh tests/tree/headers.sh tests/tree/size.sh

# What Transformers says of small models: read by tests, made again by hand.
EXTRA_DIST += tests/data/hf \
	tests/oracle/README.md \
	tests/oracle/hf_adapters.py \
	tests/oracle/hf_bitnet.py \
	tests/oracle/hf_causal.py \
	tests/oracle/hf_heads.py \
	tests/oracle/hf_reference.py \
	tests/oracle/hf_second.py \
	tests/oracle/hf_texts.py \
	tests/oracle/hf_tokenizers.py \
	tests/oracle/make_hf_models.py

EXTRA_DIST += tests/api/hostile.h \
	tests/api/support.h \
	tests/api/threads.h \
	tests/data/make_adapter.py \
	tests/data/hf-tokenizers \
	tests/data/make_sentencepiece.py \
	tests/oracle/rankings.h \
	tests/oracle/rankings.py \
	tests/data/reason-tiny-greedy.jsonl \
	tests/data/reason-tiny-lora.gguf \
	tests/data/sentencepiece.txt \
	tests/data/tiny-gemma.logits \
	tests/data/tiny-gemma2.logits \
	tests/data/tiny-gemma3.logits \
	tests/data/tiny-glm4.logits \
	tests/data/tiny-granite.logits \
	tests/data/tiny-llama-yarn.logits \
	tests/data/tiny-olmo2.logits \
	tests/data/tiny-phi3.logits \
	tests/data/tiny-phi3-long.logits \
	tests/data/tiny-qwen3-yarn.logits \
	tests/data/tiny-seed_oss.logits \
	tests/data/tiny-smollm3.logits \
	tests/fuzz/corpus \
	tests/oracle/compare_tokenizers.py \
	tests/oracle/make_hf_tokenizers.py \
	tests/kernels/kernels_common.h \
	tests/kernels/product_operands.h \
	tests/unit/base/support.h \
	tests/unit/decode/ask.h \
	tests/unit/decode/scripted_model.h \
	tests/unit/reward/scripted_judge.h \
	tests/unit/decode/think_script.h \
	tests/unit/format/support.h \
	tests/unit/model/opening.h \
	tests/unit/model/published_models.h \
	tests/unit/model/support.h \
	tests/unit/quant/blocks.h \
	tests/unit/text/charsmap_fixture.h \
	tests/unit/text/template_cases.h \
	tests/unit/text/vocab_fixture.h
