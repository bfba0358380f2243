# Sources of the library, a variable per room; one convenience library per instruction set, so that
# its flags reach no other file.

base_sources = lib/base/alloc.c \
	lib/base/alloc.h \
	lib/base/arena.c \
	lib/base/arena.h \
	lib/base/array.c \
	lib/base/array.h \
	lib/base/cancel.h \
	lib/base/checked.h \
	lib/base/clock.h \
	lib/base/cpu.c \
	lib/base/cpu.h \
	lib/base/crc32c.c \
	lib/base/crc32c.h \
	lib/base/decimal.c \
	lib/base/decimal.h \
	lib/base/file.c \
	lib/base/file.h \
	lib/base/folder.c \
	lib/base/folder.h \
	lib/base/fpstate.c \
	lib/base/fpstate.h \
	lib/base/json.c \
	lib/base/json.h \
	lib/base/log.c \
	lib/base/log.h \
	lib/base/pool.c \
	lib/base/pool.h \
	lib/base/replace.c \
	lib/base/replace.h \
	lib/base/rng.c \
	lib/base/rng.h \
	lib/base/status.c \
	lib/base/status.h \
	lib/base/str.c \
	lib/base/str.h \
	lib/base/utf8.c \
	lib/base/utf8.h
quant_sources = lib/quant/block.h \
	lib/quant/codecs.h \
	lib/quant/encode.c \
	lib/quant/encode.h \
	lib/quant/encode_impl.h \
	lib/quant/fit.h \
	lib/quant/half.h \
	lib/quant/iq4.c \
	lib/quant/iq4_encode.h \
	lib/quant/kquants.c \
	lib/quant/kquants_encode.h \
	lib/quant/legacy.c \
	lib/quant/legacy_encode.h \
	lib/quant/plain.c \
	lib/quant/q8_0.c \
	lib/quant/q8_0_encode.h \
	lib/quant/ternary.c \
	lib/quant/ternary_encode.c \
	lib/quant/types.c \
	lib/quant/types.h
kernels_sources = lib/kernels/attention.c \
	lib/kernels/attention.h \
	lib/kernels/attention_generic.c \
	lib/kernels/attention_impl.h \
	lib/kernels/codes_256.h \
	lib/kernels/codes_32.h \
	lib/kernels/codes_ternary.h \
	lib/kernels/dispatch.c \
	lib/kernels/encode.h \
	lib/kernels/inline.h \
	lib/kernels/lanes_avx2.h \
	lib/kernels/lanes_avx512.h \
	lib/kernels/lanes_math.h \
	lib/kernels/lanes_neon.h \
	lib/kernels/mathd.c \
	lib/kernels/mathd.h \
	lib/kernels/mathf.h \
	lib/kernels/pack.c \
	lib/kernels/pack.h \
	lib/kernels/panel.h \
	lib/kernels/peak.c \
	lib/kernels/peak.h \
	lib/kernels/product.h \
	lib/kernels/product_blocks_generic.c \
	lib/kernels/product_blocks_impl.h \
	lib/kernels/product_float_generic.c \
	lib/kernels/product_float_impl.h \
	lib/kernels/q8.h \
	lib/kernels/quantize_generic.c \
	lib/kernels/quantize_impl.h \
	lib/kernels/rowops.h \
	lib/kernels/rowops_generic.c \
	lib/kernels/rowops_impl.h \
	lib/kernels/rows.h \
	lib/kernels/rows_avx2.h \
	lib/kernels/rows_avx512.h \
	lib/kernels/rows_neon.h \
	lib/kernels/runs_dots.h \
	lib/kernels/table.h
