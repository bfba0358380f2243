/* The table of policies. Owns who is asked, in which order, and when an aside is due; what
 * each makes of what it sees is in its own file. Invariant: a policy that is not in force
 * is never asked. */
#include "decode/policy.h"

#include "base/alloc.h"

static const rsn_policy *const POLICIES[RSN_N_POLICIES] = {
    &rsn_policy_close,    &rsn_policy_threshold, &rsn_policy_loop,
    &rsn_policy_chunk,    &rsn_policy_confidence, &rsn_policy_entropy,
    &rsn_policy_variance, &rsn_policy_agreement,
};

enum { DEFAULT_PROBE = 16, MOST_PROBE = 4096 };

reason_status rsn_policies_check(const reason_thinking *how) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < RSN_N_POLICIES && status == REASON_OK; i++)
        if (POLICIES[i]->check)
            status = POLICIES[i]->check(how);
    if (status == REASON_OK &&
        (how->probe_every < 0 || how->probe_tokens < 0 || how->probe_tokens > MOST_PROBE))
        status = rsn_fail(REASON_ERR_INVALID_ARG,
                          "probe_every %d (0 or more) or probe_tokens %d (0 to %d)",
                          how->probe_every, how->probe_tokens, MOST_PROBE);
    return status;
}

size_t rsn_policy_probe(const reason_thinking *how) {
    return how->probe_tokens > 0 ? (size_t)how->probe_tokens : DEFAULT_PROBE;
}

reason_status rsn_policies_init(rsn_policies *p, const reason_thinking *how) {
    *p = (rsn_policies){0};
    for (size_t i = 0; i < RSN_N_POLICIES; i++) {
        if (!POLICIES[i]->state || !POLICIES[i]->in_force(how))
            continue;
        p->states[i] = rsn_calloc2(1, POLICIES[i]->state(how));
        if (!p->states[i])
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

void rsn_policies_free(rsn_policies *p) {
    for (size_t i = 0; i < RSN_N_POLICIES; i++)
        rsn_free(p->states[i]);
    *p = (rsn_policies){0};
}

reason_think_mode rsn_policies_decide(const reason_thinking *how, double p_think) {
    reason_think_mode mode = REASON_THINK_AUTO;
    for (size_t i = 0; i < RSN_N_POLICIES && mode == REASON_THINK_AUTO; i++)
        if (POLICIES[i]->decides && POLICIES[i]->in_force(how))
            mode = POLICIES[i]->decides(how, p_think);
    return mode;
}

void rsn_policies_adjust(const rsn_view *v, float *logits) {
    for (size_t i = 0; i < RSN_N_POLICIES; i++)
        if (POLICIES[i]->adjusts && POLICIES[i]->in_force(v->how))
            POLICIES[i]->adjusts(v, logits);
}

bool rsn_policies_repeat(rsn_policies *p, const rsn_view *v) {
    bool repeats = false;
    for (size_t i = 0; i < RSN_N_POLICIES; i++)
        if (POLICIES[i]->repeats && POLICIES[i]->in_force(v->how))
            repeats = POLICIES[i]->repeats(v, p->states[i]) || repeats;
    return repeats;
}

bool rsn_policies_forget(const reason_thinking *how, size_t n, size_t *keep,
                         size_t *carry) {
    for (size_t i = 0; i < RSN_N_POLICIES; i++)
        if (POLICIES[i]->forgets && POLICIES[i]->in_force(how))
            return POLICIES[i]->forgets(how, n, keep, carry);
    return false;
}

/* A step of thinking ends with its line, or every probe_every tokens. */
static bool step_has_ended(const rsn_policies *p, const rsn_view *v) {
    size_t n = rsn_think_count(v->think), every = (size_t)v->how->probe_every;
    if (!rsn_think_is_settled(v->think) || n <= p->asked_at ||
        n < (size_t)v->how->min_tokens)
        return false;
    return every > 0 ? n - p->asked_at >= every : rsn_think_ends_line(v->think);
}

bool rsn_policies_ask(const rsn_policies *p, const rsn_view *v, size_t *n_answer) {
    bool asks = false, answers = false;
    for (size_t i = 0; i < RSN_N_POLICIES; i++) {
        bool exits = POLICIES[i]->exits && POLICIES[i]->in_force(v->how);
        asks = asks || exits;
        answers = answers || (exits && POLICIES[i]->answers);
    }
    *n_answer = answers ? rsn_policy_probe(v->how) : 0;
    return asks && step_has_ended(p, v);
}

bool rsn_policies_exit(rsn_policies *p, const rsn_view *v, const rsn_aside *aside) {
    bool exits = false;
    p->asked_at = rsn_think_count(v->think);
    for (size_t i = 0; i < RSN_N_POLICIES; i++)
        if (POLICIES[i]->exits && POLICIES[i]->in_force(v->how))
            exits = POLICIES[i]->exits(v, p->states[i], aside) || exits;
    return exits;
}
