# Benchmarks: `make bench` builds them; nothing runs them by itself.
EXTRA_PROGRAMS = bench/bench_attention bench/bench_cancel bench/bench_kernels \
	bench/bench_score
bench_bench_attention_SOURCES = bench/bench_attention.c
bench_bench_attention_LDADD = libinternal.la
bench_bench_cancel_SOURCES = bench/bench_cancel.c
bench_bench_cancel_LDADD = libreason.la
bench_bench_kernels_SOURCES = bench/bench_kernels.c
bench_bench_kernels_LDADD = libinternal.la
bench_bench_score_SOURCES = bench/bench_score.c
bench_bench_score_LDADD = libreason.la
bench: bench/bench_attention bench/bench_cancel bench/bench_kernels bench/bench_score
.PHONY: bench
EXTRA_DIST += bench/compare.py