format_sources = lib/format/flat_json.c \
	lib/format/flat_json.h \
	lib/format/gguf.h \
	lib/format/gguf_get.c \
	lib/format/gguf_keys.h \
	lib/format/gguf_read.c \
	lib/format/gguf_split.c \
	lib/format/gguf_write.c \
	lib/format/gguf_write.h \
	lib/format/hf_config.c \
	lib/format/hf_config.h \
	lib/format/hf_draft.c \
	lib/format/hf_draft.h \
	lib/format/hf_family.c \
	lib/format/hf_family.h \
	lib/format/hf_folder.c \
	lib/format/hf_folder.h \
	lib/format/hf_json.c \
	lib/format/hf_json.h \
	lib/format/hf_make.c \
	lib/format/hf_make.h \
	lib/format/hf_names.c \
	lib/format/hf_names.h \
	lib/format/hf_patterns.c \
	lib/format/hf_place.c \
	lib/format/hf_place.h \
	lib/format/hf_protobuf.c \
	lib/format/hf_protobuf.h \
	lib/format/hf_rope.c \
	lib/format/hf_rope.h \
	lib/format/hf_rules.c \
	lib/format/hf_sentencepiece.c \
	lib/format/hf_settings.c \
	lib/format/hf_shards.c \
	lib/format/hf_shards.h \
	lib/format/hf_steps.c \
	lib/format/hf_steps.h \
	lib/format/hf_steps_read.c \
	lib/format/hf_tokenizer.c \
	lib/format/hf_tokenizer.h \
	lib/format/hf_tokenizer_json.c \
	lib/format/hf_tokenizer_write.c \
	lib/format/hf_tokenizer_write.h \
	lib/format/hf_vocabulary.c \
	lib/format/hf_write.h \
	lib/format/hf_write_model.c \
	lib/format/pairs.c \
	lib/format/pairs.h \
	lib/format/safetensors.c \
	lib/format/safetensors.h \
	lib/format/safetensors_write.c \
	lib/format/safetensors_write.h \
	lib/format/source.c \
	lib/format/source.h
text_sources = lib/text/bpe.c \
	lib/text/bpe.h \
	lib/text/byte_level.c \
	lib/text/byte_level.h \
	lib/text/charsmap.c \
	lib/text/charsmap.h \
	lib/text/detokenize.c \
	lib/text/detokenize.h \
	lib/text/fallback.c \
	lib/text/fallback.h \
	lib/text/key_map.c \
	lib/text/key_map.h \
	lib/text/merge.h \
	lib/text/nfc.c \
	lib/text/nfc.h \
	lib/text/pattern.h \
	lib/text/piece.c \
	lib/text/piece.h \
	lib/text/prepare.c \
	lib/text/prepare.h \
	lib/text/pretokenize.c \
	lib/text/pretokenize.h \
	lib/text/rolling_hash.h \
	lib/text/rules.c \
	lib/text/rules.h \
	lib/text/special.c \
	lib/text/special.h \
	lib/text/split.h \
	lib/text/split_runs.c \
	lib/text/split_words.c \
	lib/text/spm.c \
	lib/text/spm.h \
	lib/text/template.h \
	lib/text/template_access.c \
	lib/text/template_arith.c \
	lib/text/template_call.c \
	lib/text/template_code.h \
	lib/text/template_compile.h \
	lib/text/template_emit.c \
	lib/text/template_expr.c \
	lib/text/template_format.c \
	lib/text/template_iter.c \
	lib/text/template_json.c \
	lib/text/template_lex.c \
	lib/text/template_lex.h \
	lib/text/template_list_filters.c \
	lib/text/template_loop.c \
	lib/text/template_loop.h \
	lib/text/template_macro.c \
	lib/text/template_methods.c \
	lib/text/template_native.c \
	lib/text/template_native.h \
	lib/text/template_number_filters.c \
	lib/text/template_ops.c \
	lib/text/template_parse.c \
	lib/text/template_percent.c \
	lib/text/template_pick_filters.c \
	lib/text/template_postfix.c \
	lib/text/template_render.c \
	lib/text/template_repr.c \
	lib/text/template_run.c \
	lib/text/template_scope.c \
	lib/text/template_sort.c \
	lib/text/template_spec.c \
	lib/text/template_spec.h \
	lib/text/template_split_methods.c \
	lib/text/template_tests.c \
	lib/text/template_text_filters.c \
	lib/text/template_text_methods.c \
	lib/text/template_time.c \
	lib/text/template_unicode.c \
	lib/text/template_value.c \
	lib/text/template_value.h \
	lib/text/template_vm.h \
	lib/text/tokens.c \
	lib/text/tokens.h \
	lib/text/trie.c \
	lib/text/trie.h \
	lib/text/unicode.c \
	lib/text/unicode.h \
	lib/text/unigram.c \
	lib/text/unigram.h \
	lib/text/vocab.c \
	lib/text/vocab.h
