/* Checks for test programs.
 *
 *     #include "check.h"
 *     static void sums(void) {
 *         CHECK(mx_mul_size(3, 4, &n));
 *         CHECK_EQ_INT(n, 12);
 *     }
 *     int main(void) {
 *         RUN(sums);
 *         return check_done();
 *     }
 *
 * A failed check prints where and what and the test goes on; check_done prints `N passed, N failed`
 * and gives the exit status: 0, 1 when a check failed or none was made, 77 when all was skipped.
 * Each check is an expression with the value true or false: `if (!CHECK(p)) return;`.
 */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_passed, check_failed, check_skipped;
static const char *check_where = "";

/* A seed for random data: n itself, or another for each value of the environment variable
 * MLX_TEST_SEED. A test passes under every one. */
__attribute__((unused)) static uint64_t check_seed(uint64_t n) {
    const char *other = getenv("MLX_TEST_SEED");
    return n + (other ? strtoull(other, NULL, 10) * 0x9e3779b97f4a7c15u : 0);
}

/* The folder of the sources, where test data lie. ctest says it in MLX_TEST_SOURCE. */
__attribute__((unused)) static const char *check_source(void) {
    static bool said;
    const char *source = getenv("MLX_TEST_SOURCE");
    if (!source && !said)
        fprintf(
            stderr,
            "MLX_TEST_SOURCE is not set: files are looked for in \"..\"; ctest, or you, set it to "
            "the sources' folder\n");
    said = true;
    return source ? source : "..";
}

__attribute__((unused, format(printf, 4, 5))) static bool
check_that(bool ok, const char *file, int line, const char *format, ...) {
    if (ok) {
        check_passed++;
        return true;
    }
    check_failed++;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: %s: ", file, line, check_where);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

__attribute__((unused)) static bool check_int(long long a, long long b, const char *what,
                                              const char *file, int line) {
    return check_that(a == b, file, line, "%s: %lld, expected %lld", what, a, b);
}

/* |a - b| <= tolerance; equal infinities and two NaNs are near. */
__attribute__((unused)) static bool check_near(double a, double b, double tolerance,
                                               const char *what, const char *file, int line) {
    bool ok = a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance;
    return check_that(ok, file, line, "%s: %.9g, expected %.9g +- %.3g", what, a, b, tolerance);
}

__attribute__((unused)) static bool check_str(const char *a, const char *b, const char *what,
                                              const char *file, int line) {
    bool ok = a && b && strcmp(a, b) == 0;
    return check_that(ok, file, line, "%s: \"%s\", expected \"%s\"", what, a ? a : "(null)",
                      b ? b : "(null)");
}

__attribute__((unused)) static bool check_has(const char *text, const char *part, const char *what,
                                              const char *file, int line) {
    bool ok = text && strstr(text, part);
    return check_that(ok, file, line, "%s: \"%s\" lacks \"%s\"", what, text ? text : "(null)",
                      part);
}

#define CHECK(cond)                 check_that(cond, __FILE__, __LINE__, "%s", #cond)
/* CHECK_MSG(cond, "case %d", i): says the message instead of the expression. */
#define CHECK_MSG(cond, ...)        check_that(cond, __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_EQ_INT(a, b)          check_int(a, b, #a, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance) check_near(a, b, tolerance, #a, __FILE__, __LINE__)
#define CHECK_STR(a, b)             check_str(a, b, #a, __FILE__, __LINE__)
#define CHECK_HAS(text, part)       check_has(text, part, #text, __FILE__, __LINE__)
/* What this machine cannot test: SKIP("no AVX-512"). */
#define SKIP(word)                  (check_skipped++, printf("skipped %s: %s\n", check_where, word))
#define RUN(test)                   (check_where = #test, test())

__attribute__((unused)) static int check_done(void) {
    printf("%d passed, %d failed", check_passed, check_failed);
    printf(check_skipped ? ", %d skipped\n" : "\n", check_skipped);
    if (check_passed + check_failed == 0)
        return check_skipped ? 77 : 1;
    return check_failed ? 1 : 0;
}

#endif
