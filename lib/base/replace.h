/* A file that appears under its name whole or not at all: it is written beside the target
 * under another name, made durable, and renamed. Until then an existing target stays as
 * it is. */
#ifndef REASON_BASE_REPLACE_H
#define REASON_BASE_REPLACE_H

#include "base/file.h"

typedef struct rsn_replace {
    int fd; /* -1: nothing is open */
    char *path, *beside; /* the target, and what is written for now */
    uint64_t n_bytes;    /* written so far */
    uint64_t flushed;    /* private: the disk was asked to take these already */
} rsn_replace;

/* Starts a file that will have about `expected` bytes; IO if the folder is not there, the
 * target is no regular file, or the file system or this process's limit has no room. */
reason_status rsn_replace_begin(const char *path, uint64_t expected, rsn_replace *r);
/* Appends. IO names the target and the reason. */
reason_status rsn_replace_write(rsn_replace *r, const void *bytes, size_t n);
/* Makes what was written durable, under its name; whatever happens the file is closed,
 * and on failure gone. */
reason_status rsn_replace_commit(rsn_replace *r);
/* Takes what was written away; fine after a commit, and for a zeroed struct whose fd is
 * -1. */
void rsn_replace_abandon(rsn_replace *r);

/* Whether two paths lead to the same file that is there, by whatever names. */
bool rsn_same_file(const char *a, const char *b);

#endif
