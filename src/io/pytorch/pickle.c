/* The machine of pickle.h. */
#include "io/pytorch/pickle.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"

/* --- the stack ------------------------------------------------------------------------------ */

static bool grow(pk_value ***list, size_t *room, size_t need) {
    if (need <= *room)
        return true;
    size_t n = *room ? 2 * *room : 64;
    pk_value **more = mx_realloc_array(*list, n, sizeof *more);
    if (more) {
        *list = more;
        *room = n;
    }
    return more != NULL;
}

static bool push(pk_machine *m, pk_value *v) {
    if (!v)
        return false;
    if (m->depth == PK_MOST_STACK)
        return pk_fail(m, "the pickle's stack is too deep", NULL);
    if (!grow(&m->stack, &m->stack_room, m->depth + 1))
        return false;
    m->stack[m->depth++] = v;
    return true;
}

static pk_value *pop(pk_machine *m) {
    if (m->depth && m->stack[m->depth - 1]->kind != PK_MARK)
        return m->stack[--m->depth];
    return pk_fail(m, "the pickle takes a value from an empty stack", NULL);
}

static pk_value *top(pk_machine *m) {
    pk_value *v = pop(m);
    m->depth += v != NULL;
    return v;
}

/* Where the values above the last mark begin; the mark goes. SIZE_MAX and an error: there is
   none. */
static size_t marked(pk_machine *m) {
    for (size_t i = m->depth; i > 0; i--)
        if (m->stack[i - 1]->kind == PK_MARK)
            return i;
    pk_fail(m, "the pickle lacks a mark", NULL);
    return SIZE_MAX;
}

/* The values from `start` on into a list; what is below `drop` stays on the stack. */
static bool take_into(pk_machine *m, pk_value *list, size_t start) {
    bool ok = true;
    for (size_t i = start; ok && i < m->depth; i++)
        ok = pk_append(m, list, m->stack[i]);
    m->depth = start;
    return ok;
}

static bool push_marked(pk_machine *m, pk_kind kind) {
    size_t start = marked(m);
    pk_value *v = start == SIZE_MAX ? NULL : pk_new(m, kind);
    if (!v || !take_into(m, v, start))
        return false;
    m->depth--; // the mark
    return push(m, v);
}

static bool push_tuple(pk_machine *m, size_t n) {
    pk_value *v = pk_new(m, PK_LIST);
    if (!v)
        return false;
    for (size_t i = 0; i < n; i++)
        if (m->depth < n || m->stack[m->depth - 1 - i]->kind == PK_MARK)
            return pk_fail(m, "the pickle takes a value from an empty stack", NULL);
    return take_into(m, v, m->depth - n) && push(m, v);
}

/* Onto a container below the mark. */
static bool extend(pk_machine *m, pk_kind kind) {
    size_t start = marked(m);
    if (start == SIZE_MAX)
        return false;
    pk_value *list = start >= 2 ? m->stack[start - 2] : NULL;
    if (!list || list->kind != kind || (kind == PK_DICT && (m->depth - start) % 2))
        return pk_fail(m, "the pickle fills something that is no container", NULL);
    bool ok = take_into(m, list, start);
    m->depth--;
    return ok;
}

static bool append_one(pk_machine *m) {
    pk_value *v = pop(m), *list = v ? top(m) : NULL;
    if (list && list->kind == PK_LIST)
        return pk_append(m, list, v);
    return list ? pk_fail(m, "the pickle fills something that is no container", NULL) : false;
}

static bool set_one(pk_machine *m) {
    pk_value *v = pop(m), *key = v ? pop(m) : NULL, *dict = key ? top(m) : NULL;
    if (dict && dict->kind == PK_DICT)
        return pk_append(m, dict, key) && pk_append(m, dict, v);
    return dict ? pk_fail(m, "the pickle fills something that is no container", NULL) : false;
}

/* --- the memo ------------------------------------------------------------------------------- */

/* Picklers number without gaps, so that a number cannot ask for more memory than the pickle is
   worth. */
static bool put(pk_machine *m, uint64_t i) {
    pk_value *v = top(m);
    if (!v)
        return false;
    if (i > m->memos)
        return pk_fail(m, "the pickle's memo has a gap", NULL);
    if (!grow(&m->memo, &m->memo_room, (size_t)i + 1))
        return false;
    m->memo[i] = v;
    m->memos += i == m->memos;
    return true;
}

