/* Guesses from the text itself (prompt look-up, Saxena 2023). */
#include <string.h>

#include "models/generate/work.h"

enum { LONGEST = 4, SHORTEST = 2, FURTHEST = 1 << 16 };

/* Behind the last place before the end where the last `length` tokens stand; 0: nowhere. */
static size_t found(const int *token, size_t n, size_t length) {
    size_t least = n > FURTHEST ? n - FURTHEST : 0;
    for (size_t at = n - 1; at >= least + length; at--)
        if (token[at - 1] == token[n - 1] &&
            !memcmp(token + at - length, token + n - length, length * sizeof *token))
            return at;
    return 0;
}

size_t gen_look_up(const int *token, size_t n, int *guess, size_t most) {
    for (size_t length = LONGEST; length >= SHORTEST; length--) {
        size_t at = n > length ? found(token, n, length) : 0;
        if (!at)
            continue;
        most = most < n - at ? most : n - at;
        memcpy(guess, token + at, most * sizeof *guess);
        return most;
    }
    return 0;
}
