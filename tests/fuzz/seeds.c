/* Writes the seeds of a fuzz target into a folder, a file each: seeds FOLDER. */
#include <stdio.h>

#include "fuzz.h"

static const char *folder;
static unsigned count;

static void write_one(const void *bytes, size_t size) {
    char name[4096];
    snprintf(name, sizeof name, "%s/%04u", folder, count++);
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f)) {
        perror(name);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "which folder? %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    fuzz_seeds(write_one);
    return count == 0;
}
