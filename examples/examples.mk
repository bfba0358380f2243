# Short programs, one per task. They are built against the library in the build tree here; tests
# build them again against an installed copy with nothing but pkg-config.
example_cppflags = -D_GNU_SOURCE -I$(srcdir)/include -Iinclude

noinst_PROGRAMS += examples/ask examples/batch examples/evaluate examples/rewards \
	examples/search examples/server examples/speculate examples/tournament
examples_ask_SOURCES = examples/ask.c
examples_ask_CPPFLAGS = $(example_cppflags)
examples_ask_LDADD = libreason.la
if HAVE_CXX
noinst_PROGRAMS += examples/ask_cpp
examples_ask_cpp_SOURCES = examples/ask.cpp
examples_ask_cpp_CPPFLAGS = $(example_cppflags)
examples_ask_cpp_LDADD = libreason.la
endif
examples_batch_SOURCES = examples/batch.c
examples_batch_CPPFLAGS = $(example_cppflags)
examples_batch_LDADD = libreason.la
examples_evaluate_SOURCES = examples/evaluate.c examples/questions.h
examples_evaluate_CPPFLAGS = $(example_cppflags)
examples_evaluate_LDADD = libreason.la $(LIBM)
examples_rewards_SOURCES = examples/rewards.c examples/questions.h examples/samples.h
examples_rewards_CPPFLAGS = $(example_cppflags)
examples_rewards_LDADD = libreason.la $(LIBM)
examples_search_SOURCES = examples/search.c examples/questions.h
examples_search_CPPFLAGS = $(example_cppflags)
examples_search_LDADD = libreason.la $(LIBM)
examples_server_SOURCES = examples/server.c
examples_server_CPPFLAGS = $(example_cppflags)
examples_server_LDADD = libreason.la
examples_speculate_SOURCES = examples/speculate.c
examples_speculate_CPPFLAGS = $(example_cppflags)
examples_speculate_LDADD = libreason.la
examples_tournament_SOURCES = examples/tournament.c examples/questions.h examples/samples.h
examples_tournament_CPPFLAGS = $(example_cppflags)
examples_tournament_LDADD = libreason.la $(LIBM)
EXTRA_DIST += examples/README.md examples/data/conversations.txt examples/data/questions.tsv \
	examples/data/tasks.jsonl examples/train_judge.py examples/train_reward.py
