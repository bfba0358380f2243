/* Scores of every kind against the slow forward pass in float64, and against themselves one
 * by one, in other chunks, with other threads and less memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason.h"
#include "support/dense_reference.h"
#include "support/heap.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MAX_TOKENS = 1200, MAX_OUT = 3 };

static void check_ok(reason_status status) {
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
}

static void expect_said(reason_status status, reason_status wanted, const char *word) {
    if (status != wanted || !strstr(reason_last_error(), word))
        fail_msg("%s instead of %s with \"%s\": %s", reason_status_name(status),
                 reason_status_name(wanted), word, reason_last_error());
}

/* --- a model with its weights, a session, a request ------------------------------------ */

typedef struct fixture {
    tiny_model m;
    char *path;
    reason_model *model;
    reason_session *session;
    reason_request prompt;
    reason_score_request r;
    reason_scores *scores;
} fixture;

/* A conversation in the style of chat models. */
static const char chat[] =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

static reason_session_options usual(void) {
    reason_session_options o;
    check_ok(reason_session_options_init(&o, sizeof o));
    o.kv_type = REASON_KV_F32;
    o.n_threads = 2;
    return o;
}

static void begin(fixture *f, const char *arch, tiny_options o, const char *kind,
                  const char *activation, int step_token) {
    gguf_bytes pairs = {0};
    if (kind) {
        gguf_put_string(&pairs, "reason.head.kind", kind);
        o.n_pairs++;
    }
    if (activation) {
        gguf_put_string(&pairs, "reason.head.activation", activation);
        o.n_pairs++;
    }
    if (step_token >= 0) {
        gguf_put_u32(&pairs, "reason.head.step_token", (uint32_t)step_token);
        o.n_pairs++;
    }
    o.pairs = &pairs;
    o.chat_template = chat;
    if (o.n_ctx == 0)
        o.n_ctx = 512;
    memset(f, 0, sizeof *f);
    tiny_model_make(arch, &o, &f->m);
    gguf_free(&pairs);
    f->path = gguf_save(&f->m.file);
    check_ok(reason_model_open(f->path, NULL, &f->model));
    const reason_session_options so = usual();
    check_ok(reason_session_new(f->model, &so, &f->session));
    check_ok(reason_request_init(&f->prompt, sizeof f->prompt));
    check_ok(reason_score_request_init(&f->r, sizeof f->r));
    f->prompt.text = "What is the sum of the two and the other?";
    f->r.prompt = &f->prompt;
}

static void end(fixture *f) {
    reason_scores_free(f->scores);
    reason_session_free(f->session);
    reason_model_free(f->model);
    gguf_remove(f->path);
    tiny_model_free(&f->m);
}

static void score(fixture *f) {
    reason_scores_free(f->scores);
    check_ok(reason_score(f->session, &f->r, &f->scores));
}

static reason_scored scored(const fixture *f, size_t i) {
    reason_scored s = {.size = sizeof s};
    check_ok(reason_scores_at(f->scores, i, &s));
    return s;
}

static reason_scored_step step_of(const fixture *f, size_t i, size_t k) {
    reason_scored_step s = {.size = sizeof s};
    check_ok(reason_scores_step(f->scores, i, k, &s));
    return s;
}

static reason_score_usage usage_of(const fixture *f) {
    reason_score_usage u = {.size = sizeof u};
    check_ok(reason_scores_usage(f->scores, &u));
    return u;
}

static void expect_near(double found, double wanted) {
    if (!(fabs(found - wanted) <= 2e-4 * fmax(1, fabs(wanted))))
        fail_msg("%.9g instead of %.9g", found, wanted);
}

/* --- the slow way ---------------------------------------------------------------------- */

/* Tokens of a text; with a byte-level vocabulary texts can be put together as tokens. */
static size_t append_ids(const fixture *f, const char *text, int32_t *ids, size_t n) {
    int32_t *part;
    size_t n_part;
    check_ok(reason_tokenize(f->model, text, -1, REASON_TOKENS_SPECIAL, &part, &n_part));
    assert_true(n + n_part <= MAX_TOKENS);
    memcpy(ids + n, part, n_part * sizeof *ids);
    reason_free(part);
    return n + n_part;
}

static const dense_reference_options plain = {0};

