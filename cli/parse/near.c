/* The word that was probably meant: by the least number of letters to insert, drop, change or swap
   (Damerau 1964, Levenshtein 1966; restricted to adjacent swaps). */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { LONGEST = 40 };

static int least(int a, int b) {
    return a < b ? a : b;
}

static int distance(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b), d[LONGEST + 1][LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            int same = a[i - 1] == b[j - 1];
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

const char *cli_near(const char *word, const char *(*next)(size_t i, const void *data),
                     const void *data) {
    while (*word == '-')
        word++;
    static _Thread_local char best[LONGEST + 1]; // a candidate need not outlive the next one
    const char *candidate;
    bool found = false;
    // a third of the letters may be wrong; a beginning counts as near, too
    int most = (int)strlen(word) / 3 + 1;
    for (size_t i = 0; (candidate = next(i, data)); i++) {
        bool begins = strlen(word) >= 2 && strncmp(candidate, word, strlen(word)) == 0;
        int d = begins ? 0 : distance(word, candidate);
        if (d <= most && (!found || d < most)) {
            snprintf(best, sizeof best, "%s", candidate);
            found = true;
            most = d;
        }
    }
    return found ? best : NULL;
}
