/*
 * What libFuzzer's main does with a finished corpus: every file of the folders given goes through
 * the target once, in memory of exactly its size, so that a sanitizer or valgrind sees a read
 * beyond it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PATH = 4096, MAX_SEED_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(MAX_SEED_BYTES);
    if (file == NULL || data == NULL) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        return 1;
    }
    size_t n = fread(data, 1, MAX_SEED_BYTES, file);
    (void)fclose(file);
    uint8_t *exact = realloc(data, n > 0 ? n : 1);
    (void)LLVMFuzzerTestOneInput(exact != NULL ? exact : data, n);
    free(exact != NULL ? exact : data);
    return 0;
}

static int
replay_folder(const char *folder, int *n_files)
{
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        (void)fprintf(stderr, "%s: no corpus\n", folder);
        return 1;
    }
    int status = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[MAX_PATH];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        status |= replay_file(path);
        (*n_files)++;
    }
    (void)closedir(directory);
    return status;
}

int
main(int argc, char **argv)
{
    int status = 0;
    int n_files = 0;
    for (int i = 1; i < argc; i++) {
        status |= replay_folder(argv[i], &n_files);
    }
    (void)printf("%d seeds\n", n_files);
    return n_files > 0 ? status : 1;
}
