/*
 * Owns the editor of lines: keys, paste, history. What a line means is left to the
 * callers. Invariant: between two reads the terminal is as it was found, and a signal
 * ends a read as it does without an editor.
 */
#include "editor.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "interrupt.h"
#include "output.h"

/* Lines that are remembered. */
enum { HISTORY_LINES = 1000 };

struct rsn_cli_editor {
    EditLine *el;
    History *lines;
    const char *file; /* of the history; NULL: none */
    const char *prompt;
    bool brackets_paste;
    struct rsn_cli_buffer *line; /* that is being read */
    bool signalled, ended;       /* why a read gave nothing */
    int error;             /* errno of a read that failed */
    char block[256];       /* bytes that came and are not decoded yet */
    size_t at, n_bytes;
    mbstate_t decoding;
};

static const char paste_begins[] = "\033[200~", paste_ends[] = "\033[201~";

/* ------------------------------------------------------------ characters */

/* A byte of the terminal, or -1. poll() is never restarted after a signal, read() is. */
static int next_byte(struct rsn_cli_editor *editor) {
    if (editor->at < editor->n_bytes) return (unsigned char)editor->block[editor->at++];
    struct pollfd waiting = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t n = -1;
    if (rsn_cli_interrupt_signal()) {
        errno = EINTR;
    } else if (poll(&waiting, 1, -1) >= 0) {
        n = read(STDIN_FILENO, editor->block, sizeof editor->block);
    }
    if (n < 0 && errno == EINTR) editor->signalled = true;
    else if (n < 0) editor->error = errno;
    else if (n == 0) editor->ended = true;
    if (n <= 0) return -1;
    editor->at = 1;
    editor->n_bytes = (size_t)n;
    return (unsigned char)editor->block[0];
}

/* What stands in the line when a signal comes: libedit forgets it. */
static void keep_typed(struct rsn_cli_editor *editor) {
    const LineInfo *typed = el_line(editor->el);
    size_t n_bytes = (size_t)(typed->lastchar - typed->buffer);
    (void)rsn_cli_buffer_append(editor->line, typed->buffer, n_bytes);
}

/* libedit's way to get a character: 1, 0 at the end, -1 on an error. Bytes that are no
 * text are left out. */
static int next_character(EditLine *el, wchar_t *to) {
    struct rsn_cli_editor *editor = NULL;
    el_get(el, EL_CLIENTDATA, &editor);
    for (;;) {
        int byte = next_byte(editor);
        if (editor->signalled) keep_typed(editor);
        if (byte < 0) return editor->ended ? 0 : -1;
        char c = (char)byte;
        size_t n = mbrtowc(to, &c, 1, &editor->decoding);
        if (n == (size_t)-1) memset(&editor->decoding, 0, sizeof editor->decoding);
        else if (n != (size_t)-2) return 1;
    }
}

/* ------------------------------------------------------------ paste */

struct pasted {
    wchar_t *text;
    size_t n, cap;
};

static bool add_character(struct pasted *to, wchar_t c) {
    if (to->n + 1 >= to->cap) {
        size_t cap = to->cap ? 2 * to->cap : 256;
        wchar_t *text = realloc(to->text, cap * sizeof *text);
        if (!text) return false;
        to->text = text;
        to->cap = cap;
    }
    to->text[to->n++] = c;
    to->text[to->n] = 0;
    return true;
}

/* Whether the text ends with the mark, which is then taken off. */
static bool ends_with_mark(struct pasted *paste) {
    size_t n_mark = sizeof paste_ends - 1;
    if (paste->n < n_mark) return false;
    wchar_t *tail = paste->text + paste->n - n_mark;
    for (size_t i = 0; i < n_mark; i++)
        if (tail[i] != (wchar_t)paste_ends[i]) return false;
    *tail = 0;
    paste->n -= n_mark;
    return true;
}

/* Line ends become \n, other control characters but the tab are left out, and so is a
 * line end at the end: Enter is for the person to press. */
static void clean_paste(struct pasted *paste) {
    size_t n = 0;
    for (size_t i = 0; i < paste->n; i++) {
        wchar_t c = paste->text[i];
        if (c == '\r' && paste->text[i + 1] == '\n') continue;
        if (c == '\r') c = '\n';
        if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') paste->text[n++] = c;
    }
    while (n > 0 && paste->text[n - 1] == '\n') n--;
    if (paste->text) paste->text[n] = 0;
    paste->n = n;
}

/* What the terminal sends between its marks goes into the line as text. */
static unsigned char take_paste(EditLine *el, int key) {
    struct pasted paste = {0};
    wchar_t c;
    (void)key;
    bool good = true;
    while (good && !ends_with_mark(&paste))
        good = next_character(el, &c) == 1 && add_character(&paste, c);
    clean_paste(&paste);
    if (paste.n > 0 && el_winsertstr(el, paste.text) != 0) good = false;
    free(paste.text);
    return good ? CC_REFRESH : CC_REFRESH_BEEP;
}

/* ------------------------------------------------------------ start and end */

static char *give_prompt(EditLine *el) {
    static char prompt[8];
    struct rsn_cli_editor *editor = NULL;
    el_get(el, EL_CLIENTDATA, &editor);
    snprintf(prompt, sizeof prompt, "%s", editor->prompt);
    return prompt;
}

/* Everything here is UTF-8, whatever the locale's name says. */
static void choose_locale(void) {
    if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return;
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, "en_US.UTF-8");
}

