#include "models/sampling/penalties.h"

#include <math.h>

#include "base/mem.h"

static bool is_inside(int token, size_t n) {
    return token >= 0 && (size_t)token < n;
}

static size_t first_of(const mx_history *h, int last) {
    return last > 0 && (size_t)last < h->count ? h->count - (size_t)last : 0;
}

/* --- tokens that were there ------------------------------------------------------------------- */

typedef struct seen {
    unsigned all, generated;
} seen;

static float penalized(const mx_sampling *o, float logit, seen s) {
    double x = logit, r = o->repetition_penalty;
    if (r > 0)
        x = x > 0 ? x / r : x * r;
    x -= s.generated * o->frequency_penalty + (s.generated > 0) * o->presence_penalty;
    return (float)x;
}

bool mx_penalize_repeats(const mx_sampling *o, const mx_history *h, float *logits, size_t n) {
    bool none = (o->repetition_penalty == 0 || o->repetition_penalty == 1) &&
                o->presence_penalty == 0 && o->frequency_penalty == 0;
    seen *s = none ? NULL : mx_calloc(n + 1, sizeof *s);
    if (!s)
        return none;
    size_t first = first_of(h, o->penalty_last);
    for (size_t i = first; i < h->count; i++)
        if (is_inside(h->token[i], n)) {
            s[h->token[i]].all++;
            s[h->token[i]].generated += i >= h->prompt;
        }
    for (size_t i = 0; i < n; i++)
        if (s[i].all)
            logits[i] = penalized(o, logits[i], s[i]);
    mx_free(s);
    return true;
}

/* --- sequences that were there ---------------------------------------------------------------- */

/* z[i]: how many tokens before place n - i are the same as before the end. (The Z-function,
   Gusfield 1997, of the text read backwards.) */
static void match_lengths(const int *t, size_t n, size_t *z) {
    for (size_t i = 1, left = 0, right = 0; i < n; i++) {
        size_t k = i < right ? (z[i - left] < right - i ? z[i - left] : right - i) : 0;
        while (i + k < n && t[n - 1 - k] == t[n - 1 - i - k])
            k++;
        z[i] = k;
        if (i + k > right)
            left = i, right = i + k;
    }
}

static bool breaks(const mx_sampling *o, int token) {
    for (size_t i = 0; i < o->dry_breaker_count; i++)
        if (o->dry_breakers[i] == token)
            return true;
    return false;
}

/* The longest repetition that each token would go on with, into longest[token]. */
static void find_longest(const mx_sampling *o, const int *t, size_t n, const size_t *z,
                         size_t *longest, size_t vocabulary) {
    size_t most = 0;
    while (most < n && !breaks(o, t[n - 1 - most]))
        most++;
    for (size_t i = 1; i < n; i++) {
        int next = t[n - i];
        size_t length = z[i] < most ? z[i] : most;
        if (is_inside(next, vocabulary) && length > longest[next])
            longest[next] = length;
    }
}

bool mx_penalize_sequences(const mx_sampling *o, const mx_history *h, float *logits, size_t n) {
    size_t first = first_of(h, o->dry_last), count = h->count - first;
    size_t allowed = o->dry_allowed > 0 ? (size_t)o->dry_allowed : 2;
    double base = o->dry_base > 0 ? o->dry_base : 1.75;
    if (o->dry_multiplier == 0 || count < 2)
        return true;
    size_t *z = mx_calloc(count, sizeof *z), *longest = mx_calloc(n + 1, sizeof *longest);
    if (z && longest) {
        match_lengths(h->token + first, count, z);
        find_longest(o, h->token + first, count, z, longest, n);
        for (size_t i = 0; i < n; i++)
            if (longest[i] >= allowed)
                logits[i] -=
                    (float)fmin(o->dry_multiplier * pow(base, (double)(longest[i] - allowed)),
                                1e30);
    }
    bool ok = z && longest;
    mx_free(z);
    mx_free(longest);
    return ok;
}
