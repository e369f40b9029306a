/* The measuring loop of benchmarks whose rows are expressions on arrays. The file that includes
 * this has defined
 *
 *     ROWS         ROW(name, expression) for each row
 *     prepare()    makes the arrays that the expressions use
 *
 * and gets a main that prints `name<tab>best milliseconds` for each row whose name contains the
 * first argument; BENCH_CPU=1 counts processor time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "graph/eval/eval.h"

static clockid_t which_clock = CLOCK_MONOTONIC;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(which_clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static mx_array *build(int row) {
    int i = 0;
#define ROW(name, expression) \
    if (row == i++)           \
        return expression;
    ROWS
#undef ROW
        return NULL;
}

static double once(int row) {
    mx_scope s = mx_scope_open();
    double start = now_ms();
    mx_scope building = mx_scope_open();
    mx_array *y = mx_scope_return(building, build(row));
    bool ok = y && mx_eval1(y);
    double ms = now_ms() - start;
    mx_scope_close(s);
    if (!ok)
        fprintf(stderr, "row %d: %s\n", row, mx_error_message());
    mx_error_clear();
    return ok ? ms : -1;
}

static void measure(int row, const char *name) {
    double best = once(row), spent = best;
    for (int i = 0; best >= 0 && i < 200 && (i < 5 || spent < 300); i++) {
        double ms = once(row);
        spent += ms;
        best = ms < best ? ms : best;
    }
    printf("%s\t%.4f\n", name, best);
    fflush(stdout);
}

int main(int argc, char **argv) {
    static const char *const names[] = {
#define ROW(name, expression) name,
        ROWS
#undef ROW
    };
    mx_scope s = mx_scope_open();
    which_clock = getenv("BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    prepare();
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (argc < 2 || strstr(names[i], argv[1]))
            measure(i, names[i]);
    mx_scope_close(s);
    return 0;
}