static bool get(pk_machine *m, uint64_t i) {
    if (i >= m->memos)
        return pk_fail(m, "the pickle asks its memo for what is not there", NULL);
    return push(m, m->memo[i]);
}

/* --- the bytes ------------------------------------------------------------------------------- */

/* n bytes, which move when more are read. */
static const unsigned char *bytes_of(pk_machine *m, uint64_t n) {
    if (n > m->end - m->at)
        return pk_fail(m, "the pickle ends inside of a value", NULL);
    if (!mx_source_get(m->s, m->at, n, "the pickle"))
        return NULL;
    const unsigned char *p = m->s->data + m->at;
    m->at += (size_t)n;
    return p;
}

static bool number(pk_machine *m, int n, uint64_t *v) {
    const unsigned char *p = bytes_of(m, (uint64_t)n);
    *v = 0;
    for (int i = n - 1; p && i >= 0; i--)
        *v = *v << 8 | p[i];
    return p != NULL;
}

static bool push_int(pk_machine *m, int64_t i) {
    pk_value *v = pk_new(m, PK_INT);
    if (v)
        v->as.integer = i;
    return push(m, v);
}

static bool push_number(pk_machine *m, int n, bool is_signed) {
    uint64_t v;
    return number(m, n, &v) && push_int(m, is_signed && n == 4 ? (int32_t)(uint32_t)v : (int64_t)v);
}

/* Of more than 8 bytes the value is of no use. */
static bool push_long(pk_machine *m, int width) {
    uint64_t n, v = 0;
    const unsigned char *p = number(m, width, &n) ? bytes_of(m, n) : NULL;
    if (!p)
        return false;
    if (n > 8)
        return push(m, pk_new(m, PK_OPAQUE));
    for (uint64_t i = 0; i < 8; i++)
        v |= (uint64_t)(i < n ? p[i] : n && p[n - 1] & 128 ? 255 : 0) << 8 * i;
    return push_int(m, (int64_t)v);
}

static bool push_float(pk_machine *m) {
    const unsigned char *p = bytes_of(m, 8);
    pk_value *v = p ? pk_new(m, PK_FLOAT) : NULL;
    uint64_t bits = 0;
    for (int i = 0; v && i < 8; i++)
        bits = bits << 8 | p[i];
    if (v)
        memcpy(&v->as.number, &bits, sizeof bits);
    return push(m, v);
}

static bool push_bool(pk_machine *m, bool b) {
    pk_value *v = pk_new(m, PK_BOOL);
    if (v)
        v->as.integer = b;
    return push(m, v);
}

static bool push_text(pk_machine *m, int width) {
    uint64_t n;
    const unsigned char *p = number(m, width, &n) ? bytes_of(m, n) : NULL;
    char *text = p ? pk_alloc(m, (size_t)n + 1) : NULL;
    pk_value *v = text ? pk_new(m, PK_TEXT) : NULL;
    if (!v)
        return false;
    memcpy(text, p, (size_t)n);
    v->count = (size_t)n;
    v->as.text = text;
    return push(m, v);
}

/* Two lines. */
static bool read_line(pk_machine *m, char *out, size_t room) {
    for (size_t i = 0; i < room; i++) {
        const unsigned char *p = bytes_of(m, 1);
        if (!p)
            return false;
        out[i] = *p == '\n' ? 0 : (char)*p;
        if (*p == '\n')
            return true;
    }
    return pk_fail(m, "the pickle names something too long", NULL);
}

static bool push_global(pk_machine *m) {
    char module[256], name[256];
    return read_line(m, module, sizeof module) && read_line(m, name, sizeof name) &&
           push(m, pk_find_global(m, module, name));
}

static bool push_stack_global(pk_machine *m) {
    pk_value *name = pop(m), *module = name ? pop(m) : NULL;
    if (!module)
        return false;
    if (module->kind != PK_TEXT || name->kind != PK_TEXT)
        return pk_fail(m, "the pickle names a global with something that is no text", NULL);
    return push(m, pk_find_global(m, module->as.text, name->as.text));
}

/* --- operations ------------------------------------------------------------------------------- */

