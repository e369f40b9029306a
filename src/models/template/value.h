/* Values of a template, as Python has them, and the memory that a run makes them in.
 *
 * A run has one heap, which only grows and goes with the run: nothing is let go on the way, texts
 * may be parts of others, and the limit on memory is that of the heap. Containers do not change
 * after they were made (but namespaces), so that a container is never inside itself; how deep they
 * are in each other is counted when they are made.
 *
 * The first failure sticks: it is recorded (base/status.h) and `failed` is set. Functions that
 * return bool say whether the run may go on.
 */
#ifndef MX_TEMPLATE_VALUE_H
#define MX_TEMPLATE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    TM_MOST_TEXT = 4 << 20,  /* bytes of a template */
    TM_MOST_NESTING = 100,   /* of tags, and of parentheses, in each other */
    TM_MOST_DEPTH = 300,     /* of the tree */
    TM_MOST_CALLS = 900,     /* nodes of the tree at work at once, also through macros */
    TM_MOST_LEVELS = 200,    /* of containers in each other */
    TM_MOST_RANGE = 100000,  /* numbers of a range() */
    TM_MOST_ARGUMENTS = 1000 /* of a call */
};

typedef enum tm_kind {
    TM_MISSING,   /* an argument that was not given */
    TM_UNDEFINED, /* n, p: what message it gives */
    TM_NONE,
    TM_BOOL, /* i */
    TM_INT,  /* i */
    TM_FLOAT,
    TM_STR, /* n bytes at p: valid UTF-8 */
    TM_SEQ,
    TM_DICT,
    TM_SPACE,  /* a namespace: dict, which may change */
    TM_LOOP,   /* the `loop` of a for */
    TM_MACRO,  /* also a caller */
    TM_METHOD, /* a function of a value */
    TM_NATIVE, /* a global function */
    TM_CYCLER, /* seq; i: the next */
    TM_JOINER
} tm_kind;

typedef enum tm_look {
    TM_LIST,
    TM_TUPLE,
    TM_ITERATOR, /* what generators are in Python: no length, to be read once */
    TM_RANGE,
    TM_KEYS,
    TM_VALUES,
    TM_ITEMS
} tm_look;

/* Why a value is undefined: what stands in its n. p is a name. */
typedef enum tm_why {
    TM_WHY_NAME,  /* no such variable */
    TM_WHY_SAID,  /* p is the message */
    TM_WHY_OWNER, /* + a tm_owner: it has no such attribute */
} tm_why;

struct tm_value;
struct tm_node;
typedef struct tm_seq {
    tm_look look;
    bool names;   /* a group of groupby: its items are `grouper` and `list`, too */
    int levels;   /* 1 + those of the items */
    size_t n, at; /* at: an iterator's next */
    struct tm_value *item;
    int64_t start, stop, step; /* of a range */
} tm_seq;

typedef struct tm_value {
    tm_kind kind;
    union {
        size_t n;
        int64_t i;
        double f;
    };
    union {
        const char *p;
        tm_seq *seq;
        struct tm_dict *dict;
        struct tm_loop *loop;
        struct tm_macro *macro;
        struct tm_method *method;
        const struct tm_native *native;
        struct tm_cycler *cycler;
    };
} tm_value;

typedef struct tm_pair {
    tm_value key, value;
    uint64_t hash;
} tm_pair;

/* In the order of insertion. Beyond a few pairs slots find them: pair + 1, 0 is free. */
typedef struct tm_dict {
    size_t n, room, slots;
    int levels;
    tm_pair *pair;
    uint32_t *slot;
} tm_dict;

typedef struct tm_cycler {
    tm_seq *seq; /* NULL: a joiner of `text` */
    size_t at;
    tm_value text;
} tm_cycler;

/* --- the run ------------------------------------------------------------------------------- */

typedef struct tm_chunk {
    struct tm_chunk *next;
    size_t used, room;
} tm_chunk;

/* A text that was made by adding to another, and what is free behind it. */
typedef struct tm_tail {
    char *p;
    size_t used, room;
} tm_tail;
enum { TM_TAILS = 4 };

typedef struct tm_run {
    const struct mx_template *template;
    bool failed;
    uint32_t line;
    uint64_t steps, most_steps;
    uint64_t memory, most_memory;
    uint64_t most_output;
    int64_t now;
    int depth; /* nodes at work */
    tm_chunk *chunk;
    char *out; /* the text so far, behind it what is being made */
    size_t out_n, out_room;
    tm_tail tail[TM_TAILS];
    unsigned next_tail;
    uint64_t secret; /* of hashes */
    struct tm_frame *frame, *spare_frames;
    const struct tm_calls *calls;
} tm_run;

/* The arguments of a call; keywords are texts. */
typedef struct tm_args {
    const tm_value *pos;
    const tm_pair *word;
    size_t n, words;
} tm_args;

