/* Which elements a tensor of the output has. In this order:
 *
 *     a rule that names it              lm_head=bf16, *.ffn_down=q6_k, pooler*=drop, *norm*=keep
 *     a mode, where it is a matrix      with the mixture's exceptions; rows that are no whole
 *                                       groups get a smaller format, or stay
 *     dequantize, dtype
 *     as it is held                     what the output's convention has no word for becomes what
 *                                       holds the same numbers
 */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "models/convert/convert.h"
#include "models/convert/mixture.h"
#include "ops/ops.h"

static const char op[] = "convert";

bool mx_note(const mx_convert_options *o, const char *name, const char *format, ...) {
    char text[512];
    va_list list;
    if (!o->progress)
        return true;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return o->progress(o->payload, &(mx_convert_progress){.tensor = name, .note = text}) ||
           mx_fail(MX_INTERRUPTED, "[%s] it was stopped", op);
}

/* --- what was asked -------------------------------------------------------------------------- */

static bool check_rule(const char *rule) {
    const char *is = rule ? strrchr(rule, '=') : NULL;
    mx_elements e;
    if (!is || is == rule || !is[1])
        return mx_fail(MX_INVALID, "[%s] the rule '%.100s': NAME=WHAT was expected", op,
                       rule ? rule : "");
    return mx_name_is_of(is + 1, "keep|drop") || mx_elements_parse(op, is + 1, MX_FLOAT16, &e);
}

static bool read_mode(const mx_convert_options *o, mx_choice *c) {
    const char *mode = o->mode;
    c->mixture = mode ? mx_mixture_named(mode) : NULL;
    c->quantizes = mode;
    if (c->mixture)
        mode = c->mixture->base;
    return !mode || mx_elements_mode(op, mode, o->bits, o->group, MX_FLOAT16, &c->mode);
}

static bool read_dtype(const mx_convert_options *o, mx_choice *c) {
    c->has_dtype = o->dtype;
    if (!o->dtype)
        return true;
    if (!mx_elements_parse(op, o->dtype, MX_FLOAT16, &c->dtype))
        return false;
    return (mx_elements_are_plain(&c->dtype) && c->dtype.dtype != MX_FLOAT64) ||
           mx_fail(MX_INVALID,
                   "[%s] '%.100s' was given as dtype: float32, float16 or bfloat16 was expected",
                   op, o->dtype);
}

bool mx_choice_of(const mx_convert_options *o, mx_naming naming, bool keeps_names, mx_choice *out) {
    *out = (mx_choice){.o = o, .naming = naming, .keeps_names = keeps_names};
    if (o->mode && o->dequantize)
        return mx_fail(MX_INVALID, "[%s] a mode and dequantize were given: one of them", op);
    if (!o->mode && (o->bits || o->group))
        return mx_fail(MX_INVALID, "[%s] bits and group_size need a mode", op);
    if (o->rule_count && !o->rules)
        return mx_fail(MX_INVALID, "[%s] the list of rules is NULL", op);
    for (size_t i = 0; i < o->rule_count; i++)
        if (!check_rule(o->rules[i]))
            return false;
    out->fits = mx_calloc(o->rule_count + 1, sizeof *out->fits);
    return out->fits && read_mode(o, out) && read_dtype(o, out);
}

void mx_choice_free(mx_choice *c) {
    mx_free(c->fits);
    c->fits = NULL;
}

bool mx_choice_note_rules(const mx_choice *c) {
    bool ok = true;
    for (size_t i = 0; ok && i < c->o->rule_count; i++)
        ok = c->fits[i] || mx_note(c->o, c->o->rules[i], "the rule fits no tensor");
    return ok;
}

/* --- rules ----------------------------------------------------------------------------------- */

/* "lm_head" is the name with and without ".weight". */
static bool matches(const char *glob, const char *name) {
    char room[1024];
    const char *dot = strrchr(name, '.');
    if (fnmatch(glob, name, 0) == 0)
        return true;
    if (!dot || !mx_name_is_of(dot + 1, "weight|bias") || (size_t)(dot - name) >= sizeof room)
        return false;
    snprintf(room, sizeof room, "%.*s", (int)(dot - name), name);
    return fnmatch(glob, room, 0) == 0;
}

