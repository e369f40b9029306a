/* What happens to the heads of a row: they are turned, and kept in the cache. */
#include "kernels/attention/k_rope.h"
#include "models/direct/direct_parts.h"

void direct_turn(const direct_turns *turns, float *x, int64_t row, int64_t count, int64_t n) {
    if (!turns)
        return;
    const mx_rotation *r = turns->rope;
    int64_t at = row * (r->rotated / 2);
    for (int64_t i = 0; i < count; i++, x += n)
        mx_kernels_get()->rope->rows[MX_FLOAT32](x, n, x, n, turns->cosine + at, turns->sine + at,
                                                 1, (size_t)n, (size_t)r->rotated, r->adjacent,
                                                 false);
}

void direct_keep(mx_direct *m, const mx_layer_room *room, int64_t row, const float *k,
                 const float *v) {
    const mx_span *s = direct_span_of(m->machine.pass, row);
    const mx_sequence *q = s->sequence;
    if (!q)
        return;
    int64_t at = s->position + row - s->first;
    const mx_page *p = q->page[at / MX_PAGE];
    for (int64_t i = 0; i < room->heads; i++) {
        mx_part_put(&room->key, mx_page_keys(p, room, i), at % MX_PAGE, k + i * room->key.width);
        mx_part_put(&room->value, mx_page_values(p, room, i), at % MX_PAGE,
                    v + i * room->value.width);
    }
}