/* The head's outputs of one row of the stream. */
static void head_reference(const tiny_model *m, const char *activation, const double *x,
                           double *out) {
    const tiny_tensor *dense = tiny_model_find(m, "cls.weight");
    const tiny_tensor *output = tiny_model_find(m, "cls.output.weight");
    size_t width = (size_t)output->ne[0];
    double *w = tiny_model_weights(m, "cls.weight"), *v = tiny_model_weights(m, "cls.bias");
    double *norm = tiny_model_weights(m, "cls.norm.weight");
    double *o = tiny_model_weights(m, "cls.output.weight");
    double *b = tiny_model_weights(m, "cls.output.bias");
    double mid[256] = {0}, mean = 0, spread = 0;
    for (size_t r = 0; r < width; r++) {
        for (size_t c = 0; dense && c < (size_t)dense->ne[0]; c++)
            mid[r] += w[r * (size_t)dense->ne[0] + c] * x[c];
        mid[r] = dense ? mid[r] + (v ? v[r] : 0) : x[r];
        if (strcmp(activation, "tanh") == 0)
            mid[r] = tanh(mid[r]);
        if (strcmp(activation, "relu") == 0)
            mid[r] = fmax(mid[r], 0);
        if (strcmp(activation, "gelu") == 0)
            mid[r] *= 0.5 * (1 + tanh(sqrt(2 / acos(-1)) *
                                      (mid[r] + 0.044715 * pow(mid[r], 3))));
        mean += mid[r] / (double)width;
    }
    for (size_t r = 0; r < width; r++)
        spread += pow(mid[r] - mean, 2) / (double)width;
    for (size_t r = 0; norm && r < width; r++)
        mid[r] = (mid[r] - mean) / sqrt(spread + (double)1e-5f) * norm[r];
    for (size_t k = 0; k < (size_t)output->ne[1]; k++) {
        out[k] = b ? b[k] : 0;
        for (size_t r = 0; r < width; r++)
            out[k] += o[k * width + r] * mid[r];
    }
    free(w);
    free(v);
    free(norm);
    free(o);
    free(b);
}

static double *log_softmax(const tiny_model *m, const int32_t *ids, size_t n) {
    double *logits = dense_reference_logits(m, ids, n, plain);
    size_t n_vocab = m->o.n_vocab;
    for (size_t t = 0; t < n; t++) {
        double sum = 0;
        for (size_t i = 0; i < n_vocab; i++)
            sum += exp(logits[t * n_vocab + i]);
        for (size_t i = 0; i < n_vocab; i++)
            logits[t * n_vocab + i] -= log(sum);
    }
    return logits;
}

/* --- heads ----------------------------------------------------------------------------- */

static const char *const RESPONSES[] = {
    "It is the one.", "<think>\nThe sum and the other.\n\nSo it is 7.\n</think>\n\n7",
    "", "the and the and the and the and the and the", "It is the other."};

