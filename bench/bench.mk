# Benchmarks: `make bench` builds them; nothing runs them by itself.
EXTRA_PROGRAMS = bench/bench_kernels
bench_bench_kernels_SOURCES = bench/bench_kernels.c
bench_bench_kernels_LDADD = libinternal.la
bench: bench/bench_kernels
.PHONY: bench