static bool names_place(const char *glob, const mx_place *p) {
    bool found = false;
    for (mx_naming n = 0; n < MX_NAMINGS && !found && p->row; n++) {
        const char *pattern = mx_row_pattern(p->row, n);
        if (!pattern || (strstr(pattern, "{e}") && p->expert < 0))
            continue;
        char *name = mx_place_name(p, n, p->part);
        found = name && matches(glob, name);
        mx_free(name);
    }
    return found;
}

/* What the first rule that names it says; NULL: none does. */
static const char *rule_for(const mx_choice *c, const mx_place *p, const char *name) {
    char glob[1024];
    const char *what = NULL;
    for (size_t i = 0; i < c->o->rule_count; i++) {
        const char *rule = c->o->rules[i], *is = strrchr(rule, '=');
        snprintf(glob, sizeof glob, "%.*s", (int)(is - rule), rule);
        if ((what && c->fits[i]) || !(matches(glob, name) || names_place(glob, p)))
            continue;
        c->fits[i] = true;
        what = what ? what : is + 1;
    }
    return what;
}

void mx_choice_drop(const mx_choice *c, mx_model *m) {
    for (size_t i = 0; i < m->count; i++) {
        mx_model_tensor *t = &m->tensor[i];
        const char *what = rule_for(c, &t->place, t->name);
        t->dropped = t->dropped || (what && strcmp(what, "drop") == 0);
    }
}

/* --- a matrix to be quantized ---------------------------------------------------------------- */

/* The dtype of affine scales: that of the numbers. */
static mx_dtype scales_of(const mx_choice *c, const mx_output *o) {
    mx_elements was;
    if (c->has_dtype && mx_dtype_size(c->dtype.dtype) <= 4)
        return c->dtype.dtype;
    if (o->kept_as && mx_elements_parse(op, o->kept_as, MX_FLOAT16, &was))
        return was.dtype;
    return mx_dtype_is_float(o->held.dtype) && mx_dtype_size(o->held.dtype) <= 4 ? o->held.dtype
                                                                                 : MX_FLOAT16;
}

static bool is_matrix(const mx_choice *c, const mx_output *o) {
    const mx_tensor_row *r = o->place.row;
    bool real = !mx_elements_are_plain(&o->held) || mx_dtype_is_float(o->held.dtype);
    if (o->shape.ndim < 2 || !real || (o->part && strcmp(o->part, "weight")))
        return false;
    unsigned plain = MX_ROW_NORM | MX_ROW_PLAIN | MX_ROW_ROPE;
    if (c->naming != MX_NAMED_GGUF) // groups go along rows
        plain |= MX_ROW_TURNED;
    return r ? !(r->flags & plain) : true;
}

/* K-quants need rows of 256: where they are not, the nearest format of 32. */
static const mx_block_format *smaller(const mx_block_format *f) {
    static const struct {
        mx_block_kind from, to;
    } next[] = {{MX_BLOCK_q2_k, MX_BLOCK_q4_0},     {MX_BLOCK_q3_k, MX_BLOCK_q4_0},
                {MX_BLOCK_q4_k, MX_BLOCK_q5_0},     {MX_BLOCK_q5_k, MX_BLOCK_q5_1},
                {MX_BLOCK_q6_k, MX_BLOCK_q8_0},     {MX_BLOCK_q8_k, MX_BLOCK_q8_0},
                {MX_BLOCK_iq4_xs, MX_BLOCK_iq4_nl}, {MX_BLOCK_tq1_0, MX_BLOCK_q4_0},
                {MX_BLOCK_tq2_0, MX_BLOCK_q4_0},    {MX_BLOCK_nvfp4_gguf, MX_BLOCK_mxfp4_gguf}};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++)
        if (next[i].from == f->kind)
            return &mx_block_formats[next[i].to];
    return NULL;
}

static bool fits(const mx_elements *e, const mx_output *o) {
    return o->shape.dim[o->shape.ndim - 1] % mx_elements_unit(e) == 0;
}

static bool plain_as_held(const mx_choice *c, mx_output *o);

