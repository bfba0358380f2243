/* Tokens of a template. Private to lib/text/template_*.c. */
#ifndef REASON_TEXT_TEMPLATE_LEX_H
#define REASON_TEXT_TEMPLATE_LEX_H

#include "base/arena.h"
#include "text/template_value.h"

typedef enum rsn_tok_kind {
    RSN_TOK_EOF,
    RSN_TOK_DATA,
    RSN_TOK_PRINT_BEGIN,
    RSN_TOK_PRINT_END,
    RSN_TOK_BLOCK_BEGIN,
    RSN_TOK_BLOCK_END,
    RSN_TOK_NAME,
    RSN_TOK_STRING,
    RSN_TOK_INT,
    RSN_TOK_FLOAT,
    RSN_TOK_ADD,
    RSN_TOK_SUB,
    RSN_TOK_MUL,
    RSN_TOK_DIV,
    RSN_TOK_FLOORDIV,
    RSN_TOK_MOD,
    RSN_TOK_POW,
    RSN_TOK_TILDE,
    RSN_TOK_LBRACKET,
    RSN_TOK_RBRACKET,
    RSN_TOK_LPAREN,
    RSN_TOK_RPAREN,
    RSN_TOK_LBRACE,
    RSN_TOK_RBRACE,
    RSN_TOK_EQ,
    RSN_TOK_NE,
    RSN_TOK_LT,
    RSN_TOK_LE,
    RSN_TOK_GT,
    RSN_TOK_GE,
    RSN_TOK_ASSIGN,
    RSN_TOK_DOT,
    RSN_TOK_COLON,
    RSN_TOK_PIPE,
    RSN_TOK_COMMA,
    RSN_TOK_SEMICOLON
} rsn_tok_kind;

typedef struct rsn_tok {
    rsn_tok_kind kind;
    uint32_t line;
    rsn_text text; /* DATA, NAME: of the source; STRING: without quotes and escapes */
    int64_t i;
    double f;
} rsn_tok;

enum { RSN_LEX_MAX_BRACKETS = 128 };

typedef struct rsn_lexer {
    rsn_arena *arena; /* for decoded strings */
    const char *src;  /* line breaks are \n, the last one is gone */
    size_t n, at;
    uint32_t line;
    enum { RSN_LEX_ROOT, RSN_LEX_PRINT, RSN_LEX_BLOCK } state;
    bool begun; /* a PRINT_BEGIN or BLOCK_BEGIN is due: `state` says which */
    char brackets[RSN_LEX_MAX_BRACKETS]; /* the closing ones that are awaited */
    size_t n_brackets;
} rsn_lexer;

/* Copies source[0..n) into the arena. FORMAT for invalid UTF-8. */
reason_status rsn_lex_init(rsn_lexer *lex, rsn_arena *arena, const char *source,
                           size_t n);
/* EOF again and again at the end. */
reason_status rsn_lex_next(rsn_lexer *lex, rsn_tok *tok);
/* The token as a template's author knows it, for sentences. */
rsn_quoted rsn_tok_describe(const rsn_tok *tok);

#endif
