/* Runs a fuzz target over stored inputs, without a fuzzer: each argument is a file, or a
 * folder whose files are taken. Exit 0 if all were run, 2 if one could not be read or
 * there was none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fail(const char *path) {
    perror(path);
    return 2;
}

/* The input lies in memory of exactly its size: sanitizers then see a read behind it. */
static int run_file(const char *path, size_t size) {
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    int result = file && data && fread(data, 1, size, file) == size ? 0 : fail(path);
    if (file)
        (void)fclose(file);
    if (result == 0) {
        (void)printf("%s\n", path);
        (void)fflush(stdout); /* named before it can crash */
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return result;
}

static int run_folder(const char *path, size_t *n_run) {
    DIR *folder = opendir(path);
    if (!folder)
        return fail(path);
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(folder));) {
        char name[4096];
        struct stat info;
        int n = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof name || stat(name, &info) != 0)
            result = fail(entry->d_name);
        else if (S_ISREG(info.st_mode)) {
            result = run_file(name, (size_t)info.st_size);
            ++*n_run;
        }
    }
    (void)closedir(folder);
    return result;
}

int main(int argc, char **argv) {
    size_t n_run = 0;
    int result = 0;
    for (int i = 1; i < argc && result == 0; i++) {
        struct stat info;
        if (stat(argv[i], &info) != 0)
            return fail(argv[i]);
        if (S_ISDIR(info.st_mode)) {
            result = run_folder(argv[i], &n_run);
        } else {
            result = run_file(argv[i], (size_t)info.st_size);
            n_run++;
        }
    }
    (void)printf("%zu inputs\n", n_run);
    return n_run ? result : 2;
}