static void test_score__last_token(void **state) {
    (void)state;
    static const struct {
        const char *arch;
        tiny_options o;
        const char *activation;
    } rows[] = {
        {"llama", {.head_out = 1, .seed = 1}, "none"},
        {"qwen3", {.head_out = 1, .head_bias = true, .no_output = true, .seed = 2}, "none"},
        {"qwen2", {.head_out = 3, .head_hidden = 48, .head_bias = true, .seed = 3}, "tanh"},
        {"llama", {.head_out = 1, .head_hidden = 96, .head_bias = true, .seed = 4}, "relu"},
        {"gemma2", {.head_out = 2, .head_hidden = 64, .head_norm = true, .seed = 5},
         "gelu"},
        {"llama", {.head_out = 2, .head_norm = true, .seed = 6}, "none"},
        {"llama", {.head_out = 2, .seed = 7}, "relu"},
        {"bitnet", {.head_out = 1, .type = GGML_F16, .seed = 8}, "none"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture f;
        begin(&f, rows[i].arch, rows[i].o, NULL, rows[i].activation, -1);
        bool rounds = strcmp(rows[i].arch, "bitnet") == 0;
        f.r.responses = RESPONSES;
        f.r.n_responses = COUNT(RESPONSES);
        score(&f);
        assert_int_equal(reason_scores_kind(f.scores), rows[i].o.head_out == 1
                                                           ? REASON_SCORE_REWARD
                                                           : REASON_SCORE_LABELS);
        for (size_t k = 0; k < COUNT(RESPONSES); k++) {
            int32_t ids[MAX_TOKENS];
            double out[MAX_OUT];
            size_t n = append_ids(&f, RESPONSES[k], ids, append_ids(&f, f.prompt.text, ids, 0));
            const dense_reference_options how = {.q8 = rounds};
            double *hidden = dense_reference_hidden(&f.m, ids, n, how);
            reason_scored s = scored(&f, k);
            head_reference(&f.m, rows[i].activation, hidden + (n - 1) * 64, out);
            assert_int_equal(s.n_raw, rows[i].o.head_out);
            for (size_t j = 0; j < s.n_raw && !rounds; j++)
                expect_near(s.raw[j], out[j]);
            for (size_t j = 0; j < s.n_raw && rounds; j++) /* roundings may tip over */
                assert_true(fabs(s.raw[j] - out[j]) < 0.05);
            assert_true(s.score == s.raw[0]);
            assert_int_equal(s.n_tokens, n);
            assert_int_equal(s.n_steps, 0);
            free(hidden);
        }
        end(&f);
    }
}

/* The padding token at the end, here the end of text of plain documents, is not read. */
static void test_score__padding_is_not_read(void **state) {
    (void)state;
    fixture f;
    static const char *const responses[] = {"one<|endoftext|>", "one",
                                            "one<|endoftext|><|endoftext|>", "one<|im_end|>"};
    begin(&f, "llama", (tiny_options){.head_out = 1}, NULL, NULL, -1);
    f.r.responses = responses;
    f.r.n_responses = 4;
    score(&f);
    assert_true(scored(&f, 0).score == scored(&f, 1).score);
    assert_true(scored(&f, 2).score == scored(&f, 1).score);
    assert_true(scored(&f, 3).score != scored(&f, 1).score);
    f.r.responses = responses + 1;
    f.r.suffix = "<|endoftext|>";
    f.r.n_responses = 1;
    double wanted = scored(&f, 1).score;
    score(&f);
    assert_true(scored(&f, 0).score == wanted);
    end(&f);
}

/* Heads in blocks are decoded; the softmax and the sigmoid are what they are. */
static void test_score__transforms(void **state) {
    (void)state;
    fixture f;
    const char *const one[] = {RESPONSES[0]};
    begin(&f, "llama", (tiny_options){.head_out = 3, .type = GGML_Q8_0}, NULL, NULL, -1);
    f.r.responses = one;
    f.r.n_responses = 1;
    double sum = 0;
    for (int32_t label = 0; label < 3; label++) {
        f.r.transform = REASON_TRANSFORM_SOFTMAX;
        f.r.label = label;
        score(&f);
        reason_scored s = scored(&f, 0);
        double all = exp(s.raw[0]) + exp(s.raw[1]) + exp(s.raw[2]);
        assert_true(fabs(s.score - exp(s.raw[label]) / all) < 1e-12);
        assert_string_equal(reason_scores_transform(f.scores), "softmax");
        sum += s.score;
        f.r.transform = REASON_TRANSFORM_SIGMOID;
        score(&f);
        s = scored(&f, 0);
        assert_true(fabs(s.score - 1 / (1 + exp(-s.raw[label]))) < 1e-12);
    }
    assert_true(fabs(sum - 1) < 1e-12);
    f.r.label = 3;
    reason_scores *none;
    expect_said(reason_score(f.session, &f.r, &none), REASON_ERR_INVALID_ARG, "label 3");
    end(&f);
}

static double aggregate(reason_aggregate how, const double *x, size_t n) {
    double sum = 0, product = 1, min = INFINITY;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        product *= x[i];
        min = fmin(min, x[i]);
    }
    return how == REASON_AGGREGATE_LAST      ? x[n - 1]
           : how == REASON_AGGREGATE_MIN     ? min
           : how == REASON_AGGREGATE_PRODUCT ? product
                                             : sum / (double)n;
}

/* The outputs at these tokens of a sequence, class 1 of a softmax over two. */
static void expect_steps(fixture *f, size_t i, const int32_t *ids, size_t n,
                         const size_t *places, size_t n_places) {
    double *hidden = dense_reference_hidden(&f->m, ids, n, plain), shares[16];
    reason_scored s = scored(f, i);
    assert_int_equal(s.n_tokens, n);
    assert_int_equal(s.n_steps, n_places);
    for (size_t k = 0; k < n_places; k++) {
        double out[MAX_OUT];
        head_reference(&f->m, "none", hidden + places[k] * 64, out);
        reason_scored_step step = step_of(f, i, k);
        shares[k] = 1 / (1 + exp(out[0] - out[1]));
        assert_int_equal(step.position, places[k]);
        assert_int_equal(step.token, ids[places[k]]);
        assert_int_equal(step.n_raw, 2);
        expect_near(step.raw[0], out[0]);
        expect_near(step.raw[1], out[1]);
        expect_near(step.score, shares[k]);
    }
    expect_near(s.score, aggregate(f->r.aggregate, shares, n_places));
    free(hidden);
}

static void test_score__step_token(void **state) {
    (void)state;
    fixture f;
    /* the last two are the same in three spellings */
    const char *const responses[] = {"First the one.\n\nThen\nthe other.\n\n\nSo 7.",
                                     "a<|endoftext|>b<|endoftext|>", "a\n\nb", "a\n\n\nb\n"};
    const char *const body[] = {"First the one.", "<|endoftext|>", "Then\nthe other.",
                                "<|endoftext|>", "So 7.", "<|endoftext|>"};
    begin(&f, "qwen2", (tiny_options){.head_out = 2, .no_output = true}, "steps", NULL,
          TINY_ENDOFTEXT);
    f.r.responses = responses;
    f.r.n_responses = COUNT(responses);
    for (int how = REASON_AGGREGATE_LAST; how <= REASON_AGGREGATE_MEAN; how++) {
        int32_t ids[MAX_TOKENS];
        size_t places[8], n_places = 0, n = append_ids(&f, f.prompt.text, ids, 0);
        f.r.aggregate = (reason_aggregate)how;
        score(&f);
        for (size_t i = 0; i < COUNT(body); i++) {
            n = append_ids(&f, body[i], ids, n);
            if (i % 2 == 1)
                places[n_places++] = n - 1;
        }
        expect_steps(&f, 0, ids, n, places, n_places);
        n = append_ids(&f, f.prompt.text, ids, 0);
        places[0] = n + 1;
        places[1] = n + 3;
        n = append_ids(&f, responses[1], ids, n);
        expect_steps(&f, 1, ids, n, places, 2);
        expect_steps(&f, 2, ids, n, places, 2);
        assert_int_equal(scored(&f, 3).n_steps, 2);
    }
    end(&f);
}

