/* Statements: what a node does. */
#include "models/template/run.h"
#include "models/template/show.h"

static tm_flow exec(tm_run *r, const tm_node *n);

static tm_flow flow_of(bool ok) {
    return ok ? TM_ON : TM_FAILED;
}

static tm_flow exec_body(tm_run *r, const tm_node *n) {
    for (uint32_t i = 0; i < n->kids; i++) {
        tm_flow f = exec(r, n->kid[i]);
        if (f != TM_ON)
            return f;
    }
    return TM_ON;
}

/* A body with names of its own, of which nothing is left then. */
static tm_flow exec_in(tm_run *r, tm_frame *inside, const tm_node *body) {
    tm_frame *around = r->frame;
    if (!inside)
        return TM_FAILED;
    r->frame = inside;
    tm_flow f = exec(r, body);
    r->frame = around;
    tm_frame_done(r, inside);
    return f;
}

/* What a body writes, with names of its own. */
static bool text_of(tm_run *r, tm_frame *around, const tm_node *body, tm_value *out) {
    size_t begin = tm_begin(r);
    return exec_in(r, tm_frame_new(r, around), body) != TM_FAILED && tm_take(r, begin, out);
}

/* --- plain ones ------------------------------------------------------------------------------- */

static tm_flow exec_print(tm_run *r, const tm_node *n) {
    tm_value v;
    return flow_of(tm_eval(r, n->a, &v) && tm_show(r, &v));
}

static tm_flow exec_set(tm_run *r, const tm_node *n) {
    tm_value v;
    return flow_of(tm_eval(r, n->b, &v) && tm_assign(r, r->frame, n->a, &v));
}

static tm_flow exec_if(tm_run *r, const tm_node *n) {
    tm_value v;
    for (uint32_t i = 0; i < n->kids; i += 2) {
        if (!tm_eval(r, n->kid[i], &v))
            return TM_FAILED;
        if (tm_truth(&v))
            return exec(r, n->kid[i + 1]);
    }
    return n->c ? exec(r, n->c) : TM_ON;
}

static tm_flow exec_with(tm_run *r, const tm_node *n) {
    tm_frame *f = tm_frame_new(r, r->frame);
    tm_value v;
    for (uint32_t i = 0; f && i < n->kids; i += 2)
        if (!tm_eval(r, n->kid[i + 1], &v) || !tm_assign(r, f, n->kid[i], &v))
            return TM_FAILED;
    return exec_in(r, f, n->b);
}

/* --- filters on what was written -------------------------------------------------------------- */

/* A chain of filters whose innermost has no operand: `v` is it. Chains are as deep as the tree. */
static bool filtered(tm_run *r, const tm_node *n, tm_value *v) {
    tm_args a;
    if (n->a && !filtered(r, n->a, v))
        return false;
    return tm_arguments(r, n, NULL, &a) && tm_call_native(r, n->native, v, &a, v);
}

static tm_flow exec_set_block(tm_run *r, const tm_node *n) {
    tm_value v;
    return flow_of(text_of(r, r->frame, n->b, &v) && (!n->c || filtered(r, n->c, &v)) &&
                   tm_assign(r, r->frame, n->a, &v));
}

static tm_flow exec_filter_block(tm_run *r, const tm_node *n) {
    tm_value v;
    return flow_of(text_of(r, r->frame, n->b, &v) && filtered(r, n->a, &v) && tm_show(r, &v));
}

/* --- loops ------------------------------------------------------------------------------------ */

/* The body for each item: every round has names of its own. */
static tm_flow rounds(tm_run *r, tm_loop *l) {
    const tm_value self = {.kind = TM_LOOP, .loop = l};
    tm_flow f = TM_ON;
    while (f != TM_LEAVES && tm_loop_next(r, l)) {
        tm_frame *inside = tm_frame_new(r, l->around);
        if (!inside || !tm_frame_set(r, inside, TM_ID_LOOP, &self) ||
            !tm_assign(r, inside, l->node->a, &l->item.item[l->index]))
            return TM_FAILED;
        f = exec_in(r, inside, l->node->kid[0]);
        if (f == TM_FAILED)
            return f;
    }
    return flow_of(!r->failed);
}