if LIB_PCRE2
text_sources += lib/text/pattern.c
text_libs = $(PCRE2_LIBS)
else
text_sources += lib/text/pattern_none.c
text_libs =
endif
model_sources = lib/model/adapter.c \
	lib/model/adapter.h \
	lib/model/adapter_gguf.c \
	lib/model/adapter_peft.c \
	lib/model/arch.h \
	lib/model/arch_dense.c \
	lib/model/arch_table.c \
	lib/model/dense.h \
	lib/model/dense_attention.c \
	lib/model/dense_layout.c \
	lib/model/derive.c \
	lib/model/derive.h \
	lib/model/families.c \
	lib/model/families.h \
	lib/model/fingerprint.c \
	lib/model/fingerprint.h \
	lib/model/head.c \
	lib/model/head.h \
	lib/model/hparams.c \
	lib/model/hparams.h \
	lib/model/keys.h \
	lib/model/kvcache.c \
	lib/model/kvcache.h \
	lib/model/lowrank.c \
	lib/model/lowrank.h \
	lib/model/model.c \
	lib/model/model.h \
	lib/model/packing.c \
	lib/model/packing.h \
	lib/model/peft_config.c \
	lib/model/peft_config.h \
	lib/model/refusals.c \
	lib/model/refusals.h \
	lib/model/rope_scaling.c \
	lib/model/rope_scaling.h \
	lib/model/tags.c \
	lib/model/tags.h \
	lib/model/traits.h \
	lib/model/vocab_load.c \
	lib/model/weights.c \
	lib/model/weights.h
decode_sources = lib/decode/advice.c \
	lib/decode/advice.h \
	lib/decode/aside.c \
	lib/decode/aside.h \
	lib/decode/batch.c \
	lib/decode/batch.h \
	lib/decode/consult.c \
	lib/decode/consult.h \
	lib/decode/draft.c \
	lib/decode/draft.h \
	lib/decode/engine.c \
	lib/decode/engine.h \
	lib/decode/generate.c \
	lib/decode/generate.h \
	lib/decode/guess.c \
	lib/decode/guess.h \
	lib/decode/inserts.c \
	lib/decode/inserts.h \
	lib/decode/lookup.c \
	lib/decode/lookup.h \
	lib/decode/output.c \
	lib/decode/output.h \
	lib/decode/pass.c \
	lib/decode/pass.h \
	lib/decode/policies.c \
	lib/decode/policy.h \
	lib/decode/policy_agreement.c \
	lib/decode/policy_chunk.c \
	lib/decode/policy_close.c \
	lib/decode/policy_confidence.c \
	lib/decode/policy_entropy.c \
	lib/decode/policy_loop.c \
	lib/decode/policy_threshold.c \
	lib/decode/policy_variance.c \
	lib/decode/prefixes.c \
	lib/decode/prefixes.h \
	lib/decode/prompt.c \
	lib/decode/prompt.h \
	lib/decode/queue.c \
	lib/decode/queue.h \
	lib/decode/result.c \
	lib/decode/result.h \
	lib/decode/rules.c \
	lib/decode/rules.h \
	lib/decode/sampler.c \
	lib/decode/sampler.h \
	lib/decode/sequence.c \
	lib/decode/sequence.h \
	lib/decode/session.c \
	lib/decode/session.h \
	lib/decode/sessions.c \
	lib/decode/sessions.h \
	lib/decode/state_file.c \
	lib/decode/state_file.h \
	lib/decode/thinking.c \
	lib/decode/thinking.h \
	lib/decode/timeline.c \
	lib/decode/timeline.h
