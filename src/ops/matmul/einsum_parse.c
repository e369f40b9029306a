/* The subscripts of an Einstein summation: see einsum.h. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "ops/matmul/einsum.h"

enum { TEXT = 256 };

/* One side's text, and where reading stands. */
typedef struct reader {
    const char *p, *end;
    int ellipsis; /* axes of the widest one */
} reader;

static void skip_blanks(reader *r) {
    while (r->p < r->end && isspace((unsigned char)*r->p))
        r->p++;
}

static int letter(char c) {
    return MX_EINSUM_LETTERS + (c <= 'Z' ? c - 'A' : 26 + c - 'a');
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool add(mx_einsum_term *t, int label) {
    if (t->n == MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[einsum] more than %d subscripts", MX_MAX_NDIM);
    t->label[t->n++] = (uint8_t)label;
    return true;
}

/* `axes` labels, the last of which is that of the ellipsis' last axis. */
static bool add_ellipsis(mx_einsum_term *t, int axes) {
    bool ok = true;
    for (int i = 0; i < axes && ok; i++)
        ok = add(t, MX_EINSUM_LETTERS - axes + i);
    return ok;
}

/* Letters up to a comma or the end, without the ellipsis; where it stands, or -1. */
static bool read_term(reader *r, mx_einsum_term *t, int *ellipsis) {
    *ellipsis = -1;
    for (skip_blanks(r); r->p < r->end && *r->p != ','; skip_blanks(r)) {
        if (is_letter(*r->p)) {
            if (!add(t, letter(*r->p++)))
                return false;
        } else if (*ellipsis < 0 && r->end - r->p >= 3 && memcmp(r->p, "...", 3) == 0) {
            *ellipsis = t->n;
            r->p += 3;
        } else {
            return mx_fail(MX_INVALID, "[einsum] Subscripts must be letters, but got '%c'.", *r->p);
        }
    }
    return true;
}

/* Put the axes of the ellipsis in its place. */
static bool expand(mx_einsum_term *t, int at, int axes) {
    mx_einsum_term all = {.n = at};
    memcpy(all.label, t->label, (size_t)at);
    if (!add_ellipsis(&all, axes))
        return false;
    for (int i = at; i < t->n; i++)
        if (!add(&all, t->label[i]))
            return false;
    *t = all;
    return true;
}

static bool read_operand(reader *r, mx_einsum_term *t, const mx_array *a, int which) {
    int at;
    if (!read_term(r, t, &at))
        return false;
    int axes = a->ndim - t->n;
    if (axes < 0 || (at < 0 && axes > 0))
        return mx_fail(MX_INVALID,
                       "[einsum] Invalid number of subscripts %d for input %d with %d dimensions.",
                       t->n, which, a->ndim);
    if (at < 0)
        return true;
    r->ellipsis = axes > r->ellipsis ? axes : r->ellipsis;
    return expand(t, at, axes);
}

static bool wrong_count(int given, int terms) {
    return mx_fail(MX_INVALID,
                   "[einsum] Number of operands, %d, does not match number of input subscripts, %d",
                   given, terms);
}

static int count_terms(const reader *r) {
    int terms = 1;
    for (const char *p = r->p; p < r->end; p++)
        terms += *p == ',';
    return terms;
}

static bool read_operands(mx_einsum_spec *e, reader *r, mx_array *const *in) {
    if (count_terms(r) != e->n)
        return wrong_count(e->n, count_terms(r));
    for (int i = 0; i < e->n; i++) {
        if (!read_operand(r, &e->in[i], in[i], i))
            return false;
        r->p++; // the comma
    }
    return true;
}

/* Every label that stands once, in order; all of the ellipsis. */
static bool imply_output(mx_einsum_spec *e, int ellipsis) {
    int seen[MX_EINSUM_LABELS] = {0};
    for (int i = 0; i < e->n; i++)
        for (int k = 0; k < e->in[i].n; k++)
            seen[e->in[i].label[k]]++;
    bool ok = add_ellipsis(&e->out, ellipsis);
    for (int l = MX_EINSUM_LETTERS; l < MX_EINSUM_LABELS && ok; l++)
        ok = seen[l] != 1 || add(&e->out, l);
    return ok;
}

static char name_of(int label) {
    int i = label - MX_EINSUM_LETTERS;
    return (char)(i < 0 ? '.' : i < 26 ? 'A' + i : 'a' + i - 26);
}

static bool check_output(const mx_einsum_spec *e) {
    mx_labels given = 0, used = 0;
    for (int i = 0; i < e->n; i++)
        given |= mx_einsum_labels(&e->in[i]);
    for (int k = 0; k < e->out.n; k++) {
        mx_labels one = mx_label_set(e->out.label[k]);
        if (used & one)
            return mx_fail(MX_INVALID, "[einsum] Repeat indices not allowed in output.");
        if (!(given & one))
            return mx_fail(MX_INVALID, "[einsum] the output subscript '%c' is in no input.",
                           name_of(e->out.label[k]));
        used |= one;
    }
    return true;
}

static bool read_output(mx_einsum_spec *e, reader *r, int ellipsis) {
    int at;
    if (!read_term(r, &e->out, &at))
        return false;
    if (r->p < r->end)
        return mx_fail(MX_INVALID, "[einsum] Subscripts must be letters, but got '%c'.", *r->p);
    return at < 0 || expand(&e->out, at, ellipsis);
}

/* --- sizes ---------------------------------------------------------------------------- */

static bool check_repeats(const mx_einsum_term *t, const mx_array *a) {
    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < i; k++)
            if (t->label[i] == t->label[k] && a->shape[i] != a->shape[k])
                return mx_fail(MX_INVALID,
                               "[einsum] Dimensions of repeated subscripts do not have the same "
                               "size (%d != %d).",
                               a->shape[k], a->shape[i]);
    return true;
}

static bool wrong_size(const mx_array *a, int which, int axis, int64_t size) {
    char text[TEXT];
    return mx_fail(MX_INVALID,
                   "[einsum] Cannot broadcast dimension %d of input %d with shape %s to size %lld.",
                   axis, which, mx_shape_text(text, TEXT, a->shape, a->ndim), (long long)size);
}

static bool find_sizes(mx_einsum_spec *e, mx_array *const *in) {
    for (int l = 0; l < MX_EINSUM_LABELS; l++)
        e->size[l] = 1;
    for (int i = 0; i < e->n; i++) {
        if (!check_repeats(&e->in[i], in[i]))
            return false;
        for (int k = 0; k < e->in[i].n; k++) {
            int64_t *size = &e->size[e->in[i].label[k]], n = in[i]->shape[k];
            if (n != 1 && *size != 1 && *size != n)
                return wrong_size(in[i], i, k, *size);
            *size = n == 1 ? *size : n;
        }
    }
    return true;
}

/* --- the whole ------------------------------------------------------------------------ */

static bool parse(mx_einsum_spec *e, const char *text, mx_array *const *in) {
    const char *end = text + strlen(text), *arrow = strstr(text, "->");
    reader left = {text, arrow ? arrow : end, 0};
    if (!read_operands(e, &left, in))
        return false;
    reader right = {arrow ? arrow + 2 : end, end, 0};
    bool ok = arrow ? read_output(e, &right, left.ellipsis) : imply_output(e, left.ellipsis);
    return ok && check_output(e) && find_sizes(e, in);
}

bool mx_einsum_open(mx_einsum_spec *e, const char *subscripts, mx_array *const *in, int n) {
    *e = (mx_einsum_spec){.n = n};
    if (n < 1)
        return mx_fail(MX_INVALID, "[einsum] At least one operand is required.");
    if (!subscripts)
        return mx_fail(MX_INVALID, "[einsum] There are no subscripts.");
    for (int i = 0; i < n; i++)
        if (!in[i])
            return false;
    e->in = mx_calloc((size_t)n, sizeof *e->in);
    e->pair = mx_calloc((size_t)n, sizeof *e->pair);
    return e->in && e->pair && parse(e, subscripts, in) && mx_einsum_choose(e);
}

void mx_einsum_free(mx_einsum_spec *e) {
    mx_free(e->in);
    mx_free(e->pair);
    *e = (mx_einsum_spec){0};
}
