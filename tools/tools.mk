# The command `reason`: sees only the public header.
reason_sources = tools/reason/adapters.c \
	tools/reason/adapters.h \
	tools/reason/chat.h \
	tools/reason/chat_commands.c \
	tools/reason/chat_messages.c \
	tools/reason/chat_turn.c \
	tools/reason/cli.h \
	tools/reason/cmd_ask.c \
	tools/reason/cmd_bench.c \
	tools/reason/cmd_chat.c \
	tools/reason/cmd_convert.c \
	tools/reason/cmd_eval.c \
	tools/reason/cmd_imatrix.c \
	tools/reason/cmd_info.c \
	tools/reason/cmd_judge.c \
	tools/reason/cmd_logits.c \
	tools/reason/cmd_perplexity.c \
	tools/reason/cmd_quantize.c \
	tools/reason/cmd_score.c \
	tools/reason/cmd_search.c \
	tools/reason/cmd_template.c \
	tools/reason/cmd_tokenize.c \
	tools/reason/compare.c \
	tools/reason/compare.h \
	tools/reason/display.c \
	tools/reason/display.h \
	tools/reason/editor.h \
	tools/reason/eval.h \
	tools/reason/eval_record.c \
	tools/reason/eval_report.c \
	tools/reason/generation.c \
	tools/reason/generation.h \
	tools/reason/input.c \
	tools/reason/input.h \
	tools/reason/interrupt.c \
	tools/reason/interrupt.h \
	tools/reason/json_lines.c \
	tools/reason/json_lines.h \
	tools/reason/json_out.c \
	tools/reason/json_out.h \
	tools/reason/judge.h \
	tools/reason/judge_lines.c \
	tools/reason/main.c \
	tools/reason/model.c \
	tools/reason/model.h \
	tools/reason/options.c \
	tools/reason/options.h \
	tools/reason/output.c \
	tools/reason/output.h \
	tools/reason/pairs.c \
	tools/reason/pairs.h \
	tools/reason/progress.c \
	tools/reason/progress.h \
	tools/reason/record.c \
	tools/reason/record.h \
	tools/reason/report.c \
	tools/reason/score.h \
	tools/reason/score_lines.c \
	tools/reason/scoring.c \
	tools/reason/scoring.h \
	tools/reason/speed.c \
	tools/reason/speed.h \
	tools/reason/tasks.c \
	tools/reason/tasks.h \
	tools/reason/typing.c \
	tools/reason/typing.h

if HAVE_JANSSON
bin_PROGRAMS += reason
reason_SOURCES = $(reason_sources)
if HAVE_LIBEDIT
reason_SOURCES += tools/reason/editor.c
else
reason_SOURCES += tools/reason/editor_none.c
endif
reason_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(LIBEDIT_CFLAGS)
reason_CPPFLAGS = -D_GNU_SOURCE -I$(srcdir)/include -Iinclude
dist_man_MANS = man/reason-ask.1 \
	man/reason-bench.1 \
	man/reason-chat.1 \
	man/reason-convert.1 \
	man/reason-detokenize.1 \
	man/reason-eval.1 \
	man/reason-imatrix.1 \
	man/reason-info.1 \
	man/reason-judge.1 \
	man/reason-logits.1 \
	man/reason-perplexity.1 \
	man/reason-quantize.1 \
	man/reason-score.1 \
	man/reason-search.1 \
	man/reason-template.1 \
	man/reason-tokenize.1 \
	man/reason.1
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = completions/bash/reason
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completions/zsh/_reason
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completions/fish/reason.fish
reason_LDADD = libreason.la $(JANSSON_LIBS) $(LIBEDIT_LIBS)
endif
