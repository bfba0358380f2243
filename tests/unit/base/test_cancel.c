/* Cancel flags, alone and in pairs, and seen from another thread. */
#include "support.h"

#include <pthread.h>

#include "base/cancel.h"

static void test_base_cancel__either_token_stops(void **state) {
    (void)state;
    reason_cancel_token a, b;
    for (int i = 0; i < 4; i++) {
        atomic_init(&a.set, i & 1);
        atomic_init(&b.set, i & 2);
        const rsn_cancel both = {.token = &a, .session = &b}, first = {.token = &a};
        const rsn_cancel second = {.session = &b};
        const rsn_cancel chain = {.session = &a, .next = &second};
        assert_int_equal(rsn_cancelled(&chain), i != 0);
        assert_int_equal(rsn_cancelled(&both), i != 0);
        assert_int_equal(rsn_cancelled(&first), (i & 1) != 0);
        assert_int_equal(rsn_cancelled(&second), (i & 2) != 0);
        assert_int_equal(rsn_cancel_is_set(&a), (i & 1) != 0);
    }
}

static void test_base_cancel__nothing_to_watch(void **state) {
    (void)state;
    const rsn_cancel none = {.token = NULL};
    assert_false(rsn_cancelled(NULL));
    assert_false(rsn_cancelled(&none));
    assert_false(rsn_cancel_is_set(NULL));
}

static void *set_flag(void *arg) {
    reason_cancel_token *token = arg;
    atomic_store(&token->set, true);
    return NULL;
}

static void test_base_cancel__is_seen_by_other_threads(void **state) {
    (void)state;
    reason_cancel_token token;
    atomic_init(&token.set, false);
    const rsn_cancel cancel = {.session = &token};
    pthread_t thread;
    assert_false(rsn_cancelled(&cancel));
    assert_int_equal(pthread_create(&thread, NULL, set_flag, &token), 0);
    while (!rsn_cancelled(&cancel)) continue;
    assert_int_equal(pthread_join(thread, NULL), 0);
    atomic_store(&token.set, false);
    assert_false(rsn_cancelled(&cancel));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_cancel__either_token_stops),
        cmocka_unit_test(test_base_cancel__nothing_to_watch),
        cmocka_unit_test(test_base_cancel__is_seen_by_other_threads),
    };
    return cmocka_run_group_tests_name("base/cancel", tests, NULL, NULL);
}
