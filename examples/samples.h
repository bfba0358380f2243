/* What the examples about rewards share: tasks as JSON lines, samples of the model
 * that ships, each checked, and bootstrap intervals. Whoever draws samples frees them. */
#ifndef EXAMPLES_SAMPLES_H
#define EXAMPLES_SAMPLES_H

#include <reason/reason.h>

#include "questions.h"

enum { MAX_SAMPLES = 64 };

typedef struct sample {
    char *text;   /* all that was written, tags included */
    char *normal; /* its answer, in the form in which answers are compared */
    bool right;
    uint64_t n_tokens;
} sample;

typedef struct drawing {
    reason_model *model;
    reason_session *session;
    reason_think_mode mode;
    float temperature;
    int n; /* samples of each task */
} drawing;

/* SAMPLES auto|on|off TEMPERATURE of a command line, behind arg[0]; at most 64
 * samples. */
static inline bool parse_drawing(char **arg, drawing *d) {
    /* as in reason_think_mode */
    static const char *const MODES[] = {"auto", "on", "off"};
    int mode = 0;
    while (mode < 3 && strcmp(arg[2], MODES[mode]) != 0)
        mode++;
    d->n = atoi(arg[1]);
    d->mode = (reason_think_mode)mode;
    d->temperature = (float)atof(arg[3]);
    return mode < 3 && d->n > 0 && d->n <= MAX_SAMPLES;
}

static inline bool open_drawing(drawing *d) {
    reason_session_options options;
    reason_session_options_init(&options, sizeof options);
    options.n_parallel = d->n;
    return reason_model_open(NULL, NULL, &d->model) == REASON_OK &&
           reason_session_new(d->model, &options, &d->session) == REASON_OK;
}

static inline void close_drawing(drawing *d) {
    reason_session_free(d->session);
    reason_model_free(d->model);
}

/* The text behind "NAME": " in a line; these tasks have no escapes. */
static inline char *find_field(char *line, const char *name) {
    char key[32];
    snprintf(key, sizeof key, "\"%s\": \"", name);
    char *found = strstr(line, key);
    return found ? found + strlen(key) : NULL;
}

static inline size_t read_tasks(const char *path, question *tasks, size_t most) {
    size_t n = 0;
    FILE *file = fopen(path, "r");
    while (file && n < most && fgets(tasks[n].text, MAX_LINE, file)) {
        char *line = tasks[n].text, *asked = find_field(line, "question");
        char *answer = find_field(line, "answer");
        if (!asked || !answer || strchr(line, '\\'))
            continue;
        asked[strcspn(asked, "\"")] = answer[strcspn(answer, "\"")] = '\0';
        memmove(line, asked, strlen(asked) + 1);
        tasks[n++].answer = answer;
    }
    if (file)
        fclose(file);
    return n;
}

/* A model that is told not to think has an empty thought in its prompt; a response
 * that is scored brings it along, so that it is scored as it was drawn. */
static inline char *text_of(const drawing *d, const reason_result *result) {
    size_t n = reason_result_n_tokens(result), n_bytes;
    const char *open = d->mode == REASON_THINK_OFF ? "<think>\n\n</think>\n\n" : "";
    int32_t *ids = calloc(n + 1, sizeof *ids);
    char *written = NULL, *text = NULL;
    for (size_t i = 0; ids && i < n; i++) {
        reason_token token = {.size = sizeof token};
        reason_result_token(result, i, &token);
        ids[i] = token.id;
    }
    n -= n > 0 && reason_result_answer_end(result) == REASON_FINISH_EOS;
    if (ids && reason_detokenize(d->model, ids, n, REASON_TOKENS_SPECIAL, &written,
                                 &n_bytes) == REASON_OK)
        text = malloc(strlen(open) + n_bytes + 1);
    if (text)
        strcat(strcpy(text, open), written);
    reason_free(written);
    free(ids);
    return text;
}

/* Fills `list`, [d->n]; false on failure. */
static inline bool draw_samples(const drawing *d, const question *task, uint64_t seed,
                                sample *list) {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    reason_result *result;
    reason_request_init(&request, sizeof request);
    reason_thinking_init(&thinking, sizeof thinking);
    reason_sampling_init(&sampling, sizeof sampling);
    thinking.mode = d->mode;
    sampling.temperature = d->temperature;
    sampling.top_p = 1;
    sampling.seed = seed;
    request.prompt = task->text;
    request.max_tokens = 256;
    request.n_samples = d->n;
    request.thinking = &thinking;
    request.sampling = &sampling;
    if (reason_generate(d->session, &request, &result) != REASON_OK)
        return false;
    const reason_answer_kind kind = REASON_ANSWER_AUTO;
    bool ok = true;
    for (int i = 0; ok && i < d->n; i++) {
        const reason_result *one = reason_result_sample(result, (size_t)i);
        const char *answer = reason_result_answer(one, NULL);
        list[i].text = text_of(d, one);
        list[i].n_tokens = reason_result_n_tokens(one);
        ok = list[i].text &&
             reason_answer_check(answer, task->answer, kind, &list[i].right) ==
                 REASON_OK &&
             reason_answer_normalize(answer, -1, kind, &list[i].normal) == REASON_OK;
    }
    reason_result_free(result);
    return ok;
}

static inline void free_samples(sample *list, size_t n) {
    for (size_t i = 0; list && i < n; i++) {
        free(list[i].text);
        reason_free(list[i].normal);
    }
    free(list);
}

/* The chance that the best by `weights` is right, drawn among equals; with `vote`
 * samples of one answer add up. Samples without an answer are left out. */
static inline double choose(const sample *s, const double *weights, size_t n,
                            bool vote) {
    double best = 0, right = 0, equal = 0;
    for (size_t i = 0; i < n; i++) {
        double weight = vote ? 0 : weights[i];
        bool seen = !s[i].normal[0];
        for (size_t j = 0; vote && j < n; j++) {
            bool same = strcmp(s[i].normal, s[j].normal) == 0;
            weight += same ? weights[j] : 0;
            seen = seen || (same && j < i);
        }
        if (seen || (equal > 0 && weight < best))
            continue;
        if (equal == 0 || weight > best)
            right = equal = 0;
        best = weight;
        right += s[i].right;
        equal++;
    }
    return equal > 0 ? right / equal : 0;
}

/* Random 64 bits of a number (splitmix64). */
static inline uint64_t scramble(uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static inline int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct estimate {
    double value, low, high; /* low to high: 95% */
} estimate;

/* The sum of `won` over that of `of`, [n] tasks, and the interval that drawing tasks
 * 2,000 times over gives: samples of one task are not independent, tasks are. NULL: 1
 * each. */
static inline estimate estimate_ratio(const double *won, const double *of, size_t n) {
    enum { N_DRAWS = 2000 };
    double ratios[N_DRAWS], sum = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        sum += won[i];
        all += of ? of[i] : 1;
    }
    for (uint64_t draw = 0, step = 0; draw < N_DRAWS; draw++) {
        double x = 0, y = 0;
        for (size_t i = 0; i < n; i++) {
            size_t task = scramble(step++) % n;
            x += won[task];
            y += of ? of[task] : 1;
        }
        ratios[draw] = y > 0 ? x / y : 0;
    }
    qsort(ratios, N_DRAWS, sizeof *ratios, compare_doubles);
    return (estimate){sum / all, ratios[N_DRAWS / 40],
                      ratios[N_DRAWS - 1 - N_DRAWS / 40]};
}

#endif