reward_sources = lib/reward/answer.c \
	lib/reward/answer.h \
	lib/reward/bradley_terry.c \
	lib/reward/calibrate.c \
	lib/reward/calibrate.h \
	lib/reward/elo.c \
	lib/reward/guards.c \
	lib/reward/guards.h \
	lib/reward/judge.c \
	lib/reward/judge.h \
	lib/reward/judge_pair.c \
	lib/reward/judge_prompt.c \
	lib/reward/judge_prompt.h \
	lib/reward/judgement.c \
	lib/reward/judgement.h \
	lib/reward/rank.h \
	lib/reward/score.c \
	lib/reward/score.h \
	lib/reward/score_heads.c \
	lib/reward/score_kinds.c \
	lib/reward/score_likelihood.c \
	lib/reward/score_run.c \
	lib/reward/score_text.c \
	lib/reward/score_yesno.c \
	lib/reward/statistics.c \
	lib/reward/statistics.h \
	lib/reward/steps.c \
	lib/reward/steps.h \
	lib/reward/verdict.c \
	lib/reward/verdict.h \
	lib/reward/win_rate.c

search_sources = lib/search/beam.c \
	lib/search/beam.h \
	lib/search/pass_at_k.c \
	lib/search/rewards.c \
	lib/search/rewards.h \
	lib/search/search.c \
	lib/search/search.h \
	lib/search/tournament.c \
	lib/search/tournament.h \
	lib/search/tournament_methods.c

convert_sources = lib/convert/chunks.c \
	lib/convert/chunks.h \
	lib/convert/collect.c \
	lib/convert/collect.h \
	lib/convert/evaluate.c \
	lib/convert/evaluate.h \
	lib/convert/evaluate_figures.c \
	lib/convert/export.c \
	lib/convert/export.h \
	lib/convert/export_config.c \
	lib/convert/export_tensors.c \
	lib/convert/importance.c \
	lib/convert/importance.h \
	lib/convert/likelihood.c \
	lib/convert/likelihood.h \
	lib/convert/perplexity.c \
	lib/convert/perplexity.h \
	lib/convert/quantize.c \
	lib/convert/quantize.h \
	lib/convert/quantize_tensor.c \
	lib/convert/targets.c \
	lib/convert/targets.h
api_sources = lib/api/api_derive.c \
	lib/api/api_evaluate.c \
	lib/api/api_export.c \
	lib/api/api_generate.c \
	lib/api/api_imatrix.c \
	lib/api/api_judge.c \
	lib/api/api_machine.c \
	lib/api/api_model.c \
	lib/api/api_perplexity.c \
	lib/api/api_process.c \
	lib/api/api_quantize.c \
	lib/api/api_queue.c \
	lib/api/api_rank.c \
	lib/api/api_result.c \
	lib/api/api_score.c \
	lib/api/api_search.c \
	lib/api/api_session.c \
	lib/api/api_text.c \
	lib/api/api_tournament.c \
	lib/api/judge_request.h \
	lib/api/options.c \
	lib/api/options.h \
	lib/api/request.h

kernels_avx2_sources = lib/kernels/attention_avx2.c \
	lib/kernels/encode_avx2.c \
	lib/kernels/peak_avx2.c \
	lib/kernels/product_blocks_avx2.c \
	lib/kernels/product_float_avx2.c \
	lib/kernels/quantize_avx2.c \
	lib/kernels/rowops_avx2.c
kernels_avxvnni_sources = lib/kernels/peak_avxvnni.c \
	lib/kernels/product_blocks_avxvnni.c
kernels_avx512_sources = lib/kernels/attention_avx512.c \
	lib/kernels/encode_avx512.c \
	lib/kernels/peak_avx512.c \
	lib/kernels/product_blocks_avx512.c \
	lib/kernels/product_float_avx512.c \
	lib/kernels/quantize_avx512.c \
	lib/kernels/rowops_avx512.c
kernels_neon_sources = lib/kernels/attention_neon.c \
	lib/kernels/encode_neon.c \
	lib/kernels/peak_neon.c \
	lib/kernels/product_blocks_neon.c \
	lib/kernels/product_float_neon.c \
	lib/kernels/quantize_neon.c \
	lib/kernels/rowops_neon.c