/* What the files below need from those above. */
typedef struct tm_calls {
    /* A filter or test by name, of a->pos[0]. */
    bool (*filter)(tm_run *r, const tm_value *name, const tm_args *a, tm_value *out);
    bool (*test)(tm_run *r, const tm_value *name, const tm_args *a, bool *out);
    const struct tm_native *(*find_filter)(const char *p, size_t n);
    const struct tm_native *(*find_test)(const char *p, size_t n);
    bool (*eval)(tm_run *r, const struct tm_node *n, tm_value *out);
    /* a + b */
    bool (*add)(tm_run *r, const tm_args *two, tm_value *out);
    bool (*macro)(tm_run *r, const struct tm_macro *m, const tm_args *a, tm_value *out);
    bool (*loop)(tm_run *r, const struct tm_loop *l, const tm_args *a, tm_value *out);
} tm_calls;

/* Records "[template] name line N: ..."; returns false. */
bool tm_fail(tm_run *r, mx_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* n steps of work. */
bool tm_spend(tm_run *r, uint64_t n);
/* Memory of the run, for any type. NULL and an error. */
void *tm_alloc(tm_run *r, size_t count, size_t size);
void tm_heap_free(tm_run *r);

/* --- texts that are being made: at the end of the output ------------------------------------- */

/* Where one begins. */
size_t tm_begin(const tm_run *r);
void tm_put(tm_run *r, const char *p, size_t n);
void tm_put_text(tm_run *r, const char *s);
void tm_put_char(tm_run *r, uint32_t c);
void tm_put_format(tm_run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What stands behind `begin` becomes a text of the heap. */
bool tm_take(tm_run *r, size_t begin, tm_value *out);
/* a and b one behind the other. Adding to what came out of this takes no longer than b does. */
bool tm_join(tm_run *r, const tm_value *a, const tm_value *b, tm_value *out);

/* --- making values ------------------------------------------------------------------------- */

static inline tm_value tm_none(void) {
    return (tm_value){.kind = TM_NONE};
}
static inline tm_value tm_bool(bool b) {
    return (tm_value){.kind = TM_BOOL, .i = b};
}
static inline tm_value tm_int(int64_t i) {
    return (tm_value){.kind = TM_INT, .i = i};
}
static inline tm_value tm_float(double f) {
    return (tm_value){.kind = TM_FLOAT, .f = f};
}
static inline tm_value tm_str(const char *p, size_t n) {
    return (tm_value){.kind = TM_STR, .n = n, .p = p};
}
tm_value tm_word(const char *s); /* of a text with a zero that stays */
tm_value tm_undefined(const char *message);
tm_value tm_of_seq(tm_seq *s);
tm_value tm_of_dict(tm_dict *d);
/* How deep lists and dicts are in each other. */
int tm_levels(const tm_value *v);

/* Room for n items, to be filled (n becomes the room). NULL and an error. */
tm_seq *tm_seq_new(tm_run *r, tm_look look, size_t n);
/* Its levels, when it is filled. False and an error: too many. */
bool tm_seq_done(tm_run *r, tm_seq *s);
/* A list that grows while it is made. */
typedef struct tm_list {
    tm_value *item;
    size_t n, room;
} tm_list;
bool tm_list_add(tm_run *r, tm_list *l, const tm_value *v);
bool tm_list_done(tm_run *r, const tm_list *l, tm_look look, tm_value *out);

tm_dict *tm_dict_new(tm_run *r);
/* False and an error: no memory, too many levels, or the key cannot be one. */
bool tm_dict_set(tm_run *r, tm_dict *d, const tm_value *key, const tm_value *value);
/* *out is NULL where there is none. */
bool tm_dict_get(tm_run *r, const tm_dict *d, const tm_value *key, const tm_value **out);
/* The same of a word; NULL: there is none. */
const tm_value *tm_dict_word(tm_run *r, const tm_dict *d, const char *p, size_t n);

/* --- what values are ------------------------------------------------------------------------- */

static inline bool tm_is_given(const tm_value *v) {
    return v->kind != TM_MISSING;
}
static inline bool tm_is_number(const tm_value *v) {
    return v->kind == TM_BOOL || v->kind == TM_INT || v->kind == TM_FLOAT;
}
static inline bool tm_is_whole(const tm_value *v) { /* an int, of which bool is a kind */
    return v->kind == TM_BOOL || v->kind == TM_INT;
}
static inline bool tm_is_seq(const tm_value *v, tm_look look) {
    return v->kind == TM_SEQ && v->seq->look == look;
}
static inline double tm_number(const tm_value *v) {
    return v->kind == TM_FLOAT ? v->f : (double)v->i;
}
bool tm_is_word(const tm_value *v, const char *word);

/* As Python calls the type: "str", "list". */
const char *tm_type(const tm_value *v);
bool tm_truth(const tm_value *v);
bool tm_equal(tm_run *r, const tm_value *a, const tm_value *b, bool *out);
/* False for dicts and lists, and tuples that hold one: they are no keys and no names. */
bool tm_is_hashable(const tm_value *v);
/* -1, 0, 1; 2: not ordered (NaN). False and an error: no order between such types. */
bool tm_order(tm_run *r, const tm_value *a, const tm_value *b, const char *sign, int *out);
/* The items of what can be iterated, as a seq of a look that does not matter; iterators are used
   up. False and an error otherwise. */
bool tm_items(tm_run *r, const tm_value *v, const tm_seq **out);
/* False and an error: it has no length. */
bool tm_length(tm_run *r, const tm_value *v, int64_t *out);
/* The error of an undefined value. Returns false. */
bool tm_fail_undefined(tm_run *r, const tm_value *v);

#endif
