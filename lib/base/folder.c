/* Owns the making and naming of folders. Invariant: a folder that was there with files in
 * it is never touched. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

enum { N_NAMES = 1000 };

static reason_status fail_system(const char *path, const char *what) {
    int error = errno;
    return rsn_fail(REASON_ERR_IO, "%s: %s: %s", path, what,
                    rsn_describe_errno(error).text);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Whether there is nothing under the name, or a folder without files. */
static bool is_free(const char *path) {
    if (!rsn_file_is_there(path))
        return true;
    DIR *dir = opendir(path);
    bool empty = dir != NULL;
    for (struct dirent *e; empty && (e = readdir(dir)) != NULL;)
        empty = is_dots(e->d_name);
    if (dir)
        (void)closedir(dir);
    return empty;
}

static reason_status make_beside(rsn_folder *f) {
    rsn_str name = {0};
    int made = -1;
    for (unsigned i = 0; i < N_NAMES && made != 0; i++) {
        rsn_str_cut(&name, 0);
        rsn_str_addf(&name, "%s.%ld-%u.part", f->path, (long)getpid(), i);
        if (name.failed)
            break;
        made = mkdir(rsn_str_text(&name), 0777);
        if (made != 0 && errno != EEXIST)
            break;
    }
    reason_status status = name.failed ? rsn_fail_memory(name.n)
                           : made != 0 ? fail_system(f->path, "cannot be made")
                                       : REASON_OK;
    if (status == REASON_OK)
        f->beside = rsn_str_take(&name);
    rsn_str_free(&name);
    return status;
}

reason_status rsn_folder_begin(const char *path, rsn_folder *f) {
    size_t n = strlen(path);
    *f = (rsn_folder){0};
    while (n > 1 && path[n - 1] == '/')
        n--;
    f->path = rsn_strndup(path, n);
    if (!f->path)
        return REASON_ERR_NO_MEMORY;
    reason_status status =
        is_free(f->path) ? make_beside(f)
                         : rsn_fail(REASON_ERR_INVALID_ARG,
                                    "%s: is there and no empty folder; give another name",
                                    f->path);
    if (status != REASON_OK)
        rsn_folder_abandon(f);
    return status;
}

char *rsn_folder_inside(const rsn_folder *f, const char *name) {
    rsn_str path = {0};
    rsn_str_addf(&path, "%s/%s", f->beside, name);
    return rsn_str_take(&path);
}

reason_status rsn_folder_commit(rsn_folder *f) {
    reason_status status = REASON_OK;
    if (rename(f->beside, f->path) != 0) {
        status = fail_system(f->path, "cannot be given its name");
    } else {
        rsn_free(f->beside);
        f->beside = NULL;
    }
    rsn_folder_abandon(f);
    return status;
}

static void remove_files(const char *path) {
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (!is_dots(e->d_name))
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        (void)closedir(dir);
    (void)rmdir(path);
}

void rsn_folder_abandon(rsn_folder *f) {
    if (f->beside)
        remove_files(f->beside);
    rsn_free(f->beside);
    rsn_free(f->path);
    *f = (rsn_folder){0};
}
