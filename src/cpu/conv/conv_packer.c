/* See conv_packer.h. Where all rows of a panel lie at equal distances inside the input, the
 * engine's own packer reads them there; elsewhere (borders, ends of lines) the rows are
 * gathered first.
 */
#include "cpu/conv/conv_packer.h"

#include <string.h>

enum { MOST_ROWS = 64, GATHER_BYTES = 16384 };

/* Column k, taken apart. */
typedef struct column {
    int64_t tap[3], channel;
} column;

conv_place conv_place_of(const conv_patches *p, int64_t row) {
    conv_place r;
    for (int i = 2; i >= 0; i--) {
        const conv_axis *a = &p->axis[i];
        r.at[i] = row % a->count * a->stride;
        row /= a->count;
    }
    r.image = row;
    return r;
}

void conv_next_place(const conv_patches *p, conv_place *r) {
    for (int i = 2; i >= 0; i--) {
        const conv_axis *a = &p->axis[i];
        r->at[i] += a->stride;
        if (r->at[i] < a->count * a->stride)
            return;
        r->at[i] = 0;
    }
    r->image++;
}

static column column_of(const conv_patches *p, int64_t k) {
    column c = {.channel = k % p->group};
    k /= p->group;
    for (int i = 2; i >= 0; i--) {
        c.tap[i] = k % p->axis[i].taps;
        k /= p->axis[i].taps;
    }
    return c;
}

/* Columns from c on that may be adjacent in memory: to the end of the channels, or of a
   line of taps. */
static int64_t run_length(const conv_patches *p, const column *c) {
    int64_t taps = p->runs ? p->axis[2].taps - c->tap[2] : 1;
    return taps * p->group - c->channel;
}

static void skip(const conv_patches *p, column *c, int64_t n) {
    c->channel += n;
    c->tap[2] += c->channel / p->group;
    c->channel %= p->group;
    for (int i = 2; i > 0 && c->tap[i] >= p->axis[i].taps; i--) {
        c->tap[i - 1] += c->tap[i] / p->axis[i].taps;
        c->tap[i] %= p->axis[i].taps;
    }
}

/* The number of the line of the last axis that row r sees through c, or -1 outside the input. */
static int64_t line_of(const conv_patches *p, const conv_place *r, const column *c) {
    int64_t line = r->image;
    for (int i = 0; i < 2; i++) {
        const conv_axis *a = &p->axis[i];
        int64_t q = r->at[i] + a->offset[c->tap[i]];
        if (q < 0 || q >= a->in)
            return -1;
        line = line * a->in + q;
    }
    return line;
}

/* n elements of the run at c as row r sees them, zeros outside; group 0 begins at x. */
static void copy_run(const conv_patches *p, const char *x, const conv_place *r, const column *c,
                     int64_t n, char *dst) {
    const conv_axis *a = &p->axis[2];
    int64_t line = line_of(p, r, c), q = r->at[2] + a->offset[c->tap[2]];
    int64_t before = 0, end = n;
    if (p->runs) {
        int64_t at = q * p->group + c->channel, most = a->in * p->group - at;
        before = at < 0 ? (-at < n ? -at : n) : 0;
        end = most < n ? most : n;
    } else if (q < 0 || q >= a->in) {
        end = 0;
    }
    if (line < 0 || end <= before) {
        memset(dst, 0, (size_t)n * p->size);
        return;
    }
    int64_t from = (line * a->in + q) * p->channels + c->channel;
    memset(dst, 0, (size_t)before * p->size);
    memcpy(dst + (size_t)before * p->size, x + (from + before) * (int64_t)p->size,
           (size_t)(end - before) * p->size);
    memset(dst + (size_t)end * p->size, 0, (size_t)(n - end) * p->size);
}

static void gather_row(const conv_patches *p, const char *x, const conv_place *r, column c,
                       int64_t n, char *dst) {
    while (n > 0) {
        int64_t most = run_length(p, &c), len = most < n ? most : n;
        copy_run(p, x, r, &c, len, dst);
        dst += (size_t)len * p->size;
        skip(p, &c, len);
        n -= len;
    }
}

/* Is the run of n columns at c inside the input for this row? */
static bool inside(const conv_patches *p, const conv_place *r, const column *c, int64_t n) {
    const conv_axis *a = &p->axis[2];
    int64_t q = r->at[2] + a->offset[c->tap[2]], last = q + (c->channel + n - 1) / p->group;
    return q >= 0 && last < a->in && line_of(p, r, c) >= 0;
}

