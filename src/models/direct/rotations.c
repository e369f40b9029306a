/* Rotations of a pass: cos and sin of its rows, once for all layers that turn alike. */
#include <math.h>

#include "models/direct/direct_parts.h"

typedef struct turning {
    const mx_pass *pass;
    direct_turns *to;
} turning;

/* Beyond the near context of its text a row turns by the far frequencies. */
static void turn_row(const mx_rotation *r, float *cosine, float *sine, int64_t position, bool far) {
    const float *f = far ? r->far : r->frequency;
    double magnitude = far ? (double)r->far_magnitude : (double)r->magnitude;
    for (int i = 0; i < r->rotated / 2; i++) {
        double angle = (double)position * (double)f[i];
        cosine[i] = (float)(cos(angle) * magnitude);
        sine[i] = (float)(sin(angle) * magnitude);
    }
}

static void turn_body(void *ctx, int64_t begin, int64_t end) {
    const turning *t = ctx;
    const mx_rotation *r = t->to->rope;
    for (int64_t i = begin; i < end; i++) {
        const mx_span *s = direct_span_of(t->pass, i);
        const mx_sequence *q = s->sequence;
        bool far = r->far && ((q && q->far) || s->position + s->count > r->near_context);
        turn_row(r, t->to->cosine + i * (r->rotated / 2), t->to->sine + i * (r->rotated / 2),
                 s->position + i - s->first, far);
    }
}

static bool same_turns(const mx_rotation *a, const mx_rotation *b) {
    return a->frequency == b->frequency && a->rotated == b->rotated && a->far == b->far &&
           a->magnitude == b->magnitude;
}

const direct_turns *direct_turns_of(mx_direct *m, const mx_rotation *rope) {
    for (int i = 0; i < m->turned; i++)
        if (same_turns(m->turns[i].rope, rope))
            return &m->turns[i];
    int at = m->turned < DIRECT_TURNS ? m->turned++ : DIRECT_TURNS - 1;
    const mx_pass *p = m->machine.pass;
    size_t bytes = (size_t)(p->rows * (rope->rotated / 2)) * sizeof(float);
    direct_turns *t = &m->turns[at];
    *t = (direct_turns){.rope = rope};
    t->cosine = direct_room(&m->pass, bytes);
    t->sine = t->cosine ? direct_room(&m->pass, bytes) : NULL;
    if (!t->sine) {
        m->turned--;
        return NULL;
    }
    turning job = {p, t};
    direct_each(m, p->rows, 64 * rope->rotated, turn_body, &job);
    return t;
}
