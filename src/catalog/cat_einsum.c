/* Einstein sums, and the order in which they are taken. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/cat.h"

/* subscripts, *operands, stream */
static int call_einsum(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_einsum(OUT, args[0].as.string, args[1].as.arrays, ON(2));
}

/* --- the path's description -------------------------------------------------------------------------- */

/* Letters as bits: a-z, then A-Z. */
typedef uint64_t letters;

static letters letter_bit(char c) {
    return islower((unsigned char)c) ? (letters)1 << (c - 'a') : (letters)1 << (26 + c - 'A');
}

enum { MAX_TERMS = 64 };

/* What is known of a sum: the letters of each operand, of the result, and the sizes. */
typedef struct sum {
    int terms;
    letters term[MAX_TERMS], result, all;
    double size[52];
} sum;

static double product(const sum *s, letters l) {
    double p = 1;
    for (int i = 0; i < 52; i++)
        if (l >> i & 1)
            p *= s->size[i];
    return p;
}

/* Operations of one step: a product for each combination and, where letters are summed away, an addition. */
static double step_cost(const sum *s, letters l, bool sums, int terms) {
    return product(s, l) * ((terms > 2 ? terms - 1 : 1) + sums);
}

static void read_term(sum *s, const char *from, const char *to, mlx_array a) {
    letters *term = &s->term[s->terms++];
    size_t axis = 0;
    for (*term = 0; from < to; from++)
        if (isalpha((unsigned char)*from)) {
            letters bit = letter_bit(*from);
            *term |= bit;
            if (axis < mlx_array_ndim(a))
                s->size[__builtin_ctzll(bit)] = mlx_array_shape(a)[axis++];
        }
    s->all |= *term;
}

/* Without an arrow the result has the letters that occur once. */
static void read_result(sum *s, const char *text, const char *end) {
    const char *arrow = strstr(text, "->");
    letters once = 0, twice = 0;
    for (const char *p = arrow ? arrow + 2 : text; arrow ? *p : p < end; p++)
        if (isalpha((unsigned char)*p)) {
            twice |= once & letter_bit(*p);
            once |= letter_bit(*p);
        }
    s->result = arrow ? once : once & ~twice;
}

static int read_sum(sum *s, const char *text, mlx_vector_array operands) {
    const char *end = strstr(text, "->") ? strstr(text, "->") : text + strlen(text), *p = text;
    memset(s, 0, sizeof *s);
    if (mlx_vector_array_size(operands) > MAX_TERMS)
        return cat_fail(MX_INVALID, "[einsum_path] at most %d operands", MAX_TERMS);
    for (size_t i = 0; i < mlx_vector_array_size(operands); i++) {
        mlx_array a = mlx_array_new();
        const char *stop = memchr(p, ',', (size_t)(end - p));
        if (mlx_vector_array_get(&a, operands, i))
            return 1;
        read_term(s, p, stop ? stop : end, a);
        mlx_array_free(a);
        p = stop ? stop + 1 : end;
    }
    read_result(s, text, end);
    return 0;
}

static letters take(sum *s, int i) {
    letters l = s->term[i];
    memmove(s->term + i, s->term + i + 1, (size_t)(--s->terms - i) * sizeof *s->term);
    return l;
}

/* Walk the path: the cost of all steps, and the most letters in one of them. */
static double walk(sum *s, const int *path, size_t steps, int *scaling) {
    double cost = 0;
    for (size_t k = 0; k < steps; k++) {
        int i = path[2 * k], j = path[2 * k + 1], first = j > i ? j : i, second = j > i ? i : j;
        letters here = take(s, first), kept = s->result;
        if (second >= 0)
            here |= take(s, second);
        for (int t = 0; t < s->terms; t++)
            kept |= s->term[t];
        cost += step_cost(s, here, (here & ~kept) != 0, 2);
        *scaling = __builtin_popcountll(here) > *scaling ? __builtin_popcountll(here) : *scaling;
        s->term[s->terms++] = here & kept;
    }
    return cost;
}

static int describe(mlx_value *out, const char *text, mlx_vector_array operands, const int *path, size_t steps) {
    sum s;
    int scaling = 0;
    char numbers[320];
    if (read_sum(&s, text, operands))
        return 1;
    double naive = step_cost(&s, s.all, (s.all & ~s.result) != 0, s.terms);
    int letters_in_all = __builtin_popcountll(s.all);
    double best = walk(&s, path, steps, &scaling);
    int n = snprintf(numbers, sizeof numbers,
                     "\n         Naive scaling:  %d\n     Optimized scaling:  %d\n      Naive FLOP count:  %g\n"
                     "  Optimized FLOP count:  %g\n", letters_in_all, scaling, naive, best);
    static const char head[] = "  Complete contraction:  ";
    mx_error_clear();
    char *all = mx_malloc(sizeof head + strlen(text) + (size_t)n);
    if (!all)
        return cat_fail(MX_NOMEM, "[einsum_path] out of memory");
    sprintf(all, "%s%s%s", head, text, numbers);
    *out = (mlx_value){.kind = MLX_VALUE_STRING, .owned = true, .as.string = all};
    return 0;
}

static int path_value(mlx_value *out, const int *path, size_t steps) {
    if (mlx_value_new_list(out, steps))
        return 1;
    for (size_t k = 0; k < steps; k++) {
        size_t n = path[2 * k + 1] < 0 ? 1 : 2;
        if (mlx_value_new_ints(&out->as.items[k], n))
            return 1;
        memcpy(out->as.items[k].as.ints, path + 2 * k, n * sizeof *path);
    }
    return 0;
}

static int copy_path(mlx_value *out, mlx_vector_int from) {
    size_t n = mlx_vector_int_size(from);
    if (mlx_value_new_ints(out, n))
        return 1;
    for (size_t i = 0; i < n; i++)
        if (mlx_vector_int_get(&out->as.ints[i], from, i))
            return 1;
    return 0;
}

/* subscripts, *operands */
static int call_einsum_path(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_vector_int steps = mlx_vector_int_new();
    mlx_value path = {.kind = MLX_VALUE_NONE};
    const char *text = args[0].as.string;
    (void)op;
    int status = mlx_einsum_path(&steps, text, args[1].as.arrays) || copy_path(&path, steps) ||
                 mlx_value_new_list(res, 2) ||
                 path_value(&res->as.items[0], path.as.ints, (size_t)path.count / 2) ||
                 describe(&res->as.items[1], text, args[1].as.arrays, path.as.ints, (size_t)path.count / 2);
    mlx_value_free(&path);
    mlx_vector_int_free(steps);
    return status;
}

const mlx_operation cat_einsum_rows[] = {
    {CORE, "einsum(subscripts: str, *operands, " STREAM,
     "The sum of products over the letters of subscripts, such as \"ij,jk->ik\": axes with one letter go together, letters "
     "that are not behind the arrow are summed. Without an arrow the result has the letters that occur once, in "
     "alphabetical order.", call_einsum},
    {CORE, "einsum_path(subscripts: str, *operands)",
     "The order in which einsum takes its operands, as a list of their places, and a text about its cost.",
     call_einsum_path},
    {NULL},
};