static tm_flow loop_over(tm_run *r, const tm_node *n, tm_frame *around, const tm_value *of,
                         int depth) {
    tm_loop *l = tm_alloc(r, 1, sizeof *l);
    const tm_seq *from;
    if (!l || !tm_items(r, of, &from))
        return TM_FAILED;
    *l = (tm_loop){.node = n, .around = around, .from = from, .depth = depth};
    if (!n->c) {
        l->item = (tm_list){from->item, from->n, from->n};
        l->next = from->n;
    }
    l->index = (size_t)-1;
    tm_flow f = rounds(r, l);
    l->over = true;
    bool none = f == TM_ON && !l->item.n && n->kid[1];
    return none ? exec_in(r, tm_frame_new(r, around), n->kid[1]) : f;
}

static tm_flow exec_for(tm_run *r, const tm_node *n) {
    tm_value of;
    return tm_eval(r, n->b, &of) ? loop_over(r, n, r->frame, &of, 0) : TM_FAILED;
}

bool tm_call_loop(tm_run *r, const tm_loop *l, const tm_args *a, tm_value *out) {
    size_t begin = tm_begin(r);
    if (!l->node->id)
        return tm_fail(r, MX_INVALID, "the loop is called, and must have 'recursive' then");
    if (l->over)
        return tm_fail(r, MX_INVALID, "the loop is called when it is over");
    if (a->n != 1 || a->words)
        return tm_fail(r, MX_INVALID, "loop() takes what it goes over");
    tm_frame *frame = r->frame;
    bool ok = tm_down(r) && loop_over(r, l->node, l->around, &a->pos[0], l->depth + 1) != TM_FAILED;
    tm_up(r);
    r->frame = frame;
    return ok && tm_take(r, begin, out);
}

/* --- macros ----------------------------------------------------------------------------------- */

static const tm_value *word_of(const tm_args *a, const tm_value *name) {
    for (size_t i = 0; i < a->words; i++)
        if (a->word[i].key.n == name->n && tm_is_word(&a->word[i].key, name->p))
            return &a->word[i].value;
    return NULL;
}

static bool set_parameter(tm_run *r, const tm_node *k, const tm_value *given, tm_frame *f) {
    tm_value v = tm_undefined("the parameter was not provided");
    if (given)
        return tm_frame_set(r, f, k->id, given);
    if (k->a) {
        tm_frame *around = r->frame;
        r->frame = f;
        bool ok = tm_eval(r, k->a, &v);
        r->frame = around;
        if (!ok)
            return false;
    }
    return tm_frame_set(r, f, k->id, &v);
}

static bool set_parameters(tm_run *r, const tm_node *n, const tm_args *a, tm_frame *f,
                           size_t *used) {
    for (uint32_t i = 0; i < n->kids; i++) {
        const tm_value *word = word_of(a, &n->kid[i]->value);
        if (word && i < a->n)
            return tm_fail(r, MX_INVALID, "macro '%.60s' got two values of '%.60s'", n->value.p,
                           n->kid[i]->value.p);
        *used += word != NULL;
        if (!set_parameter(r, n->kid[i], i < a->n ? &a->pos[i] : word, f))
            return false;
    }
    return true;
}

static bool is_parameter(const tm_node *n, const tm_value *name) {
    for (uint32_t i = 0; i < n->kids; i++)
        if (n->kid[i]->value.n == name->n && tm_is_word(name, n->kid[i]->value.p))
            return true;
    return false;
}

/* varargs: what is left of the positional arguments. */
static bool set_more(tm_run *r, const tm_node *n, const tm_args *a, tm_frame *f) {
    size_t left = a->n > n->kids ? a->n - n->kids : 0;
    tm_seq *s = tm_seq_new(r, TM_TUPLE, left);
    if (!s)
        return false;
    for (size_t i = 0; i < left; i++)
        s->item[i] = a->pos[n->kids + i];
    tm_value v = tm_of_seq(s);
    return tm_seq_done(r, s) && tm_frame_set(r, f, TM_ID_VARARGS, &v);
}

/* kwargs: what is left of the keywords. */
static bool set_more_words(tm_run *r, const tm_node *n, const tm_args *a, tm_frame *f) {
    tm_dict *d = tm_dict_new(r);
    for (size_t i = 0; d && i < a->words; i++) {
        const tm_value *name = &a->word[i].key;
        bool caller = n->negated && tm_is_word(name, "caller");
        if (!caller && !is_parameter(n, name) && !tm_dict_set(r, d, name, &a->word[i].value))
            return false;
    }
    if (!d)
        return false;
    tm_value v = tm_of_dict(d);
    return tm_frame_set(r, f, TM_ID_KWARGS, &v);
}