static void test_score__steps_by_blank_lines(void **state) {
    (void)state;
    fixture f;
    static const char *const parts[] = {"<think>\nOne and\none.\n\n", "Two.\n\n\n", "\tSo.\n",
                                        "</think>\n\nIt is\n\n2"};
    char whole[256] = "";
    const char *const responses[] = {whole, "a;b;;c"};
    begin(&f, "llama", (tiny_options){.head_out = 2}, "steps", NULL, -1);
    int32_t ids[MAX_TOKENS];
    size_t places[8], n = append_ids(&f, f.prompt.text, ids, 0), prompt = n;
    for (size_t i = 0; i < COUNT(parts); i++) {
        (void)strcat(whole, parts[i]);
        n = append_ids(&f, parts[i], ids, n);
        places[i] = n - 1;
    }
    f.r.responses = responses;
    f.r.n_responses = 1;
    score(&f);
    expect_steps(&f, 0, ids, n, places, COUNT(parts));
    f.r.responses = responses + 1;
    f.r.step_separator = ";";
    score(&f);
    n = append_ids(&f, responses[1], ids, prompt);
    places[0] = prompt + 1;
    places[1] = prompt + 3;
    places[2] = prompt + 5;
    expect_steps(&f, 0, ids, n, places, 3);
    f.prompt.text = NULL; /* the same places in a conversation */
    f.prompt.prompt = "and?";
    f.r.responses = responses;
    f.r.step_separator = NULL;
    score(&f);
    n = prompt = append_ids(&f, "<|im_start|>user\nand?<|im_end|>\n<|im_start|>assistant\n",
                            ids, 0);
    for (size_t i = 0; i < COUNT(parts); i++) {
        n = append_ids(&f, parts[i], ids, n);
        places[i] = n - 1;
    }
    n = append_ids(&f, "<|im_end|>\n", ids, n);
    expect_steps(&f, 0, ids, n, places, COUNT(parts));
    end(&f);
}

static void test_score__values(void **state) {
    (void)state;
    fixture f;
    const char *const responses[] = {"the one and", "and"};
    begin(&f, "qwen3", (tiny_options){.head_out = 1, .head_bias = true}, "tokens", NULL, -1);
    f.r.responses = responses;
    f.r.n_responses = 2;
    f.r.aggregate = REASON_AGGREGATE_MEAN;
    score(&f);
    for (size_t i = 0; i < 2; i++) {
        int32_t ids[MAX_TOKENS];
        double mean = 0, out[MAX_OUT];
        size_t first = append_ids(&f, f.prompt.text, ids, 0);
        size_t n = append_ids(&f, responses[i], ids, first);
        double *hidden = dense_reference_hidden(&f.m, ids, n, plain);
        assert_int_equal(scored(&f, i).n_steps, n - first);
        for (size_t t = first; t < n; t++) {
            head_reference(&f.m, "none", hidden + t * 64, out);
            expect_near(step_of(&f, i, t - first).score, out[0]);
            mean += out[0] / (double)(n - first);
        }
        expect_near(scored(&f, i).score, mean);
        free(hidden);
    }
    end(&f);
}

/* --- logits ---------------------------------------------------------------------------- */

static void test_score__yesno(void **state) {
    (void)state;
    fixture f;
    begin(&f, "qwen3", (tiny_options){.seed = 9}, NULL, NULL, -1);
    f.r.kind = REASON_SCORE_YESNO;
    f.r.responses = RESPONSES;
    f.r.n_responses = COUNT(RESPONSES);
    f.r.suffix = "<|im_end|>\nRight?";
    reason_scores *none;
    expect_said(reason_score(f.session, &f.r, &none), REASON_ERR_INVALID_ARG, "yes");
    f.r.yes = "the";
    f.r.no = "n";
    score(&f);
    for (size_t k = 0; k < COUNT(RESPONSES); k++) {
        int32_t ids[MAX_TOKENS];
        size_t n = append_ids(&f, f.prompt.text, ids, 0);
        n = append_ids(&f, f.r.suffix, ids, append_ids(&f, RESPONSES[k], ids, n));
        double *logits = dense_reference_logits(&f.m, ids, n, plain);
        const double *last = logits + (n - 1) * f.m.o.n_vocab;
        reason_scored s = scored(&f, k);
        expect_near(s.raw[0], last[TINY_MERGED + 2]);
        expect_near(s.raw[1], last['n']);
        expect_near(s.score, 1 / (1 + exp(last['n'] - last[TINY_MERGED + 2])));
        free(logits);
    }
    end(&f);
}

