/*
 * Owns the process's signal handlers. What stops, and what is said, is left to the
 * callers. Invariant: the handler does nothing but two stores, and a default action at
 * the third signal.
 */
#include "interrupt.h"

#include <signal.h>
#include <string.h>

/* Signals after which the user clearly wants out, whatever the library is doing. */
enum { PATIENCE = 3 };

static reason_cancel_token *token;
static volatile sig_atomic_t last_signal;
static volatile sig_atomic_t n_signals;

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

static void on_signal(int number) {
    last_signal = number;
    n_signals = n_signals + 1;
    reason_cancel_token_set(token);
    if (n_signals < PATIENCE) return;
    signal(number, SIG_DFL);
    raise(number);
}

int rsn_cli_interrupt_catch(void) {
    if (!token && reason_cancel_token_new(&token) != REASON_OK)
        return rsn_cli_fail_library();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    /* Without it a signal could cut a write to standard output short. */
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < RSN_CLI_COUNT(caught); i++) {
        struct sigaction before;
        /* nohup and a shell's background jobs ask for some of these to be ignored. */
        if (sigaction(caught[i], NULL, &before) != 0 || before.sa_handler == SIG_IGN)
            continue;
        sigaction(caught[i], &action, NULL);
    }
    return RSN_CLI_OK;
}

reason_cancel_token *rsn_cli_interrupt_token(void) {
    return token;
}

int rsn_cli_interrupt_signal(void) {
    return last_signal;
}

void rsn_cli_interrupt_clear(void) {
    last_signal = 0;
    n_signals = 0;
    reason_cancel_token_reset(token);
}

int rsn_cli_interrupt_code(int code) {
    return last_signal ? 128 + last_signal : code;
}

void rsn_cli_interrupt_release(void) {
    if (!token) return;
    for (size_t i = 0; i < RSN_CLI_COUNT(caught); i++) {
        struct sigaction now;
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_handler == on_signal)
            signal(caught[i], SIG_DFL);
    }
    reason_cancel_token_free(token);
    token = NULL;
}