/* The caller is a keyword that a macro takes when it looks at it. */
static bool set_caller(tm_run *r, const tm_args *a, tm_frame *f, size_t *used) {
    const tm_value name = tm_word("caller"), *given = word_of(a, &name);
    tm_value none = tm_undefined("No caller defined");
    *used += given != NULL;
    return tm_frame_set(r, f, TM_ID_CALLER, given ? given : &none);
}

static bool set_arguments(tm_run *r, const tm_node *n, const tm_args *a, tm_frame *f) {
    size_t used = 0;
    const tm_value caller = tm_word("caller");
    if (!set_parameters(r, n, a, f, &used) ||
        (n->negated && !is_parameter(n, &caller) && !set_caller(r, a, f, &used)) ||
        (n->more && !set_more(r, n, a, f)) || (n->more_words && !set_more_words(r, n, a, f)))
        return false;
    if (!n->more && a->n > n->kids)
        return tm_fail(r, MX_INVALID, "macro '%.60s' takes not more than %u argument(s)",
                       n->value.p, n->kids);
    if (!n->more_words && used < a->words)
        return tm_fail(r, MX_INVALID, "macro '%.60s' got a keyword that it does not take",
                       n->value.p);
    return true;
}

bool tm_call_macro(tm_run *r, const tm_macro *m, const tm_args *a, tm_value *out) {
    size_t begin = tm_begin(r);
    uint32_t line = r->line;
    tm_frame *f = tm_frame_new(r, m->frame);
    if (!f || !set_arguments(r, m->node, a, f))
        return false;
    bool ok = tm_down(r) && exec_in(r, f, m->node->b) != TM_FAILED;
    tm_up(r);
    if (!ok || !tm_take(r, begin, out))
        return false;
    r->line = line;
    return true;
}

static bool make_macro(tm_run *r, const tm_node *n, tm_value *out) {
    tm_macro *m = tm_alloc(r, 1, sizeof *m);
    if (!m)
        return false;
    *m = (tm_macro){n, r->frame};
    tm_frame_keep(r->frame);
    *out = (tm_value){.kind = TM_MACRO, .macro = m};
    return true;
}

static tm_flow exec_macro(tm_run *r, const tm_node *n) {
    tm_value m;
    return flow_of(make_macro(r, n, &m) && tm_frame_set(r, r->frame, n->id, &m));
}

/* The call gets one more keyword: the block as `caller`. */
static bool with_caller(tm_run *r, const tm_args *a, const tm_value *caller, tm_args *out) {
    tm_pair *word = tm_alloc(r, a->words + 1, sizeof *word);
    if (!word)
        return false;
    for (size_t i = 0; i < a->words; i++)
        word[i] = a->word[i];
    word[a->words] = (tm_pair){tm_word("caller"), *caller, 0};
    *out = (tm_args){a->pos, word, a->n, a->words + 1};
    return true;
}

static tm_flow exec_call_block(tm_run *r, const tm_node *n) {
    tm_value f, caller, v;
    tm_args a;
    return flow_of(tm_eval(r, n->a->a, &f) && tm_arguments(r, n->a, NULL, &a) &&
                   make_macro(r, n->b, &caller) && with_caller(r, &a, &caller, &a) &&
                   tm_call(r, &f, &a, &v) && tm_show(r, &v));
}

/* --- all of them ------------------------------------------------------------------------------ */

static tm_flow exec_known(tm_run *r, const tm_node *n) {
    switch (n->op) {
    case TM_BODY: return exec_body(r, n);
    case TM_TEXT: tm_put(r, n->value.p, n->value.n); return flow_of(!r->failed);
    case TM_PRINT: return exec_print(r, n);
    case TM_SET: return exec_set(r, n);
    case TM_SET_BLOCK: return exec_set_block(r, n);
    case TM_IF: return exec_if(r, n);
    case TM_FOR: return exec_for(r, n);
    case TM_BREAK: return TM_LEAVES;
    case TM_CONTINUE: return TM_AGAIN;
    case TM_MACRO_NODE: return exec_macro(r, n);
    case TM_CALL_BLOCK: return exec_call_block(r, n);
    case TM_FILTER_BLOCK: return exec_filter_block(r, n);
    case TM_WITH: return exec_with(r, n);
    default: return exec_in(r, tm_frame_new(r, r->frame), n->b);
    }
}

static tm_flow exec(tm_run *r, const tm_node *n) {
    r->line = n->line;
    tm_flow f = tm_down(r) && tm_spend(r, 1) ? exec_known(r, n) : TM_FAILED;
    tm_up(r);
    return r->failed ? TM_FAILED : f;
}

bool tm_exec_root(tm_run *r, const tm_node *root) {
    return exec(r, root) != TM_FAILED;
}