static double *sums_of(const fixture *f, const char *const *responses, size_t n) {
    double *sums = calloc(2 * n, sizeof *sums);
    assert_non_null(sums);
    for (size_t k = 0; k < n; k++) {
        int32_t ids[MAX_TOKENS];
        size_t first = append_ids(f, f->prompt.text, ids, 0);
        size_t end_at = append_ids(f, responses[k], ids, first);
        double *p = log_softmax(&f->m, ids, end_at);
        for (size_t t = first; t < end_at; t++)
            sums[2 * k] += p[(t - 1) * f->m.o.n_vocab + (size_t)ids[t]];
        sums[2 * k + 1] = sums[2 * k] / (double)(end_at - first);
        free(p);
    }
    return sums;
}

static void test_score__likelihood(void **state) {
    (void)state;
    fixture f, g;
    const char *const responses[] = {"It is the one.", "It is the other one.", "7",
                                     "It is the one."};
    const size_t n = COUNT(responses);
    begin(&f, "qwen2", (tiny_options){.seed = 10}, NULL, NULL, -1);
    begin(&g, "llama", (tiny_options){.seed = 11}, NULL, NULL, -1);
    double *sums = sums_of(&f, responses, n), *others = sums_of(&g, responses, n);
    f.r.responses = responses;
    f.r.n_responses = n;
    static const reason_score_kind kinds[] = {REASON_SCORE_LOGPROB,
                                              REASON_SCORE_MEAN_LOGPROB,
                                              REASON_SCORE_SIMPO, REASON_SCORE_DPO};
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (float beta = 0; beta < 1; beta += 0.75f) {
            f.r.kind = kinds[i];
            f.r.beta = beta;
            f.r.reference = kinds[i] == REASON_SCORE_DPO ? g.session : NULL;
            score(&f);
            for (size_t k = 0; k < n; k++) {
                double b = beta > 0 ? (double)beta : i == 2 ? 2 : 0.1;
                const double wanted[] = {sums[2 * k], sums[2 * k + 1], b * sums[2 * k + 1],
                                         b * (sums[2 * k] - others[2 * k])};
                reason_scored s = scored(&f, k);
                expect_near(s.score, wanted[i]);
                expect_near(s.raw[0], sums[2 * k]);
                expect_near(s.raw[1], i == 3 ? others[2 * k] : sums[2 * k + 1]);
                assert_int_equal(s.n_steps, s.response_tokens);
            }
            assert_true(scored(&f, 0).score == scored(&f, 3).score);
        }
    free(sums);
    free(others);
    end(&f);
    end(&g);
}

/* Of a conversation the end of the turn counts, and not what the template puts behind it. */
static void test_score__likelihood_of_a_turn(void **state) {
    (void)state;
    fixture f;
    const char *const responses[] = {"one", "two and"};
    begin(&f, "qwen2", (tiny_options){.seed = 12}, NULL, NULL, -1);
    f.prompt.text = NULL;
    f.prompt.prompt = "How many?";
    f.prompt.system = "Be short.";
    f.r.kind = REASON_SCORE_LOGPROB;
    f.r.responses = responses;
    f.r.n_responses = 2;
    score(&f);
    for (size_t k = 0; k < 2; k++) {
        int32_t ids[MAX_TOKENS];
        double sum = 0;
        size_t first = append_ids(&f, "<|im_start|>system\nBe short.<|im_end|>\n"
                                      "<|im_start|>user\nHow many?<|im_end|>\n"
                                      "<|im_start|>assistant\n", ids, 0);
        size_t last = append_ids(&f, "<|im_end|>", ids, append_ids(&f, responses[k], ids, first));
        double *p = log_softmax(&f.m, ids, last);
        for (size_t t = first; t < last; t++)
            sum += p[(t - 1) * f.m.o.n_vocab + (size_t)ids[t]];
        expect_near(scored(&f, k).score, sum);
        assert_int_equal(scored(&f, k).n_scored, last - first);
        assert_int_equal(scored(&f, k).n_tokens, last + 1);
        free(p);
    }
    assert_true(usage_of(&f).prompt_tokens == usage_of(&f).shared_tokens);
    end(&f);
}

/* --- the same bits ---------------------------------------------------------------------- */

enum { MANY = 12 };

