/* See stacks.h. */
#include "models/structure/stacks.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

/* --- frames ---------------------------------------------------------------------------------- */

static size_t hash_of(const sg_stacks *s, uint32_t state, uint32_t parent) {
    uint64_t h = ((uint64_t)parent << 32 | state) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & (s->buckets - 1);
}

static void link_in(sg_stacks *s, uint32_t i) {
    size_t h = hash_of(s, s->frame[i].state, s->frame[i].parent);
    s->frame[i].next = s->bucket[h];
    s->bucket[h] = i;
}

static bool more_buckets(sg_stacks *s) {
    size_t n = 2 * s->buckets;
    uint32_t *bucket = mx_calloc(n, sizeof *bucket);
    if (!bucket)
        return false;
    mx_free(s->bucket);
    s->bucket = bucket;
    s->buckets = n;
    for (uint32_t i = 2; i < s->frames; i++)
        link_in(s, i);
    return true;
}

bool sg_stacks_begin(sg_stacks *s, const sg_grammar *g) {
    *s = (sg_stacks){.g = g, .buckets = 256};
    s->bucket = mx_calloc(s->buckets, sizeof *s->bucket);
    bool ok = s->bucket && mx_grow(&s->frame, &s->frame_room, 64, sizeof *s->frame);
    if (ok)
        memset(s->frame, 0, 2 * sizeof *s->frame);
    s->frames = 2; // SG_BOTTOM and SG_UNKNOWN
    return ok;
}

bool sg_stacks_copy(sg_stacks *to, const sg_stacks *from) {
    *to = (sg_stacks){.g = from->g, .frames = from->frames, .buckets = from->buckets};
    to->bucket = mx_memdup(from->bucket, from->buckets * sizeof *to->bucket);
    if (!to->bucket || !mx_grow(&to->frame, &to->frame_room, from->frames, sizeof *to->frame))
        return false;
    memcpy(to->frame, from->frame, from->frames * sizeof *to->frame);
    return true;
}

void sg_stacks_end(sg_stacks *s) {
    mx_free(s->frame);
    mx_free(s->bucket);
    mx_free(s->top);
    *s = (sg_stacks){0};
}

/* The newest frame of a bucket is its first, so that dropping from the end only moves heads. */
void sg_stacks_cut(sg_stacks *s, size_t frames, size_t tops) {
    for (; s->frames > frames; s->frames--) {
        const sg_frame *f = &s->frame[s->frames - 1];
        s->bucket[hash_of(s, f->state, f->parent)] = f->next;
    }
    s->tops = tops;
}

/* The frame's number; 0: it would be too deep, or an error. */
static uint32_t frame_of(sg_stacks *s, uint32_t state, uint32_t parent) {
    for (uint32_t i = s->bucket[hash_of(s, state, parent)]; i; i = s->frame[i].next)
        if (s->frame[i].state == state && s->frame[i].parent == parent)
            return i;
    uint32_t depth = s->frame[parent].depth + 1;
    s->deep |= depth > SG_MOST_STACK;
    if (depth > SG_MOST_STACK || s->failed)
        return 0;
    if (s->frames >= SG_MOST_FRAMES)
        mx_fail(MX_RANGE, "[structure] the text has more than %d different nestings",
                SG_MOST_FRAMES);
    if (s->frames >= SG_MOST_FRAMES ||
        !mx_grow(&s->frame, &s->frame_room, s->frames + 1, sizeof *s->frame) ||
        (s->frames >= s->buckets && !more_buckets(s))) {
        s->failed = true;
        return 0;
    }
    s->highest = depth > s->highest ? depth : s->highest;
    s->frame[s->frames] = (sg_frame){state, parent, 0, depth};
    link_in(s, (uint32_t)s->frames);
    return (uint32_t)s->frames++;
}

/* --- tops ------------------------------------------------------------------------------------ */

/* Unless it is in the list that begins at `first`. */
static void add(sg_stacks *s, size_t first, uint32_t state, uint32_t parent) {
    for (size_t i = first; i < s->tops; i++)
        if (s->top[i].state == state && s->top[i].parent == parent)
            return;
    if (s->failed)
        return;
    if (s->tops - first >= SG_MOST_TOPS)
        mx_fail(MX_RANGE,
                "[structure] it is too ambiguous: the text can be read in more than %d ways",
                SG_MOST_TOPS);
    s->failed = s->tops - first >= SG_MOST_TOPS ||
                !mx_grow(&s->top, &s->top_room, s->tops + 1, sizeof *s->top);
    if (!s->failed)
        s->top[s->tops++] = (sg_top){state, parent};
}

static void add_calls(sg_stacks *s, size_t first, sg_top t) {
    const sg_state *x = &s->g->state[t.state];
    for (uint32_t i = 0; i < x->calls; i++) {
        sg_call c = s->g->call[x->call + i];
        bool tail = s->g->state[c.then].bare;
        uint32_t parent = tail ? t.parent : frame_of(s, c.then, t.parent);
        if (tail || parent)
            add(s, first, c.start, parent);
    }
}

static void add_parent(sg_stacks *s, size_t first, sg_top t) {
    s->complete |= t.parent == SG_BOTTOM;
    s->below |= t.parent == SG_UNKNOWN;
    if (t.parent > SG_UNKNOWN)
        add(s, first, s->frame[t.parent].state, s->frame[t.parent].parent);
}

/* Calls and returns until nothing is new; then only what has bytes stays. */
static size_t close_list(sg_stacks *s, size_t first) {
    for (size_t i = first; i < s->tops && !s->failed; i++) {
        sg_top t = s->top[i];
        add_calls(s, first, t);
        if (s->g->state[t.state].final)
            add_parent(s, first, t);
    }
    size_t n = first;
    for (size_t i = first; i < s->tops; i++)
        if (s->g->state[s->top[i].state].bytes)
            s->top[n++] = s->top[i];
    s->tops = n;
    return n - first;
}

bool sg_stacks_push(sg_stacks *s, sg_top t) {
    s->failed = s->failed || !mx_grow(&s->top, &s->top_room, s->tops + 1, sizeof *s->top);
    if (!s->failed)
        s->top[s->tops++] = t;
    return !s->failed;
}

size_t sg_stacks_enter(sg_stacks *s, uint32_t state, uint32_t parent) {
    size_t first = s->tops;
    s->complete = s->below = s->deep = false;
    add(s, first, state, parent);
    return close_list(s, first);
}

size_t sg_stacks_step(sg_stacks *s, size_t from, size_t count, unsigned char byte) {
    size_t first = s->tops;
    bool plain = true;
    s->complete = s->below = s->deep = false;
    for (size_t i = from; i < from + count; i++) {
        sg_top t = s->top[i];
        t.state = sg_next(s->g, t.state, byte);
        if (t.state == SG_DEAD)
            continue;
        plain &= s->g->state[t.state].plain;
        add(s, first, t.state, t.parent);
    }
    return plain ? s->tops - first : close_list(s, first);
}
