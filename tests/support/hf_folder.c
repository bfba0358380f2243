/* Owns finding the folders that Transformers wrote, and putting together those of its
 * later release. Leaves arrays to npz.c. Invariant: nothing below tests/data is written.
 */
#include "support/hf_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/npz.h"

static void need(bool condition, const char *what) {
    if (condition)
        return;
    perror(what);
    abort();
}

static char *join(const char *a, const char *b) {
    char *path = malloc(strlen(a) + strlen(b) + 2);
    need(path != NULL, "a path");
    (void)sprintf(path, "%s/%s", a, b);
    return path;
}

char *hf_path(const char *a, const char *b) {
    const char *root = getenv("REASON_SRCDIR");
    char *data = join(root && *root ? root : ".", "tests/data/hf"), *path = join(data, a);
    free(data);
    if (!b)
        return path;
    char *longer = join(path, b);
    free(path);
    return longer;
}

/* Links to all files of `from`; what is there already stays. */
static void link_all(const char *from, const char *to) {
    char *real = realpath(from, NULL);
    need(real != NULL, from);
    DIR *dir = opendir(real);
    need(dir != NULL, from);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char *file = join(real, entry->d_name), *link = join(to, entry->d_name);
        need(symlink(file, link) == 0 || errno == EEXIST, link);
        free(file);
        free(link);
    }
    need(closedir(dir) == 0, from);
    free(real);
}

char *hf_later(const char *name) {
    const char *temporary = getenv("TMPDIR");
    char *folder = join(temporary && *temporary ? temporary : "/tmp", "reason-hf-XXXXXX");
    char *later = hf_path("transformers-5", name), *rest = hf_path(name, NULL);
    need(mkdtemp(folder) != NULL, folder);
    link_all(later, folder);
    link_all(rest, folder);
    free(later);
    free(rest);
    return folder;
}

void hf_later_remove(char *folder) {
    DIR *dir = opendir(folder);
    need(dir != NULL, folder);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            need(unlinkat(dirfd(dir), entry->d_name, 0) == 0, entry->d_name);
    need(closedir(dir) == 0 && rmdir(folder) == 0, folder);
    free(folder);
}

static void *read_array(const char *name, const char *file, const char *array,
                        const char *dtype, size_t *n) {
    char *path = hf_path(name, file);
    void *items = npz_read(path, array, dtype, n);
    free(path);
    return items;
}

int32_t *hf_ints(const char *name, const char *file, const char *array, size_t *n) {
    return read_array(name, file, array, "<i4", n);
}

float *hf_floats(const char *name, const char *file, const char *array, size_t *n) {
    return read_array(name, file, array, "<f4", n);
}