static void write_responses(char (*texts)[160], const char **list) {
    for (size_t i = 0; i < MANY; i++) {
        size_t n = 0;
        n += (size_t)snprintf(texts[i], sizeof *texts, "%s", i % 3 ? "The " : "the other ");
        for (size_t k = 0; k < i * 5 % 60; k++)
            n += (size_t)snprintf(texts[i] + n, sizeof *texts - n, "%c%s",
                                  (char)('a' + (i * k + k) % 20), k % 9 == 8 ? "\n\n" : "");
        list[i] = texts[i];
    }
}

/* Every number of every response is that of the response alone in a fresh session. */
static void expect_same_as_alone(fixture *f, reason_scores *together) {
    const reason_session_options o = usual();
    for (size_t i = 0; i < MANY; i++) {
        reason_session *session;
        reason_score_request one = f->r;
        reason_scores *alone;
        one.responses = f->r.responses + i;
        one.n_responses = 1;
        check_ok(reason_session_new(f->model, &o, &session));
        check_ok(reason_score(session, &one, &alone));
        reason_scored a = {.size = sizeof a}, b = {.size = sizeof b};
        check_ok(reason_scores_at(together, i, &a));
        check_ok(reason_scores_at(alone, 0, &b));
        assert_memory_equal(&a.score, &b.score, sizeof a.score);
        assert_memory_equal(a.raw, b.raw, a.n_raw * sizeof *a.raw);
        assert_int_equal(a.n_steps, b.n_steps);
        for (size_t k = 0; k < a.n_steps; k++) {
            reason_scored_step x = {.size = sizeof x}, y = {.size = sizeof y};
            check_ok(reason_scores_step(together, i, k, &x));
            check_ok(reason_scores_step(alone, 0, k, &y));
            assert_int_equal(x.position, y.position);
            assert_memory_equal(&x.score, &y.score, sizeof x.score);
            assert_memory_equal(x.raw, y.raw, x.n_raw * sizeof *x.raw);
        }
        reason_scores_free(alone);
        reason_session_free(session);
    }
}

static void test_score__the_same_bits(void **state) {
    (void)state;
    static const reason_score_kind kinds[] = {REASON_SCORE_LABELS, REASON_SCORE_STEPS,
                                              REASON_SCORE_TOKENS, REASON_SCORE_LOGPROB,
                                              REASON_SCORE_YESNO};
    static const struct {
        int32_t n_chunk, n_threads, n_parallel;
        uint64_t blocks; /* of a memory limit; 0: none */
    } ways[] = {{0, 1, 0, 0}, {1, 2, 1, 0}, {7, 3, 2, 0}, {200, 2, 16, 0}, {16, 2, 4, 4}};
    fixture f;
    char texts[MANY][160], prompt[300];
    const char *list[MANY];
    write_responses(texts, list);
    begin(&f, "qwen3", (tiny_options){.head_out = 2, .head_hidden = 48, .seed = 13}, NULL,
          NULL, -1);
    for (size_t i = 0; i + 1 < sizeof prompt; i++)
        prompt[i] = (char)('a' + i * i % 23);
    prompt[100] = '\0';
    f.prompt.text = prompt;
    f.r.responses = list;
    f.r.n_responses = MANY;
    f.r.yes = "a";
    f.r.no = "b";
    for (size_t w = 0; w < COUNT(ways); w++) {
        reason_session_options o = usual();
        o.n_chunk = ways[w].n_chunk;
        o.n_threads = ways[w].n_threads;
        o.n_parallel = ways[w].n_parallel;
        o.memory_limit = ways[w].blocks * 64 * 2 * 2 * 2 * 16 * sizeof(float);
        reason_session_free(f.session);
        check_ok(reason_session_new(f.model, &o, &f.session));
        for (size_t k = 0; k < COUNT(kinds); k++) {
            f.r.kind = kinds[k];
            score(&f); /* kinds after the first one go on from what is kept */
            expect_same_as_alone(&f, f.scores);
        }
    }
    end(&f);
}

/* --- cost ------------------------------------------------------------------------------- */

static void test_score__prompt_is_run_once(void **state) {
    (void)state;
    fixture f;
    char prompt[1001], texts[16][32];
    const char *list[16];
    begin(&f, "llama", (tiny_options){.head_out = 1, .n_ctx = 1100}, NULL, NULL, -1);
    memset(prompt, '.', sizeof prompt);
    prompt[1000] = '\0';
    f.prompt.text = prompt;
    for (size_t i = 0; i < 16; i++) {
        (void)snprintf(texts[i], sizeof *texts, "%c%016zu", (char)('A' + i), i);
        list[i] = texts[i];
    }
    f.r.responses = list;
    f.r.n_responses = 16;
    score(&f);
    reason_score_usage u = usage_of(&f);
    assert_int_equal(u.prompt_tokens, 1000);
    assert_int_equal(u.shared_tokens, 1000);
    assert_int_equal(u.kept_tokens, 0);
    assert_int_equal(u.computed_tokens, 1000 + 16 * 17);
    assert_int_equal(u.tokens, 16 * 1017);
    assert_true(u.seconds > 0);
    score(&f); /* what is there is not run again */
    u = usage_of(&f);
    assert_int_equal(u.kept_tokens, 1000);
    assert_int_equal(u.computed_tokens, 16 * 17);
    f.r.kind = REASON_SCORE_LOGPROB; /* reads behind the prompt's last token */
    score(&f);
    u = usage_of(&f);
    assert_int_equal(u.kept_tokens, 999);
    assert_int_equal(u.computed_tokens, 1 + 16 * 17);
    end(&f);
}