static bool reduce(pk_machine *m) {
    pk_value *args = pop(m), *callable = args ? pop(m) : NULL;
    return callable && push(m, pk_call(m, callable, args));
}

/* State beside what a container holds (an OrderedDict's _metadata) is left alone. */
static bool build(pk_machine *m) {
    pk_value *state = pop(m), *of = state ? top(m) : NULL;
    bool ok = of && (of->kind == PK_DICT || of->kind == PK_TENSOR || of->kind == PK_OPAQUE ||
                     of->kind == PK_LIST);
    return ok || (of ? pk_fail(m, "the pickle gives a state to what has none", NULL) : false);
}

static bool pop_marked(pk_machine *m) {
    size_t start = marked(m);
    if (start != SIZE_MAX)
        m->depth = start - 1;
    return start != SIZE_MAX;
}

static bool pop_any(pk_machine *m) {
    if (!m->depth)
        return pk_fail(m, "the pickle takes a value from an empty stack", NULL);
    m->depth--;
    return true;
}

static bool persistent(pk_machine *m) {
    pk_value *id = pop(m);
    return id && push(m, pk_persistent(m, id));
}

static bool skip(pk_machine *m, uint64_t n) {
    return bytes_of(m, n) != NULL;
}

static bool with_index(pk_machine *m, int width, bool (*use)(pk_machine *, uint64_t)) {
    uint64_t i;
    return number(m, width, &i) && use(m, i);
}

static bool refuse(pk_machine *m, unsigned op) {
    char text[8];
    snprintf(text, sizeof text, "0x%02x", op);
    m->at--;
    return pk_fail(m, "the pickle has an operation that checkpoints do not have:", text);
}

static bool step(pk_machine *m, unsigned op) {
    switch (op) {
    case 0x80: return skip(m, 1); // PROTO
    case 0x95: return skip(m, 8); // FRAME
    case '(': return push(m, pk_new(m, PK_MARK));
    case '0': return pop_any(m);
    case '1': return pop_marked(m);
    case '2': return push(m, top(m));
    case 'N': return push(m, pk_new(m, PK_NONE));
    case 0x88: return push_bool(m, true);
    case 0x89: return push_bool(m, false);
    case 'J': return push_number(m, 4, true);
    case 'K': return push_number(m, 1, false);
    case 'M': return push_number(m, 2, false);
    case 0x8a: return push_long(m, 1);
    case 0x8b: return push_long(m, 4);
    case 'G': return push_float(m);
    case 0x8c:
    case 'C':
    case 'U': return push_text(m, 1);
    case 'X':
    case 'B':
    case 'T': return push_text(m, 4);
    case 0x8d:
    case 0x8e: return push_text(m, 8);
    case ')':
    case ']':
    case 0x8f: return push(m, pk_new(m, PK_LIST));
    case '}': return push(m, pk_new(m, PK_DICT));
    case 't':
    case 'l':
    case 0x91: return push_marked(m, PK_LIST);
    case 0x85: return push_tuple(m, 1);
    case 0x86: return push_tuple(m, 2);
    case 0x87: return push_tuple(m, 3);
    case 'a': return append_one(m);
    case 'e':
    case 0x90: return extend(m, PK_LIST);
    case 's': return set_one(m);
    case 'u': return extend(m, PK_DICT);
    case 'c': return push_global(m);
    case 0x93: return push_stack_global(m);
    case 'R':
    case 0x81: return reduce(m);
    case 'b': return build(m);
    case 'Q': return persistent(m);
    case 'q': return with_index(m, 1, put);
    case 'r': return with_index(m, 4, put);
    case 0x94: return put(m, m->memos);
    case 'h': return with_index(m, 1, get);
    case 'j': return with_index(m, 4, get);
    default: return refuse(m, op);
    }
}

pk_value *pk_run(pk_machine *m) {
    size_t start = m->at;
    m->depth = m->memos = 0;
    for (;;) {
        const unsigned char *p = bytes_of(m, 1);
        if (!p)
            return NULL;
        if (*p == '.')
            return pop(m);
        if (m->at - start > PK_MOST_BYTES)
            return pk_fail(m, "the pickle has more than 100 MB", NULL);
        if (!step(m, *p))
            return NULL;
    }
}