static void bind_keys(EditLine *el) {
    static const char *const keys[][2] = {
        {"\033[H", "ed-move-to-beg"},   {"\033[F", "ed-move-to-end"},
        {"\033[1~", "ed-move-to-beg"},  {"\033[4~", "ed-move-to-end"},
        {"\033OH", "ed-move-to-beg"},   {"\033OF", "ed-move-to-end"},
        {"\033[3~", "ed-delete-next-char"},
        {"\033[A", "ed-prev-history"},  {"\033[B", "ed-next-history"},
        {"\033[1;5C", "em-next-word"},  {"\033[1;5D", "ed-prev-word"},
        {"^U", "vi-kill-line-prev"},    {"^W", "ed-delete-prev-word"},
        {"^R", "em-inc-search-prev"},   {paste_begins, "reason-paste"},
    };
    el_set(el, EL_EDITOR, "emacs");
    /* The wide form: the other one keeps copies of the texts that nobody frees. */
    el_wset(el, EL_ADDFN, L"reason-paste", L"pasted text", take_paste);
    for (size_t i = 0; i < RSN_CLI_COUNT(keys); i++)
        el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

static void load_history(struct rsn_cli_editor *editor) {
    HistEvent event;
    history(editor->lines, &event, H_SETSIZE, HISTORY_LINES);
    history(editor->lines, &event, H_SETUNIQUE, 1);
    if (!editor->file || access(editor->file, F_OK) != 0) return;
    if (history(editor->lines, &event, H_LOAD, editor->file) < 0)
        rsn_cli_say("'%s' is no history of lines; it is replaced", editor->file);
}

int rsn_cli_editor_open(const char *file, struct rsn_cli_editor **to) {
    const char *term = getenv("TERM");
    *to = NULL;
    if (!term || !*term || strcmp(term, "dumb") == 0) return RSN_CLI_OK;
    choose_locale();
    struct rsn_cli_editor *editor = calloc(1, sizeof *editor);
    if (!editor) return rsn_cli_fail_memory();
    editor->file = file;
    editor->prompt = "";
    editor->lines = history_init();
    editor->el = el_init("reason", stdin, stdout, stderr);
    if (!editor->el || !editor->lines) {
        rsn_cli_editor_close(editor);
        return rsn_cli_fail_memory();
    }
    el_set(editor->el, EL_CLIENTDATA, editor);
    el_set(editor->el, EL_PROMPT, give_prompt);
    el_set(editor->el, EL_SIGNAL, 0);
    el_set(editor->el, EL_GETCFN, next_character);
    bind_keys(editor->el);
    load_history(editor);
    el_set(editor->el, EL_HIST, history, editor->lines);
    *to = editor;
    return RSN_CLI_OK;
}

static int save_history(struct rsn_cli_editor *editor) {
    HistEvent event;
    struct rsn_cli_file file;
    if (!editor->file) return RSN_CLI_OK;
    int code = rsn_cli_file_create(editor->file, &file);
    if (code != RSN_CLI_OK) return code;
    /* Nobody else's business. */
    (void)fchmod(fileno(file.stream), S_IRUSR | S_IWUSR);
    if (history(editor->lines, &event, H_SAVE_FP, file.stream) < 0)
        code = rsn_cli_fail("cannot write '%s'", editor->file);
    if (code == RSN_CLI_OK) code = rsn_cli_file_commit(&file);
    rsn_cli_file_abandon(&file);
    return code;
}

int rsn_cli_editor_close(struct rsn_cli_editor *editor) {
    if (!editor) return RSN_CLI_OK;
    int code = editor->el && editor->lines ? save_history(editor) : RSN_CLI_OK;
    if (editor->el) el_end(editor->el);
    if (editor->lines) history_end(editor->lines);
    free(editor);
    return code;
}

/* ------------------------------------------------------------ a line */

void rsn_cli_editor_remember(struct rsn_cli_editor *editor, const char *line) {
    HistEvent event;
    if (*line) history(editor->lines, &event, H_ENTER, line);
}

static void switch_paste(bool on) {
    rsn_cli_print("\033[?2004%c", on ? 'h' : 'l');
    rsn_cli_flush();
}

static enum rsn_cli_line why_nothing(struct rsn_cli_editor *editor) {
    if (editor->signalled) return RSN_CLI_LINE_INTERRUPTED;
    if (!editor->error) return RSN_CLI_LINE_END;
    errno = editor->error;
    return RSN_CLI_LINE_FAILED;
}

enum rsn_cli_line rsn_cli_editor_read(struct rsn_cli_editor *editor, const char *prompt,
                                      size_t limit, struct rsn_cli_buffer *line) {
    int n = 0;
    editor->prompt = prompt;
    editor->line = line;
    editor->signalled = editor->ended = false;
    editor->error = 0;
    line->n_bytes = 0;
    el_resize(editor->el); /* the window may have changed meanwhile */
    switch_paste(true);
    const char *text = el_gets(editor->el, &n);
    switch_paste(false);
    if (editor->signalled || !text || n <= 0) {
        el_reset(editor->el);
        return why_nothing(editor);
    }
    if ((size_t)n > limit + 1) return RSN_CLI_LINE_LONG;
    if (!rsn_cli_buffer_append(line, text, (size_t)n)) {
        errno = ENOMEM;
        return RSN_CLI_LINE_FAILED;
    }
    rsn_cli_drop_line_end(line);
    return RSN_CLI_LINE_OK;
}