/* The session's own text and what follows from it are as if nothing had been. */
static void test_score__leaves_the_timeline(void **state) {
    (void)state;
    fixture f;
    const int32_t tokens[] = {'a', 'b', 'c'};
    static float wanted[TINY_N_TOKENS], found[TINY_N_TOKENS], rows[3 * TINY_N_TOKENS];
    begin(&f, "llama", (tiny_options){.head_out = 1}, NULL, NULL, -1);
    check_ok(reason_session_logits(f.session, tokens, 3, rows));
    check_ok(reason_session_logits(f.session, tokens, 1, wanted));
    check_ok(reason_session_truncate(f.session, 3));
    f.r.responses = RESPONSES;
    f.r.n_responses = COUNT(RESPONSES);
    score(&f);
    size_t n;
    check_ok(reason_session_length(f.session, &n));
    assert_int_equal(n, 3);
    check_ok(reason_session_logits(f.session, tokens, 1, found));
    assert_memory_equal(found, wanted, sizeof found);
    end(&f);
}

typedef struct watcher {
    uint64_t last, total;
    int calls, stop_at;
    reason_session *session;
} watcher;

static int watch(void *user, const char *stage, uint64_t done, uint64_t total) {
    watcher *w = user;
    assert_string_equal(stage, "score");
    assert_true(done >= w->last && done <= total);
    w->last = done;
    w->total = total;
    if (w->session && w->calls == 1)
        reason_cancel(w->session);
    return ++w->calls == w->stop_at;
}

static void test_score__progress_and_cancel(void **state) {
    (void)state;
    fixture f;
    watcher w = {0};
    reason_scores *none = (reason_scores *)(void *)&w;
    reason_cancel_token *token;
    begin(&f, "llama", (tiny_options){.head_out = 1}, NULL, NULL, -1);
    f.r.responses = RESPONSES;
    f.r.n_responses = COUNT(RESPONSES);
    f.r.progress = watch;
    f.r.progress_user = &w;
    reason_session_free(f.session);
    reason_session_options o = usual();
    o.n_chunk = 8;
    check_ok(reason_session_new(f.model, &o, &f.session));
    score(&f);
    assert_true(w.calls > 3 && w.last == w.total);
    double wanted = scored(&f, 1).score;
    w = (watcher){.stop_at = 3};
    assert_int_equal(reason_score(f.session, &f.r, &none), REASON_ERR_CANCELLED);
    assert_null(none);
    w = (watcher){.session = f.session};
    assert_int_equal(reason_score(f.session, &f.r, &none), REASON_ERR_CANCELLED);
    check_ok(reason_cancel_token_new(&token));
    reason_cancel_token_set(token);
    f.r.cancel = token;
    assert_int_equal(reason_score(f.session, &f.r, &none), REASON_ERR_CANCELLED);
    f.r.cancel = NULL;
    w = (watcher){0};
    score(&f);
    assert_true(scored(&f, 1).score == wanted);
    reason_cancel_token_free(token);
    end(&f);
}

/* --- what is refused -------------------------------------------------------------------- */

static reason_status try_kind(fixture *f, reason_score_kind kind) {
    reason_scores *none;
    f->r.kind = kind;
    reason_status status = reason_score(f->session, &f->r, &none);
    assert_true((status == REASON_OK) == (none != NULL));
    reason_scores_free(none);
    return status;
}

