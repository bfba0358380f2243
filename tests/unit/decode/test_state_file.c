/* What a test of the interface cannot bring about: a cancel in the middle of a file,
 * which leaves the session and what was at the path as they were. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/state_file.h"

static char folder[64], path[96];

static int set_up(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/state-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/session", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* nothing else is left */
}

static void test_decode_state_file__cancelled(void **state) {
    (void)state;
    static const int32_t ids[] = {1, 2, 3, 4, 5};
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *one = scripted_session(m, 100, 64),
                   *other = scripted_session(m, 100, 64);
    struct stat before, after;
    assert_int_equal(reason_session_logits(one, ids, 5, NULL), REASON_OK);
    assert_int_equal(reason_session_logits(other, ids, 2, NULL), REASON_OK);
    assert_int_equal(reason_session_save(one, path), REASON_OK);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(rsn_session_claim(other), REASON_OK);
    reason_cancel(other);
    assert_int_equal(rsn_state_save(other, path), REASON_ERR_CANCELLED);
    assert_int_equal(rsn_state_load(other, path), REASON_ERR_CANCELLED);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(other->line.n, 2);
    assert_int_equal(other->line.kv.n, 2);
    assert_int_equal(reason_session_save(other, path), REASON_ERR_BUSY);
    assert_int_equal(reason_session_load(other, path), REASON_ERR_BUSY);
    rsn_session_release(other);
    assert_int_equal(reason_session_load(other, path), REASON_OK);
    assert_int_equal(other->line.n, 5);
    reason_session_free(one);
    reason_session_free(other);
    scripted_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_state_file__cancelled),
    };
    return cmocka_run_group_tests_name("decode_state_file", tests, set_up, tear_down);
}