lib_cflags = $(AM_CFLAGS) $(VISIBILITY_CFLAGS)
# Loops become vector code; the kernels' own order of additions is kept.
kernel_cflags = $(lib_cflags) $(KERNEL_CFLAGS)

noinst_LTLIBRARIES += libkernels.la
libkernels_la_SOURCES = $(kernels_sources)
libkernels_la_CFLAGS = $(kernel_cflags)
libkernels_la_CPPFLAGS = $(AM_CPPFLAGS)
libkernels_la_LIBADD =

if HAVE_AVX2
noinst_LTLIBRARIES += libkernels_avx2.la
libkernels_avx2_la_SOURCES = $(kernels_avx2_sources)
libkernels_avx2_la_CFLAGS = $(kernel_cflags) $(AVX2_CFLAGS)
libkernels_la_CPPFLAGS += -DRSN_HAVE_AVX2
libkernels_la_LIBADD += libkernels_avx2.la
endif

if HAVE_AVXVNNI
noinst_LTLIBRARIES += libkernels_avxvnni.la
libkernels_avxvnni_la_SOURCES = $(kernels_avxvnni_sources)
libkernels_avxvnni_la_CFLAGS = $(kernel_cflags) $(AVXVNNI_CFLAGS)
libkernels_la_CPPFLAGS += -DRSN_HAVE_AVXVNNI
libkernels_la_LIBADD += libkernels_avxvnni.la
endif

if HAVE_AVX512
noinst_LTLIBRARIES += libkernels_avx512.la
libkernels_avx512_la_SOURCES = $(kernels_avx512_sources)
libkernels_avx512_la_CFLAGS = $(kernel_cflags) $(AVX512_CFLAGS)
libkernels_la_CPPFLAGS += -DRSN_HAVE_AVX512
libkernels_la_LIBADD += libkernels_avx512.la
endif

if HAVE_NEON
noinst_LTLIBRARIES += libkernels_neon.la
libkernels_neon_la_SOURCES = $(kernels_neon_sources)
libkernels_neon_la_CFLAGS = $(kernel_cflags) $(NEON_CFLAGS)
libkernels_la_CPPFLAGS += -DRSN_HAVE_NEON
libkernels_la_LIBADD += libkernels_neon.la
endif

# All objects: unit tests link this one, so they reach what the shared library hides.
noinst_LTLIBRARIES += libinternal.la
libinternal_la_SOURCES = $(base_sources) $(quant_sources) $(format_sources) $(text_sources) \
	$(model_sources) $(decode_sources) $(reward_sources) $(search_sources) \
	$(convert_sources) $(api_sources)
libinternal_la_CFLAGS = $(lib_cflags) $(UTF8PROC_CFLAGS) $(PCRE2_CFLAGS)
libinternal_la_CPPFLAGS = $(AM_CPPFLAGS) -DRSN_PKGDATADIR='"$(reasondatadir)"'
libinternal_la_LIBADD = libkernels.la $(UTF8PROC_LIBS) $(text_libs) $(LIBM)

lib_LTLIBRARIES += libreason.la
libreason_la_SOURCES =
libreason_la_LIBADD = libinternal.la
libreason_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info $(REASON_SOVERSION)
EXTRA_libreason_la_DEPENDENCIES =
EXTRA_DIST += lib/libreason.sym

if HAVE_VERSION_SCRIPT
libreason_la_LDFLAGS += -Wl,--version-script=libreason.map
EXTRA_libreason_la_DEPENDENCIES += libreason.map
libreason.map: $(srcdir)/lib/libreason.sym
	$(AM_V_GEN){ echo 'REASON_0 {'; echo 'global:'; sed 's/$$/;/' $(srcdir)/lib/libreason.sym; \
	  echo 'local: *;'; echo '};'; } > $@
CLEANFILES += libreason.map
else
libreason_la_LDFLAGS += -export-symbols $(srcdir)/lib/libreason.sym
EXTRA_libreason_la_DEPENDENCIES += $(srcdir)/lib/libreason.sym
endif