/* One panel: its rows, and the function that packs them. */
typedef struct panel {
    const conv_patches *p;
    const mx_k_gemm *format;
    const char *x; /* of the group */
    int w, rows;
    bool even; /* all rows are on one line of the last axis */
    conv_place row[MOST_ROWS];
} panel;

static void set_rows(panel *b, int64_t first) {
    b->row[0] = conv_place_of(b->p, first);
    for (int i = 1; i < b->rows; i++) {
        b->row[i] = b->row[i - 1];
        conv_next_place(b->p, &b->row[i]);
    }
    const conv_axis *a = &b->p->axis[2];
    b->even = b->row[0].at[2] + (b->rows - 1) * a->stride == b->row[b->rows - 1].at[2];
}

static void pack_gathered(const panel *b, const column *c, int64_t n, char *dst) {
    char line[GATHER_BYTES] __attribute__((aligned(64)));
    for (int r = 0; r < b->rows; r++)
        gather_row(b->p, b->x, &b->row[r], *c, n, line + (size_t)(r * n) * b->p->size);
    b->format->pack[b->p->dtype](dst, b->w, line, n, 1, b->rows, n);
}

static void pack_in_place(const panel *b, const column *c, int64_t n, char *dst) {
    const conv_patches *p = b->p;
    int64_t line = line_of(p, &b->row[0], c);
    int64_t q = line * p->axis[2].in + b->row[0].at[2] + p->axis[2].offset[c->tap[2]];
    const char *src = b->x + (q * p->channels + c->channel) * (int64_t)p->size;
    b->format->pack[p->dtype](dst, b->w, src, p->axis[2].stride * p->channels, 1, b->rows, n);
}

/* Columns of a panel in pieces: whole runs where they can stay in place, else what fits. */
static void pack_panel(const panel *b, column c, int64_t k, char *dst) {
    const conv_patches *p = b->p;
    int64_t group = b->format->kgroup,
            fit = GATHER_BYTES / ((int64_t)p->size * b->w) / group * group;
    while (k > 0) {
        int64_t run = run_length(p, &c), n = run < k ? run : k;
        bool whole = n % group == 0 || n == k;
        bool stay = b->even && whole && inside(p, &b->row[0], &c, n) &&
                    inside(p, &b->row[b->rows - 1], &c, n);
        if (!stay)
            n = !whole || n > fit || n < 32 ? (fit < k ? fit : k) : n;
        (stay ? pack_in_place : pack_gathered)(b, &c, n, dst);
        dst += (size_t)(n / group) * (size_t)(b->w * b->format->in_size);
        skip(p, &c, n);
        k -= n;
    }
}

static void pack(const void *ctx, const mx_k_gemm *format, int64_t batch, void *dst,
                 size_t panel_bytes, int w, int64_t i0, int64_t rows, int64_t k0, int64_t k) {
    const conv_patches *p = ctx;
    panel b = {.p = p, .format = format, .w = w};
    b.x = p->x + batch * p->group * (int64_t)p->size;
    column c = column_of(p, k0);
    for (int64_t i = 0; i < rows; i += w) {
        b.rows = (int)(rows - i < w ? rows - i : w);
        set_rows(&b, i0 + i);
        pack_panel(&b, c, k, (char *)dst + (size_t)(i / w) * panel_bytes);
    }
}

mx_packer conv_packer(const conv_patches *p) {
    return (mx_packer){pack, p};
}

/* --- patches as operand b ------------------------------------------------------------- */

/* One panel of columns: n of them from `first` on. */
typedef struct columns {
    const conv_patches *p;
    const mx_k_gemm *format;
    const char *x; /* of the group */
    int w;
    int64_t n;
    column first;
} columns;

/* Positions k of a line from r on that see the whole run of columns inside the input: from..to. */
static void find_inside(const columns *b, const conv_place *r, int64_t k, int64_t *from,
                        int64_t *to) {
    const conv_axis *a = &b->p->axis[2];
    int64_t low = r->at[2] + a->offset[b->first.tap[2]];
    int64_t high = low + (b->first.channel + b->n - 1) / b->p->group;
    *from = low < 0 ? (-low + a->stride - 1) / a->stride : 0;
    *to = high < a->in ? (a->in - 1 - high) / a->stride + 1 : 0;
    *to = *to < k ? *to : k;
    *from = *from < *to ? *from : *to;
}

