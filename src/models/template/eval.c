/* Expressions: what a node is. */
#include "models/template/number.h"
#include "models/template/run.h"
#include "models/template/show.h"

#include "base/mem.h"

bool tm_down(tm_run *r) {
    if (++r->depth > TM_MOST_CALLS)
        return tm_fail(r, MX_INVALID, "more than %d parts of the template in each other",
                       TM_MOST_CALLS);
    return true;
}

/* --- arguments -------------------------------------------------------------------------------- */

static bool add_word(tm_run *r, const tm_value *key, const tm_value *v, tm_pair *word, size_t *n) {
    if (*n == TM_MOST_ARGUMENTS)
        return tm_fail(r, MX_INVALID, "more than %d arguments", TM_MOST_ARGUMENTS);
    if (key->kind != TM_STR)
        return tm_fail(r, MX_INVALID, "keywords must be strings");
    word[(*n)++] = (tm_pair){*key, *v, 0};
    return true;
}

static bool spread_words(tm_run *r, const tm_value *v, tm_pair *word, size_t *n) {
    if (v->kind != TM_DICT)
        return tm_fail(r, MX_INVALID, "argument after ** must be a mapping, not %s", tm_type(v));
    for (size_t i = 0; i < v->dict->n; i++)
        if (!add_word(r, &v->dict->pair[i].key, &v->dict->pair[i].value, word, n))
            return false;
    return true;
}

static bool spread(tm_run *r, const tm_value *v, tm_list *pos) {
    const tm_seq *s;
    if (!tm_items(r, v, &s))
        return false;
    if (s->n > TM_MOST_ARGUMENTS)
        return tm_fail(r, MX_INVALID, "more than %d arguments", TM_MOST_ARGUMENTS);
    for (size_t i = 0; i < s->n; i++)
        if (!tm_list_add(r, pos, &s->item[i]))
            return false;
    return true;
}

/* How many words there may be: those named, or as many as a dict may have. */
static size_t words_of(const tm_node *n) {
    size_t words = 0;
    for (uint32_t i = 0; i < n->kids; i++) {
        if (n->kid[i]->op == TM_SPREAD_WORDS)
            return TM_MOST_ARGUMENTS;
        words += n->kid[i]->value.kind == TM_STR;
    }
    return words;
}

static bool add_argument(tm_run *r, const tm_node *k, tm_list *pos, tm_pair *word, size_t *words) {
    tm_value v;
    if (!tm_eval(r, k->a, &v))
        return false;
    if (k->op == TM_SPREAD)
        return spread(r, &v, pos);
    if (k->op == TM_SPREAD_WORDS)
        return spread_words(r, &v, word, words);
    if (k->value.kind == TM_STR)
        return add_word(r, &k->value, &v, word, words);
    return tm_list_add(r, pos, &v);
}

bool tm_arguments(tm_run *r, const tm_node *n, const tm_value *self, tm_args *out) {
    tm_list pos = {0};
    size_t most = words_of(n), words = 0;
    tm_pair *word = most ? tm_alloc(r, most, sizeof *word) : NULL;
    if ((most && !word) || (self && !tm_list_add(r, &pos, self)))
        return false;
    for (uint32_t i = 0; i < n->kids; i++)
        if (!add_argument(r, n->kid[i], &pos, word, &words))
            return false;
    *out = (tm_args){pos.item, word, pos.n, words};
    return true;
}

/* --- calls ------------------------------------------------------------------------------------ */

bool tm_call_native(tm_run *r, const tm_native *f, const tm_value *self, const tm_args *a,
                    tm_value *out) {
    tm_value slot[TM_MOST_PARAMETERS];
    if (!f->run)
        return tm_fail(r, MX_UNSUPPORTED, "'%s' is not supported", f->name);
    return tm_spend(r, 1) && tm_bind(r, f, self, a, slot) && f->run(r, slot, out) && !r->failed;
}

static bool call_cycler(tm_run *r, tm_cycler *c, tm_value *out) {
    if (!c->seq)
        *out = c->at++ ? c->text : tm_str("", 0);
    else
        *out = c->seq->item[c->at++ % c->seq->n];
    return !r->failed;
}

