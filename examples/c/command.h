/* The frame of the programs: how they are used, numbers and files among their arguments, and
 * whether what they printed has gone anywhere.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The status of a program that has printed all it had to print: 1 and a word where it could not. */
static inline int printed(void) {
    if (!fflush(stdout) && !ferror(stdout))
        return 0;
    fprintf(stderr, "standard output cannot be written\n");
    return 1;
}

/* Ends the program unless it has from `least` to `most` arguments; --help or -h, which is the first
   of them, tells how it is used. Without a standard output the first file would be opened in its
   place. */
static inline void begin_command(int argc, char **argv, const char *usage, int least, int most) {
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(usage, stdout);
        exit(printed());
    }
    if (argc - 1 < least || argc - 1 > most) {
        fputs(usage, stderr);
        exit(2);
    }
    if (fcntl(1, F_GETFD) < 0) {
        fprintf(stderr, "standard output is closed\n");
        exit(1);
    }
}

/* A whole number from 1 to a million, or the program ends. */
static inline int count_of(const char *what, const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > 1000000) {
        fprintf(stderr, "%s are a whole number from 1 to 1000000, not '%s'\n", what, text);
        exit(2);
    }
    return (int)value;
}

/* The name of a file to write, which says its format, or the program ends. */
static inline const char *file_of(const char *what, const char *path, const char *ending) {
    size_t n = strlen(path), k = strlen(ending);
    if (n > k && !strcmp(path + n - k, ending))
        return path;
    fprintf(stderr, "%s written to a file %s, not '%s'\n", what, ending, path);
    exit(2);
}

#endif
