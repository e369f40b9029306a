/* See dfa.h. */
#include "models/structure/automaton/dfa.h"

#include "base/mem.h"

sg_dfa *sg_dfa_new(uint32_t states, uint32_t letters) {
    sg_dfa *d = mx_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    size_t cells = (size_t)states * letters;
    *d = (sg_dfa){.states = states, .letters = letters};
    d->next = mx_malloc(cells * sizeof *d->next);
    d->final = mx_calloc(states, sizeof *d->final);
    if (!d->next || !d->final) {
        sg_dfa_free(d);
        return NULL;
    }
    for (size_t i = 0; i < cells; i++)
        d->next[i] = SG_DEAD;
    return d;
}

void sg_dfa_free(sg_dfa *d) {
    if (!d)
        return;
    mx_free(d->next);
    mx_free(d->final);
    mx_free(d);
}

bool sg_dfa_accepts(const sg_dfa *d, const char *text, size_t n) {
    uint32_t s = d->states ? 0 : SG_DEAD;
    for (size_t i = 0; i < n && s != SG_DEAD; i++)
        s = d->next[(size_t)s * d->letters + d->letter[(unsigned char)text[i]]];
    return s != SG_DEAD && d->final[s];
}

/* Which states reach a final one, from the last to the first, as most ways lead onwards. */
static void find_alive(const sg_dfa *d, bool *alive) {
    for (bool more = true; more;) {
        more = false;
        for (uint32_t s = d->states; s-- > 0;) {
            const uint32_t *row = d->next + (size_t)s * d->letters;
            bool now = alive[s] || d->final[s];
            for (uint32_t i = 0; i < d->letters && !now; i++)
                now = row[i] != SG_DEAD && alive[row[i]];
            more |= now != alive[s];
            alive[s] = now;
        }
    }
}

/* Live states keep their order. */
static void renumber(sg_dfa *d, const bool *alive, uint32_t *number) {
    uint32_t n = 0;
    for (uint32_t s = 0; s < d->states; s++)
        number[s] = alive[s] ? n++ : SG_DEAD;
    for (uint32_t s = 0; s < d->states; s++) {
        if (!alive[s])
            continue;
        uint32_t *to = d->next + (size_t)number[s] * d->letters;
        const uint32_t *from = d->next + (size_t)s * d->letters;
        for (uint32_t i = 0; i < d->letters; i++)
            to[i] = from[i] == SG_DEAD ? SG_DEAD : number[from[i]];
        d->final[number[s]] = d->final[s];
    }
    d->states = d->states && alive[0] ? n : 0;
}

bool sg_dfa_trim(sg_dfa *d) {
    bool *alive = mx_calloc(d->states, sizeof *alive);
    uint32_t *number = mx_malloc(d->states * sizeof *number);
    bool ok = alive && number;
    if (ok) {
        find_alive(d, alive);
        renumber(d, alive, number);
    }
    mx_free(alive);
    mx_free(number);
    return ok;
}