bool tm_call(tm_run *r, const tm_value *f, const tm_args *a, tm_value *out) {
    switch (f->kind) {
    case TM_MACRO: return r->calls->macro(r, f->macro, a, out);
    case TM_METHOD: return tm_call_native(r, f->method->native, &f->method->self, a, out);
    case TM_NATIVE: return tm_call_native(r, f->native, NULL, a, out);
    case TM_LOOP: return r->calls->loop(r, f->loop, a, out);
    case TM_JOINER: return call_cycler(r, f->cycler, out);
    case TM_UNDEFINED: return tm_fail_undefined(r, f);
    default: return tm_fail(r, MX_INVALID, "'%s' object is not callable", tm_type(f));
    }
}

static bool eval_call(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value f;
    tm_args a;
    return tm_eval(r, n->a, &f) && tm_arguments(r, n, NULL, &a) && (r->line = n->line, true) &&
           tm_call(r, &f, &a, out);
}

static bool eval_filter(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value v;
    tm_args a;
    if (!tm_eval(r, n->a, &v) || !tm_arguments(r, n, NULL, &a))
        return false;
    r->line = n->line;
    return tm_call_native(r, n->native, &v, &a, out);
}

/* --- logic ------------------------------------------------------------------------------------ */

static bool eval_either(tm_run *r, const tm_node *n, tm_value *out) {
    if (!tm_eval(r, n->a, out))
        return false;
    return tm_truth(out) == (n->op == TM_OR) || tm_eval(r, n->b, out);
}

static bool eval_not(tm_run *r, const tm_node *n, tm_value *out) {
    if (!tm_eval(r, n->a, out))
        return false;
    *out = tm_bool(!tm_truth(out));
    return true;
}

static bool eval_choice(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value v;
    if (!tm_eval(r, n->b, &v))
        return false;
    if (tm_truth(&v))
        return tm_eval(r, n->a, out);
    if (n->c)
        return tm_eval(r, n->c, out);
    *out =
        tm_undefined("the inline if-expression evaluated to false and no else section was defined");
    return true;
}

static bool test_order(tm_run *r, tm_sign sign, const tm_value *a, const tm_value *b, bool *out) {
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
    int order;
    if (!tm_order(r, a, b, signs[sign], &order))
        return false;
    *out = order != 2 && (sign == TM_LESS         ? order < 0
                          : sign == TM_LESS_EQUAL ? order <= 0
                          : sign == TM_GREATER    ? order > 0
                                                  : order >= 0);
    return true;
}

static bool compare(tm_run *r, tm_sign sign, const tm_value *a, const tm_value *b, bool *out) {
    switch (sign) {
    case TM_EQUAL: return tm_equal(r, a, b, out);
    case TM_UNEQUAL: return tm_equal(r, a, b, out) && ((*out = !*out), true);
    case TM_IN: return tm_contains(r, b, a, out);
    case TM_NOT_IN: return tm_contains(r, b, a, out) && ((*out = !*out), true);
    default: return test_order(r, sign, a, b, out);
    }
}

static bool eval_compare(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value a, b;
    bool is = true;
    if (!tm_eval(r, n->a, &a))
        return false;
    for (uint32_t i = 0; i < n->kids && is; i++, a = b)
        if (!tm_eval(r, n->kid[i]->a, &b) || !compare(r, (tm_sign)n->kid[i]->id, &a, &b, &is))
            return false;
    *out = tm_bool(is);
    return true;
}

