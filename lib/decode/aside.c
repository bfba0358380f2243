/* Asides. Owns what is asked of the logits behind a text. Left to others: who runs the
 * network, and what an answer means (policies). Invariant: tokens behind the text are never
 * part of the output, and when an aside is over the timeline is as it was. */
#include "decode/aside.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/mathd.h"

static double logprob(const float *logits, int32_t id, rsn_sampler *tools) {
    double own = (double)logits[id], all = rsn_log_sum_exp(tools->kernels, logits,
                                                           tools->n_vocab, tools->shares);
    return own == all ? 0 : own - all;
}

static double entropy(const float *logits, rsn_sampler *tools) {
    double sum = 0, weighted = 0, max = (double)tools->kernels->max(logits, tools->n_vocab);
    if (isinf(max)) /* all of the mass is in one place, or nothing is known */
        return max > 0 ? 0 : (double)INFINITY;
    rsn_log_sum_exp(tools->kernels, logits, tools->n_vocab, tools->shares);
    for (size_t i = 0; i < tools->n_vocab; i++) {
        double share = (double)tools->shares[i];
        sum += share;
        weighted += share > 0 ? share * ((double)logits[i] - max) : 0;
    }
    return rsn_logd(sum) - weighted / sum;
}

static reason_status allocate(rsn_aside *a, size_t n_vocab) {
    const rsn_question *q = &a->question;
    a->logits = rsn_alloc2(n_vocab, sizeof *a->logits);
    a->shares = rsn_alloc2(q->n_given, sizeof *a->shares);
    a->answer = rsn_alloc2(q->most + 1, sizeof *a->answer);
    return a->logits && a->shares && a->answer ? REASON_OK : REASON_ERR_NO_MEMORY;
}

/* How likely the last of the given tokens is stands in the logits before it. */
reason_status rsn_aside_begin(rsn_aside *a, const rsn_question *question,
                              const float *logits, rsn_sampler *tools,
                              rsn_timeline *line) {
    *a = (rsn_aside){.question = *question, .from = line->n};
    size_t n = question->n_given - (question->shares ? 1 : 0);
    reason_status status = allocate(a, tools->n_vocab);
    if (status == REASON_OK)
        status = rsn_timeline_add(line, question->given, n);
    if (status != REASON_OK) {
        rsn_aside_end(a, line);
        return status;
    }
    memcpy(a->logits, logits, tools->n_vocab * sizeof *logits);
    if (question->shares)
        a->shares[0] = logprob(logits, question->given[0], tools);
    return REASON_OK;
}

/* Row i of a run comes after token i of it. */
static bool take_shares(rsn_aside *a, const float *rows, rsn_sampler *tools,
                        const rsn_timeline *line) {
    size_t n_run = line->kv.n - a->from;
    for (; a->n_seen < n_run; a->n_seen++, rows += tools->n_vocab)
        a->shares[a->n_seen + 1] =
            logprob(rows, a->question.given[a->n_seen + 1], tools);
    return a->n_seen + 1 == a->question.n_given;
}

static bool take_answer(rsn_aside *a, const float *row, const rsn_vocab *vocab,
                        rsn_sampler *tools) {
    if (a->n_seen == 0)
        a->entropy = entropy(row, tools);
    a->n_seen++;
    if (a->n_answer == a->question.most)
        return true;
    int32_t id = rsn_best_token(tools->kernels, row, tools->n_vocab);
    if (id < 0 || rsn_vocab_is_end(vocab, id))
        return true;
    a->answer[a->n_answer++] = id;
    a->answer_logprob += logprob(row, id, tools);
    return a->n_answer == a->question.most;
}

reason_status rsn_aside_take(rsn_aside *a, const float *rows, const rsn_vocab *vocab,
                             rsn_sampler *tools, rsn_timeline *line, bool *done) {
    *done = a->question.shares ? take_shares(a, rows, tools, line)
                               : take_answer(a, rows, vocab, tools);
    if (!*done && !a->question.shares)
        return rsn_timeline_add(line, &a->answer[a->n_answer - 1], 1);
    if (*done) {
        a->n_tokens = line->kv.n - a->from;
        rsn_timeline_truncate(line, a->from);
    }
    return REASON_OK;
}

void rsn_aside_end(rsn_aside *a, rsn_timeline *line) {
    if (a->logits)
        rsn_timeline_truncate(line, a->from);
    rsn_free(a->logits);
    rsn_free(a->shares);
    rsn_free(a->answer);
    memset(a, 0, sizeof *a);
}
