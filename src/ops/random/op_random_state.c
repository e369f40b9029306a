/* The random state of a thread: the key that is split where the caller gives none,
 * next = split(state)[1], state = split(state)[0].
 *
 *     words      seeded, or given as data: two uint32, split at once
 *     pending    given as an array that is still to be computed, or that a transform
 *                traces (a compiled function's state): split in the graph
 *
 * Each thread has its own, seeded by the clock until someone seeds it.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "kernels/random/k_random.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

typedef struct random_state {
    uint32_t words[2];
    bool seeded;
    mx_array *pending; /* retained; NULL: the words count */
} random_state;

static _Thread_local random_state state;
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool can_keep;

static void drop(void *s) {
    mx_array *old = ((random_state *)s)->pending;
    ((random_state *)s)->pending = NULL;
    mx_array_release(old);
}

static void make_key(void) {
    can_keep = pthread_key_create(&at_exit, drop) == 0;
}

static mx_array *key_of(const uint32_t words[2]) {
    return mx_array_from(words, &(int){2}, 1, MX_UINT32);
}

mx_array *mx_random_key(uint64_t seed) {
    return key_of((uint32_t[2]){(uint32_t)(seed >> 32), (uint32_t)seed});
}

/* --- words ------------------------------------------------------------------------ */

static void set_words(uint32_t first, uint32_t second) {
    state.words[0] = first;
    state.words[1] = second;
    state.seeded = true;
    drop(&state);
}

void mx_random_seed(uint64_t seed) {
    set_words((uint32_t)(seed >> 32), (uint32_t)seed);
}

static void seed_once(void) {
    struct timespec t;
    if (state.seeded)
        return;
    clock_gettime(CLOCK_REALTIME, &t);
    mx_random_seed((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

static mx_array *split_words(void) {
    uint32_t next[4];
    mx_random_stream stream = {{state.words[0], state.words[1]}, sizeof next};
    mx_kernels_get()->random->pairs(next, &stream, 0, 2);
    memcpy(state.words, next, sizeof state.words);
    return key_of(next + 2);
}

/* --- arrays ----------------------------------------------------------------------- */

static bool is_data(const mx_array *a) {
    return mx_array_available(a) && !a->tracer;
}

static void take_words(const mx_array *a) {
    const uint32_t *v = (const uint32_t *)(void *)a->data;
    set_words(v[0], v[a->strides[0]]);
}

static bool keep(mx_array *a) {
    pthread_once(&once, make_key);
    if (!can_keep || pthread_setspecific(at_exit, &state) != 0)
        return mx_fail_nomem("random_set_state", sizeof state);
    mx_array *old = state.pending;
    state.pending = mx_array_retain(a);
    mx_array_release(old);
    return true;
}

bool mx_random_set_state(mx_array *a) {
    char text[256];
    if (!a)
        return false;
    if (mx_dtype_of(a) != MX_UINT32 || !mx_shape_is(a, &(int){2}, 1))
        return mx_fail(MX_INVALID,
                       "[random_set_state] Expected a uint32 key of shape (2) but "
                       "received %s of shape %s.",
                       mx_dtype_name(mx_dtype_of(a)),
                       mx_shape_text(text, sizeof text, a->shape, a->ndim));
    if (!is_data(a))
        return keep(a);
    take_words(a);
    return true;
}

static void settle(void) {
    if (state.pending && is_data(state.pending))
        take_words(state.pending);
    else if (!state.pending)
        seed_once();
}

mx_array *mx_random_get_state(void) {
    settle();
    return state.pending ? mx_own(mx_array_retain(state.pending)) : key_of(state.words);
}

static mx_array *row(mx_array *a, int i) {
    return mx_squeeze_axis(mx_slice_axis(a, 0, i, i + 1), 0);
}

mx_array *mx_random_next_key(void) {
    settle();
    if (!state.pending)
        return split_words();
    mx_array *both = mx_random_split(state.pending, 2);
    mx_array *rest = row(both, 0), *key = row(both, 1);
    return rest && key && keep(rest) ? key : NULL;
}