static bool eval_test(tm_run *r, const tm_node *n, tm_value *out) {
    if (!eval_filter(r, n, out))
        return false;
    *out = tm_bool(tm_truth(out) != n->negated);
    return true;
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static char sign_of(tm_op op) {
    static const char signs[] = "+-*/f%^";
    return signs[op - TM_ADD];
}

static bool add_seqs(tm_run *r, const tm_seq *a, const tm_seq *b, tm_value *out) {
    tm_seq *s = tm_seq_new(r, a->look, a->n + b->n);
    if (!s)
        return false;
    for (size_t i = 0; i < s->n; i++)
        s->item[i] = i < a->n ? a->item[i] : b->item[i - a->n];
    *out = tm_of_seq(s);
    return tm_seq_done(r, s) && tm_spend(r, s->n / 4);
}

static bool repeat_text(tm_run *r, const tm_value *text, int64_t n, tm_value *out) {
    size_t begin = tm_begin(r);
    for (int64_t i = 0; i < n && text->n && !r->failed; i++)
        tm_put(r, text->p, text->n);
    return tm_spend(r, text->n && n > 0 ? (uint64_t)n : 0) && tm_take(r, begin, out);
}

static bool repeat_seq(tm_run *r, const tm_seq *from, int64_t times, tm_value *out) {
    size_t n, count = times > 0 ? (size_t)times : 0;
    if (!mx_mul_size(from->n, count, &n) || !tm_spend(r, n))
        return tm_fail(r, MX_NOMEM, "a list of too many items");
    tm_seq *s = tm_seq_new(r, from->look, n);
    for (size_t i = 0; s && i < n; i++)
        s->item[i] = from->item[i % from->n];
    if (s)
        *out = tm_of_seq(s);
    return s && tm_seq_done(r, s);
}

static bool is_row(const tm_value *v) {
    return tm_is_seq(v, TM_LIST) || tm_is_seq(v, TM_TUPLE);
}

static bool repeat(tm_run *r, const tm_value *a, const tm_value *b, tm_value *out) {
    const tm_value *what = tm_is_whole(a) ? b : a, *times = tm_is_whole(a) ? a : b;
    return what->kind == TM_STR ? repeat_text(r, what, times->i, out)
                                : repeat_seq(r, what->seq, times->i, out);
}

static bool can_repeat(const tm_value *a, const tm_value *b) {
    return ((a->kind == TM_STR || is_row(a)) && tm_is_whole(b)) ||
           ((b->kind == TM_STR || is_row(b)) && tm_is_whole(a));
}

static bool refuse(tm_run *r, const char *sign, const tm_value *a, const tm_value *b) {
    if (a->kind == TM_UNDEFINED || b->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, a->kind == TM_UNDEFINED ? a : b);
    if (a->kind == TM_STR && *sign == '+')
        return tm_fail(r, MX_INVALID, "can only concatenate str (not \"%s\") to str", tm_type(b));
    return tm_fail(r, MX_INVALID, "unsupported operand type(s) for %s: '%s' and '%s'", sign,
                   tm_type(a), tm_type(b));
}

static bool operate(tm_run *r, tm_op op, const tm_value *a, const tm_value *b, tm_value *out) {
    static const char *const signs[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
    if (tm_is_number(a) && tm_is_number(b))
        return tm_arithmetic(r, sign_of(op), a, b, out);
    if (op == TM_ADD && a->kind == TM_STR && b->kind == TM_STR)
        return tm_join(r, a, b, out);
    if (op == TM_ADD && is_row(a) && is_row(b) && a->seq->look == b->seq->look)
        return add_seqs(r, a->seq, b->seq, out);
    if (op == TM_MULTIPLY && can_repeat(a, b))
        return repeat(r, a, b, out);
    if (op == TM_MODULO && a->kind == TM_STR)
        return tm_percent(r, a, b, out);
    return refuse(r, signs[op - TM_ADD], a, b);
}

bool tm_add(tm_run *r, const tm_args *two, tm_value *out) {
    return operate(r, TM_ADD, &two->pos[0], &two->pos[1], out);
}

static bool eval_operation(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value a, b;
    if (!tm_eval(r, n->a, &a) || !tm_eval(r, n->b, &b))
        return false;
    r->line = n->line;
    return operate(r, (tm_op)n->op, &a, &b, out);
}

static bool eval_signed(tm_run *r, const tm_node *n, tm_value *out) {
    const tm_value zero = tm_int(0);
    if (!tm_eval(r, n->a, out))
        return false;
    if (out->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, out);
    if (!tm_is_number(out))
        return tm_fail(r, MX_INVALID, "bad operand type for unary %s: '%s'",
                       n->op == TM_NEGATE ? "-" : "+", tm_type(out));
    if (out->kind == TM_FLOAT)
        return *out = tm_float(n->op == TM_NEGATE ? -out->f : out->f), true;
    return tm_arithmetic(r, n->op == TM_NEGATE ? '-' : '+', &zero, out, out);
}

/* All parts as texts; the first may grow in place. */
static bool eval_concat(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value v, all = tm_str("", 0);
    for (uint32_t i = 0; i < n->kids; i++)
        if (!tm_eval(r, n->kid[i], &v) || !tm_to_str(r, &v, &v) || !tm_join(r, &all, &v, &all))
            return false;
    *out = all;
    return true;
}

/* --- literals and parts ----------------------------------------------------------------------- */

static bool eval_list(tm_run *r, const tm_node *n, tm_value *out) {
    tm_seq *s = tm_seq_new(r, n->op == TM_MAKE_LIST ? TM_LIST : TM_TUPLE, n->kids);
    for (uint32_t i = 0; s && i < n->kids; i++)
        if (!tm_eval(r, n->kid[i], &s->item[i]))
            return false;
    if (s)
        *out = tm_of_seq(s);
    return s && tm_seq_done(r, s);
}

static bool eval_dict(tm_run *r, const tm_node *n, tm_value *out) {
    tm_dict *d = tm_dict_new(r);
    tm_value key, v;
    for (uint32_t i = 0; d && i < n->kids; i += 2)
        if (!tm_eval(r, n->kid[i], &key) || !tm_eval(r, n->kid[i + 1], &v) ||
            !tm_dict_set(r, d, &key, &v))
            return false;
    if (d)
        *out = tm_of_dict(d);
    return d;
}

static bool eval_name(tm_run *r, const tm_node *n, tm_value *out) {
    const tm_value *found = tm_frame_get(r, r->frame, n->id);
    if (found)
        *out = *found;
    else
        *out = (tm_value){.kind = TM_UNDEFINED, .n = TM_WHY_NAME, .p = n->value.p};
    return !r->failed;
}

static bool eval_attribute(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value x;
    if (!tm_eval(r, n->a, &x))
        return false;
    r->line = n->line;
    return x.kind == TM_LOOP || x.kind == TM_CYCLER || x.kind == TM_MACRO
               ? tm_loop_attribute(r, &x, n->value.p, out)
               : tm_attribute(r, &x, n->value.p, out);
}

static bool eval_item(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value x, key;
    if (!tm_eval(r, n->a, &x) || !tm_eval(r, n->b, &key))
        return false;
    r->line = n->line;
    return tm_item(r, &x, &key, out);
}

static bool eval_part(tm_run *r, const tm_node *n, tm_value *out) {
    tm_value x, part[3];
    if (!tm_eval(r, n->a, &x))
        return false;
    for (int i = 0; i < 3; i++) {
        part[i].kind = TM_MISSING;
        if (n->kid[i] && !tm_eval(r, n->kid[i], &part[i]))
            return false;
    }
    return tm_part(r, &x, part, out);
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool eval_deep(tm_run *r, const tm_node *n, tm_value *out) {
    switch (n->op) {
    case TM_ATTR: return eval_attribute(r, n, out);
    case TM_ITEM: return eval_item(r, n, out);
    case TM_PART: return eval_part(r, n, out);
    case TM_CALL: return eval_call(r, n, out);
    case TM_FILTER: return eval_filter(r, n, out);
    case TM_TEST: return eval_test(r, n, out);
    case TM_OR:
    case TM_AND: return eval_either(r, n, out);
    case TM_NOT: return eval_not(r, n, out);
    case TM_COMPARE: return eval_compare(r, n, out);
    case TM_NEGATE:
    case TM_PLUS: return eval_signed(r, n, out);
    case TM_CONCAT: return eval_concat(r, n, out);
    case TM_CHOICE: return eval_choice(r, n, out);
    case TM_MAKE_LIST:
    case TM_MAKE_TUPLE: return eval_list(r, n, out);
    case TM_MAKE_DICT: return eval_dict(r, n, out);
    default: return eval_operation(r, n, out);
    }
}

bool tm_eval(tm_run *r, const tm_node *n, tm_value *out) {
    if (n->op == TM_CONST)
        return *out = n->value, tm_spend(r, 1);
    if (n->op == TM_NAME)
        return eval_name(r, n, out) && tm_spend(r, 1);
    bool ok = tm_down(r) && tm_spend(r, 1) && eval_deep(r, n, out);
    tm_up(r);
    return ok && !r->failed;
}
