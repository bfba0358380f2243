/* Files: read at an offset, mapped, or copied. */
#ifndef REASON_BASE_FILE_H
#define REASON_BASE_FILE_H

#include "base/alloc.h"
#include "base/cancel.h"

/* An error number of the system in words; an array in a struct, so that it lives where it
 * is used. */
typedef struct rsn_error_text {
    char text[128];
} rsn_error_text;
rsn_error_text rsn_describe_errno(int error);

typedef struct rsn_file {
    int fd;        /* -1: closed */
    uint64_t size; /* when it was opened */
} rsn_file;

/* Whether anything has this path, and whether it is a folder. */
bool rsn_file_is_there(const char *path);
bool rsn_file_is_folder(const char *path);

/* Opens a regular file for reading; anything else (folder, device) is an IO error with
 * its name. */
reason_status rsn_file_open(const char *path, rsn_file *file);
/* Reads exactly n bytes at offset; short is IO ("shrank while it was read"). The
 * sentences of this and of rsn_blob_load() do not name the file: put it before with
 * rsn_fail_within(). */
reason_status rsn_file_read(const rsn_file *file, uint64_t offset, void *out, size_t n);
void rsn_file_close(rsn_file *file); /* closed already is fine */

/* Bytes of a file, mapped to be read or copied. */
typedef struct rsn_blob {
    uint8_t *data; /* where it was copied: 64-byte aligned, and may be written */
    size_t size;
    bool mapped;
    void *base;       /* private: what to give back; NULL: nothing */
    size_t base_size; /* private: of a mapping */
} rsn_blob;

/* Maps or copies bytes [offset, offset + n) of the file, which must lie inside it (else
 * IO); offset need not be aligned. After a mapping the file's size is checked again. The
 * blob outlives the open file. n = 0 gives a valid pointer. `cancel` is looked at while
 * bytes are copied (CANCELLED); it may be NULL. */
reason_status rsn_blob_load(const rsn_file *file, uint64_t offset, size_t n, bool map,
                            const rsn_cancel *cancel, rsn_blob *blob);
void rsn_blob_free(rsn_blob *blob);
/* Gives the pages of n bytes of a mapping back; they are read again when needed. */
void rsn_blob_forget(const uint8_t *bytes, size_t n);

#endif