static void test_score__refusals(void **state) {
    (void)state;
    fixture f, g;
    const char *const empty[] = {"a", ""}, *const gap[] = {"a", NULL};
    begin(&f, "llama", (tiny_options){.tied = true}, NULL, NULL, -1);
    begin(&g, "llama", (tiny_options){.head_out = 2, .no_output = true}, NULL, NULL, -1);
    f.r.responses = g.r.responses = RESPONSES;
    f.r.n_responses = g.r.n_responses = 2;
    f.r.yes = g.r.yes = f.r.no = g.r.no = "a";
    for (int kind = REASON_SCORE_HEAD; kind <= REASON_SCORE_TOKENS; kind++)
        expect_said(try_kind(&f, (reason_score_kind)kind), REASON_ERR_MISMATCH,
                    "cls.output.weight");
    for (int kind = REASON_SCORE_YESNO; kind <= REASON_SCORE_SIMPO; kind++)
        expect_said(try_kind(&g, (reason_score_kind)kind), REASON_ERR_MISMATCH,
                    "output.weight");
    expect_said(try_kind(&g, REASON_SCORE_REWARD), REASON_ERR_MISMATCH, "one output");
    check_ok(try_kind(&g, REASON_SCORE_TOKENS));
    expect_said(try_kind(&f, (reason_score_kind)10), REASON_ERR_INVALID_ARG, "kind 10");
    expect_said(try_kind(&f, REASON_SCORE_DPO), REASON_ERR_INVALID_ARG, "reference");
    f.r.reference = g.session;
    expect_said(try_kind(&f, REASON_SCORE_DPO), REASON_ERR_MISMATCH, "output.weight");
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_INVALID_ARG, "reference");
    f.r.reference = f.session;
    expect_said(try_kind(&f, REASON_SCORE_DPO), REASON_ERR_INVALID_ARG, "itself");
    f.r.reference = NULL;
    f.r.responses = empty;
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_INVALID_ARG, "response 1");
    g.r.responses = empty;
    expect_said(try_kind(&g, REASON_SCORE_STEPS), REASON_ERR_INVALID_ARG, "no step");
    f.r.responses = gap;
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_INVALID_ARG, "1 is NULL");
    f.r.responses = RESPONSES;
    f.r.n_responses = 0;
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_INVALID_ARG, "at least 1");
    f.r.n_responses = 1;
    f.prompt.prompt = "and";
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_INVALID_ARG, "exactly one");
    f.prompt.prompt = NULL;
    char *longer = malloc(2000);
    assert_non_null(longer);
    memset(longer, 'x', 1999);
    longer[1999] = '\0';
    f.r.responses = (const char *const *)&longer;
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_CONTEXT_FULL, "response 0");
    free(longer);
    f.prompt.text = NULL;
    f.prompt.messages_json = "[{\"role\": \"user\", \"content\": \"and\"}";
    f.r.responses = RESPONSES;
    expect_said(try_kind(&f, REASON_SCORE_LOGPROB), REASON_ERR_FORMAT, "");
    f.prompt.messages_json = "[{\"role\": \"user\", \"content\": \"and\"} ] ";
    check_ok(try_kind(&f, REASON_SCORE_LOGPROB));
    f.prompt.messages_json = "[]";
    check_ok(try_kind(&f, REASON_SCORE_LOGPROB));
    end(&f);
    end(&g);
}

/* Each allocation of a scoring refused in turn: NO_MEMORY and nothing left behind, or the
 * same scores. */
static void test_score__memory_refused(void **state) {
    (void)state;
    static const char *const responses[] = {"one\n\ntwo", "one\n\nthe other"};
    for (int sticky = 0; sticky < 2; sticky++) {
        bool ended = false;
        for (size_t at = 1; !ended; at++) {
            fixture f;
            counted_heap heap;
            begin(&f, "llama", (tiny_options){.head_out = 2, .head_hidden = 48}, "steps",
                  NULL, TINY_ENDOFTEXT);
            f.r.responses = responses;
            f.r.n_responses = 2;
            score(&f);
            double wanted = scored(&f, 1).score;
            reason_scores_free(f.scores);
            reason_session_free(f.session);
            heap_begin(&heap, 0, sticky);
            reason_session_options o = usual();
            o.n_threads = 1;
            check_ok(reason_session_new(f.model, &o, &f.session));
            size_t before = heap.n_calls;
            heap.fail_at = before + at;
            reason_status status = reason_score(f.session, &f.r, &f.scores);
            ended = heap.n_calls < heap.fail_at;
            heap.fail_at = 0;
            if (status == REASON_OK)
                assert_true(scored(&f, 1).score == wanted);
            else
                assert_int_equal(status, REASON_ERR_NO_MEMORY);
            assert_true((f.scores != NULL) == (status == REASON_OK));
            score(&f);
            assert_true(scored(&f, 1).score == wanted);
            reason_scores_free(f.scores);
            reason_session_free(f.session);
            f.scores = NULL;
            f.session = NULL;
            heap_end();
            assert_int_equal(heap.alive, 0);
            end(&f);
            assert_true(at < 1000 && (!ended || at > 20));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score__last_token),
        cmocka_unit_test(test_score__padding_is_not_read),
        cmocka_unit_test(test_score__transforms),
        cmocka_unit_test(test_score__step_token),
        cmocka_unit_test(test_score__steps_by_blank_lines),
        cmocka_unit_test(test_score__values),
        cmocka_unit_test(test_score__yesno),
        cmocka_unit_test(test_score__likelihood),
        cmocka_unit_test(test_score__likelihood_of_a_turn),
        cmocka_unit_test(test_score__the_same_bits),
        cmocka_unit_test(test_score__prompt_is_run_once),
        cmocka_unit_test(test_score__leaves_the_timeline),
        cmocka_unit_test(test_score__progress_and_cancel),
        cmocka_unit_test(test_score__refusals),
        cmocka_unit_test(test_score__memory_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