/* The blocks that GGUF has for the numbers of other words. */
static bool as_gguf(mx_elements *e) {
    if (e->quant.mode != MX_MXFP4 && e->quant.mode != MX_NVFP4)
        return false;
    bool mx = e->quant.mode == MX_MXFP4;
    *e = mx_elements_block(&mx_block_formats[mx ? MX_BLOCK_mxfp4_gguf : MX_BLOCK_nvfp4_gguf]);
    return true;
}

static bool quantized(const mx_choice *c, mx_output *o, mx_elements want) {
    char a[64], b[64];
    mx_elements e = want;
    if (c->naming == MX_NAMED_HF)
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%.200s': npz files and folders of Hugging Face hold no %s", op,
                       o->name, mx_elements_name(&want, a, sizeof a));
    if (mx_elements_are_words(&e) && c->naming == MX_NAMED_GGUF && !as_gguf(&e))
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] GGUF files hold no %s: q4_0, q8_0, q4_k_m and others are for them", op,
                       mx_elements_name(&want, a, sizeof a));
    if (mx_elements_are_words(&e) && !o->part)
        return mx_note(c->o, o->name, "it is no module's weight: it stays as it is") &&
               plain_as_held(c, o);
    if (!fits(&e, o) && e.block && smaller(e.block))
        e = mx_elements_block(smaller(e.block));
    if (mx_elements_are_words(&e) && e.quant.mode == MX_AFFINE)
        e.dtype = scales_of(c, o);
    if (!fits(&e, o))
        return mx_note(c->o, o->name, "rows of %d elements are not made %s: it stays as it is",
                       o->shape.dim[o->shape.ndim - 1], mx_elements_name(&want, a, sizeof a)) &&
               plain_as_held(c, o);
    o->made = e;
    return mx_elements_same(&e, &want) || !want.block || !e.block ||
           mx_note(c->o, o->name, "rows of %d elements are made %s instead of %s",
                   o->shape.dim[o->shape.ndim - 1], mx_elements_name(&e, b, sizeof b),
                   mx_elements_name(&want, a, sizeof a));
}

/* --- as it is held --------------------------------------------------------------------------- */

/* Vectors, and what the row says, are float32 in GGUF. */
static bool is_wide(const mx_choice *c, const mx_output *o) {
    const mx_tensor_row *r = o->place.row;
    return c->naming == MX_NAMED_GGUF && r && mx_dtype_is_float(o->held.dtype) &&
           (o->shape.ndim < 2 || (r->flags & (MX_ROW_NORM | MX_ROW_PLAIN)) ||
            (o->part && strcmp(o->part, "bias") == 0));
}

/* Does float16 lack digits of such blocks? */
static bool has_digits(const mx_block_format *f) {
    return f && mx_block_plain(f) == MX_FLOAT16 && f->kind != MX_BLOCK_nvfp4_gguf &&
           f->kind != MX_BLOCK_tq1_0 && f->kind != MX_BLOCK_tq2_0 && f->kind != MX_BLOCK_q1_0;
}

static bool to_plain(const mx_choice *c, mx_output *o) {
    o->made = c->has_dtype ? c->dtype : mx_elements_plain(mx_elements_usual(&o->held));
    return c->has_dtype || !has_digits(o->held.block) ||
           mx_note(c->o, o->name, "%s becomes float16, rounded: float32 has every digit",
                   o->held.storage);
}

/* Blocks in GGUF that hold the numbers of words. */
static bool blocks_for(const mx_model *m, mx_output *o) {
    char room[64];
    mx_parts p;
    mx_scope scope = mx_scope_open();
    bool ok = mx_model_read(m, &m->tensor[o->from[0]], true, &p);
    bool found = ok && mx_repack_blocks_of(&o->held, p, &o->made);
    for (size_t i = 1; found && i < o->stack; i++) {
        mx_elements other;
        found = mx_model_read(m, &m->tensor[o->from[i]], true, &p) &&
                mx_repack_blocks_of(&o->held, p, &other) && mx_elements_same(&other, &o->made);
    }
    mx_scope_close(scope);
    if (found || mx_failed())
        return found;
    return mx_fail(
        MX_UNSUPPORTED,
        "[%s] '%s': '%.200s' is held as %s, and no blocks of GGUF hold the same numbers: "
        "choose a mode, or dequantize",
        op, m->label, m->tensor[o->from[0]].name, mx_elements_name(&o->held, room, sizeof room));
}

