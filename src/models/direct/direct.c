/* See direct.h: passes, and the memory of their rows. */
#include "models/direct/direct.h"

#include <string.h>

#include "base/guard.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "models/direct/direct_parts.h"

enum {
    SHORT_RUN = 128, /* passes: about what moving the weights takes is lost by then */
    FEW_ROWS = 32    /* of which two layers have room in the cache */
};

/* --- layers ----------------------------------------------------------------------------------- */

static mx_rows *new_stream(mx_direct *m, const mx_rows *x) {
    mx_rows *r = direct_room(&m->pass, sizeof *r);
    float *data = r ? direct_room(&m->pass, (size_t)(x->rows * x->width) * sizeof *data) : NULL;
    if (!data)
        return NULL;
    *r = (mx_rows){.rows = x->rows, .width = x->width, .data = data};
    return r;
}

/* What waits may read rows of the layer that ends. */
static void next_layer(mx_direct *m) {
    if (m->steps) {
        direct_arena ended = m->layer;
        m->layer = m->former;
        m->former = ended;
    }
    direct_arena_reset(&m->layer);
}

/* What outlives a layer lies in the pass's memory. */
static mx_rows *begin(mx_machine *machine, mx_rows *x) {
    mx_direct *m = direct_of(machine);
    if (!x || mx_interrupted())
        return NULL;
    if (!m->stream && !(m->stream = new_stream(m, x)))
        return NULL;
    bool moves = x->data != m->stream->data;
    if ((moves || x->rows > FEW_ROWS) && !direct_now(m))
        return NULL;
    if (moves)
        memcpy(m->stream->data, x->data, (size_t)(x->rows * x->width) * sizeof(float));
    m->stream->rows = x->rows;
    m->stream->codings = 0;
    next_layer(m);
    return m->stream;
}

static const mx_machine_words words = {
    .begin = begin,
    .embed = direct_embed,
    .norm = direct_norm,
    .products = direct_products,
    .add = direct_add,
    .gate = direct_gate,
    .attend = direct_attend,
    .recur = direct_recur,
    .experts = direct_experts,
    .given = direct_given,
    .beside = direct_beside,
    .keep = direct_keep_rows,
    .wanted = direct_wanted,
    .finish = direct_finish,
};

/* --- passes ----------------------------------------------------------------------------------- */

mx_direct *mx_direct_new(const mx_decoder *d) {
    mx_direct *m = mx_calloc(1, sizeof *m);
    if (m)
        m->machine =
            (mx_machine){.words = &words, .decoder = mx_decoder_retain((mx_decoder *)(uintptr_t)d)};
    return m;
}

void mx_direct_free(mx_direct *m) {
    if (!m)
        return;
    direct_arena_free(&m->pass);
    direct_arena_free(&m->layer);
    direct_arena_free(&m->former);
    mx_free(m->ahead.from);
    mx_decoder_release((mx_decoder *)(uintptr_t)m->machine.decoder);
    mx_free(m);
}

static bool check_span(const mx_direct *m, const mx_span *s, int64_t first, int64_t rows) {
    const mx_sequence *q = s->sequence;
    if (s->first != first || s->count < 1 || s->count > rows - first)
        return mx_fail(MX_INVALID, "[language model] spans do not follow each other");
    if (m->machine.decoder->encoder)
        return true;
    if (!q || s->position != q->length)
        return mx_fail(MX_INVALID, "[language model] a span at position %lld of a text of %lld",
                       (long long)s->position, (long long)(q ? q->length : 0));
    if (q->length + s->count > q->pages * MX_PAGE)
        return mx_fail(MX_INVALID, "[language model] no room is reserved for a span");
    return q->cache->decoder == m->machine.decoder ||
           mx_fail(MX_INVALID, "[language model] a text of another model");
}

static bool check_pass(mx_direct *m, const mx_pass *p) {
    int64_t rows = 0;
    m->room = NULL;
    for (int64_t i = 0; i < p->spans; i++) {
        const mx_sequence *q = p->span[i].sequence;
        if (!check_span(m, &p->span[i], rows, p->rows))
            return false;
        rows += p->span[i].count;
        if (!q)
            continue;
        if (m->room && q->cache->layer != m->room)
            return mx_fail(MX_INVALID, "[language model] texts of two caches in one pass");
        m->room = q->cache->layer;
    }
    if (m->machine.decoder->join.both.kind && !p->hidden)
        return mx_fail(MX_INVALID,
                       "[language model] '%s' looks ahead, and no hidden rows are given",
                       m->machine.decoder->name);
    for (int64_t i = 0; i < p->wanted_rows && p->wanted; i++)
        if (p->wanted[i] < 0 || p->wanted[i] >= p->rows)
            return mx_fail(MX_INVALID, "[language model] a wanted row that is not there");
    return (rows == p->rows && rows > 0) ||
           mx_fail(MX_INVALID, "[language model] %lld rows, spans have %lld", (long long)p->rows,
                   (long long)rows);
}

static void lead(void *ctx) {
    mx_direct *m = ctx;
    const mx_rows *out = mx_walk(&m->machine);
    m->logits = out && direct_now(m) ? out->data : NULL;
}

const float *mx_direct_kept(const mx_direct *m) {
    return m->kept;
}

/* Whatever a mapped file that was cut short has in its place. */
static bool walk(mx_direct *m) {
    unsigned faults = mx_guard_faults();
    if (faults && !mx_decoder_is_whole(m->machine.decoder))
        return false;
    mx_team_run(lead, m);
    return m->logits && (faults == mx_guard_faults() || mx_decoder_is_whole(m->machine.decoder));
}

/* Programs that ask for a few words do not wait for it. */
static void settle(mx_direct *m) {
    if (m->passes < SHORT_RUN)
        m->passes++;
    else
        mx_decoder_settle((mx_decoder *)(uintptr_t)m->machine.decoder);
}

bool mx_direct_pass(mx_direct *m, const mx_pass *pass, const float **logits) {
    *logits = NULL;
    if (!check_pass(m, pass))
        return false;
    direct_arena_reset(&m->pass);
    direct_arena_reset(&m->layer);
    m->machine.pass = pass;
    m->stream = NULL;
    m->kept = NULL;
    m->turned = m->steps = 0;
    m->ahead.at = 0;
    atomic_store(&m->nomem, false);
    settle(m);
    bool ok = walk(m);
    m->machine.pass = NULL;
    if (!ok)
        return false;
    for (int64_t i = 0; i < pass->spans; i++)
        if (pass->span[i].sequence)
            mx_sequence_commit(pass->span[i].sequence, pass->token + pass->span[i].first,
                               pass->span[i].count);
    *logits = m->logits;
    return true;
}
