/* The shape of a server, without its sockets: two threads submit questions as they come, one
 * thread runs them all together and hands the answers out in the order in which they end.
 *
 *     server [MODEL [QUESTIONS]] */
#include <pthread.h>
#include <reason/reason.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct client {
    pthread_t thread;
    reason_session *session;
    int name, n_questions;
    int n_refused;
} client;

static void check(reason_status status) {
    if (status == REASON_OK)
        return;
    fprintf(stderr, "%s\n", reason_last_error());
    exit(1);
}

/* A question is copied when it is submitted: the next one may overwrite it. */
static void *ask(void *arg) {
    client *c = arg;
    char question[64];
    for (int i = 0; i < c->n_questions; i++) {
        reason_request request;
        reason_sampling sampling;
        uint64_t ticket;
        reason_request_init(&request, sizeof request);
        reason_sampling_init(&sampling, sizeof sampling);
        sampling.temperature = 0;
        snprintf(question, sizeof question, "What is %d + %d?", 10 * c->name + i, 20 + i);
        request.prompt = question;
        request.sampling = &sampling;
        request.max_tokens = 120;
        if (reason_submit(c->session, &request, &ticket) == REASON_OK)
            printf("client %d: %s is %llu\n", c->name, question,
                   (unsigned long long)ticket);
        else
            c->n_refused++;
    }
    return NULL;
}

int main(int argc, char **argv) {
    client clients[2];
    int n_questions = argc > 2 ? atoi(argv[2]) : 4, n_left = 2 * n_questions;
    reason_model *model;
    reason_session *session;
    check(reason_model_open(argc > 1 && *argv[1] ? argv[1] : NULL, NULL, &model));
    check(reason_session_new(model, NULL, &session));
    for (int i = 0; i < 2; i++) {
        clients[i] = (client){
            .session = session, .name = i + 1, .n_questions = n_questions};
        if (pthread_create(&clients[i].thread, NULL, ask, &clients[i]) != 0)
            return 1;
    }
    for (bool waits = true; waits && n_left > 0;) {
        uint64_t ticket;
        reason_result *result;
        check(reason_poll(session, 10000, &ticket, &result));
        waits = ticket != 0; /* nothing for ten seconds: questions were refused */
        n_left -= waits;
        if (waits)
            printf("%llu: %s\n", (unsigned long long)ticket,
                   reason_result_answer(result, NULL));
        reason_result_free(result);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(clients[i].thread, NULL);
        n_left -= clients[i].n_refused;
    }
    reason_session_free(session);
    reason_model_free(model);
    return n_left == 0 ? 0 : 1;
}