/* Not for npz, which convert.c sees to. */
static bool can_hold(const mx_choice *c, const mx_elements *e) {
    mx_storage unused;
    const mx_archive_output *out = c->output ? c->output : &mx_output_safetensors;
    return c->naming == MX_NAMED_GGUF ? strcmp(e->storage, mx_dtype_name(e->dtype)) == 0
                                      : out->storage(e->storage, &unused);
}

static bool plain_as_held(const mx_choice *c, mx_output *o) {
    o->made = o->held;
    if (mx_elements_are_plain(&o->held) && !mx_dtype_is_float(o->held.dtype) &&
        !can_hold(c, &o->held))
        o->made = mx_elements_plain(o->held.dtype); // a plug-in's storage of integers
    if (!mx_elements_are_plain(&o->held) || !mx_dtype_is_float(o->held.dtype))
        return true;
    if (is_wide(c, o))
        o->made = mx_elements_plain(MX_FLOAT32);
    else if (c->has_dtype)
        o->made = c->dtype;
    else if (!can_hold(c, &o->held))
        o->made = mx_elements_plain(o->held.dtype); // 8-bit floats, storages of plug-ins
    else if (o->kept_as && mx_elements_parse(op, o->kept_as, MX_FLOAT16, &o->made))
        return true;
    return !mx_failed();
}

static bool as_held(const mx_choice *c, const mx_model *m, mx_output *o) {
    bool words = mx_elements_are_words(&o->held);
    if (mx_elements_are_plain(&o->held))
        return plain_as_held(c, o);
    bool turned = o->place.row && (o->place.row->flags & MX_ROW_TURNED) && m->is_gguf;
    if (c->o->dequantize || c->naming == MX_NAMED_HF || (turned && c->naming != MX_NAMED_GGUF) ||
        (c->keeps_names && m->is_gguf && c->naming != MX_NAMED_GGUF))
        return to_plain(c, o);
    if (c->naming == MX_NAMED_GGUF && words)
        return blocks_for(m, o);
    o->made = o->held;
    if (c->naming == MX_NAMED_MLX && o->held.block && !c->keeps_names)
        mx_repack_words_of(o->held.block, &o->made);
    return true;
}

/* --- the choice ------------------------------------------------------------------------------ */

static bool by_rule(const mx_choice *c, const mx_model *m, mx_output *o, const char *what) {
    mx_elements e;
    if (strcmp(what, "keep") == 0)
        return as_held(c, m, o);
    if (!mx_elements_parse(op, what, scales_of(c, o), &e))
        return false;
    if (!mx_elements_are_plain(&e))
        return o->shape.ndim < 2 ? as_held(c, m, o) : quantized(c, o, e);
    if (mx_elements_are_plain(&o->held) && !mx_dtype_is_float(o->held.dtype))
        return as_held(c, m, o);
    o->made = e;
    return true;
}

static const char *rule_of_output(const mx_choice *c, const mx_model *m, const mx_output *o) {
    mx_place p = o->place;
    p.part = o->part;
    return rule_for(c, &p, o->stack ? m->tensor[o->from[0]].name : o->name);
}

/* Words of an unknown format stay, with their scales beside them. */
static bool check_unknown(const mx_choice *c, const mx_model *m, const mx_output *o) {
    static const char why[] =
        "it looks like words of mx.quantize, and nothing says of which format";
    if (!o->stack || !m->tensor[o->from[0]].unknown)
        return true;
    if (c->o->dequantize)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': '%.200s': %s", op, m->label, o->name, why);
    return !c->quantizes || mx_note(c->o, o->name, "%s: it stays as it is", why);
}

bool mx_choose(const mx_choice *c, const mx_model *m, mx_output *o) {
    if (!check_unknown(c, m, o))
        return false;
    const char *what = rule_of_output(c, m, o);
    if (what)
        return by_rule(c, m, o, what);
    if (c->quantizes && is_matrix(c, o)) {
        mx_elements e = c->mode;
        return (!c->mixture || mx_mixture_for(c->mixture, m, &o->place, &e)) && quantized(c, o, e);
    }
    return as_held(c, m, o);
}