/* Positions at an end of a line, one by one. */
static void pack_edge(const columns *b, conv_place r, int64_t k, char *dst) {
    char line[MOST_ROWS * sizeof(double)] __attribute__((aligned(64)));
    size_t step = (size_t)(b->w * b->format->in_size);
    for (int64_t i = 0; i < k; i++, dst += step, r.at[2] += b->p->axis[2].stride) {
        copy_run(b->p, b->x, &r, &b->first, b->n, line);
        b->format->pack[b->p->dtype](dst, b->w, line, 1, b->n, (int)b->n, 1);
    }
}

/* k positions of one line: the middle where it lies. */
static void pack_line_of(const columns *b, conv_place r, int64_t k, char *dst) {
    const conv_patches *p = b->p;
    size_t step = (size_t)(b->w * b->format->in_size);
    int64_t line = line_of(p, &r, &b->first), stride = p->axis[2].stride, from, to;
    if (line < 0) {
        memset(dst, 0, (size_t)k * step);
        return;
    }
    find_inside(b, &r, k, &from, &to);
    pack_edge(b, r, from, dst);
    r.at[2] += from * stride;
    int64_t q = line * p->axis[2].in + r.at[2] + p->axis[2].offset[b->first.tap[2]];
    const char *src = b->x + (q * p->channels + b->first.channel) * (int64_t)p->size;
    if (to > from)
        b->format->pack[p->dtype](dst + (size_t)from * step, b->w, src, 1, stride * p->channels,
                                  (int)b->n, to - from);
    r.at[2] += (to - from) * stride;
    pack_edge(b, r, k - to, dst + (size_t)to * step);
}

/* A panel that is one run: line by line. */
static void pack_lines(const columns *b, int64_t k0, int64_t k, char *dst) {
    const conv_axis *a = &b->p->axis[2];
    size_t step = (size_t)(b->w * b->format->in_size);
    conv_place r = conv_place_of(b->p, k0);
    while (k > 0) {
        int64_t n = a->count - r.at[2] / a->stride;
        n = n < k ? n : k;
        pack_line_of(b, r, n, dst);
        r.at[2] += (n - 1) * a->stride;
        conv_next_place(b->p, &r);
        dst += (size_t)n * step;
        k -= n;
    }
}

/* Any panel: some positions are gathered, then packed. */
static void pack_positions(const columns *b, int64_t k0, int64_t k, char *dst) {
    char lines[GATHER_BYTES] __attribute__((aligned(64)));
    size_t bytes = (size_t)b->n * b->p->size;
    int64_t group = b->format->kgroup, most = GATHER_BYTES / (int64_t)bytes / group * group;
    conv_place r = conv_place_of(b->p, k0);
    for (int64_t n; k > 0; k -= n) {
        n = most < k ? most : k;
        for (int64_t i = 0; i < n; i++, conv_next_place(b->p, &r))
            gather_row(b->p, b->x, &r, b->first, b->n, lines + (size_t)i * bytes);
        b->format->pack[b->p->dtype](dst, b->w, lines, 1, b->n, (int)b->n, n);
        dst += (size_t)(n / group) * (size_t)(b->w * b->format->in_size);
    }
}

static void pack_columns(const void *ctx, const mx_k_gemm *format, int64_t batch, void *dst,
                         size_t panel_bytes, int w, int64_t i0, int64_t rows, int64_t k0,
                         int64_t k) {
    const conv_patches *p = ctx;
    columns b = {.p = p, .format = format, .w = w};
    b.x = p->x + batch * p->group * (int64_t)p->size;
    for (int64_t i = 0; i < rows; i += w) {
        char *to = (char *)dst + (size_t)(i / w) * panel_bytes;
        b.n = rows - i < w ? rows - i : w;
        b.first = column_of(p, i0 + i);
        bool one_run = run_length(p, &b.first) >= b.n && format->kgroup == 1;
        (one_run ? pack_lines : pack_positions)(&b, k0, k, to);
    }
}

mx_packer conv_column_packer(const conv_patches *p) {
    return (mx_packer){pack_columns, p};
}
