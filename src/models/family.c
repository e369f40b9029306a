/* Looking up families, and tensors by their names: see family.h. */
#include "models/family.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"

/* --- families -------------------------------------------------------------------------------- */

bool mx_name_is_of(const char *name, const char *list) {
    size_t n = strlen(name);
    for (const char *p = list; p; p = strchr(p, '|'), p = p ? p + 1 : NULL)
        if (strncmp(p, name, n) == 0 && (p[n] == 0 || p[n] == '|'))
            return true;
    return false;
}

const mx_family *mx_family_named(const char *name) {
    for (size_t i = 0; i < mx_family_count; i++)
        if (strcmp(mx_families[i].name, name) == 0)
            return &mx_families[i];
    return NULL;
}

const mx_family *mx_family_of_type(const char *model_type) {
    for (size_t i = 0; i < mx_family_count; i++)
        if (mx_name_is_of(model_type, mx_families[i].model_type))
            return &mx_families[i];
    return NULL;
}

const mx_family *mx_family_of_arch(const char *arch, bool (*has_key)(const void *, const char *),
                                   const void *self) {
    const mx_family *found = NULL;
    for (size_t i = 0; i < mx_family_count; i++) {
        const mx_family *f = &mx_families[i];
        if (strcmp(f->arch, arch) == 0 && (f->has_key ? has_key(self, f->has_key) : !found))
            found = f;
    }
    return found;
}

const mx_tensor_row *mx_family_row(const mx_family *f, size_t i) {
    for (const mx_tensor_row *const *list = f->tensors; *list; list++)
        for (const mx_tensor_row *r = *list; r->hf || r->gguf; r++)
            if (i-- == 0)
                return r;
    return NULL;
}

const mx_key_row *mx_family_key(const mx_family *f, size_t i) {
    for (const mx_key_row *const *list = f->keys; *list; list++)
        for (const mx_key_row *r = *list; r->config || r->gguf; r++)
            if (i-- == 0)
                return r;
    return NULL;
}

/* --- names ----------------------------------------------------------------------------------- */

const char *mx_row_pattern(const mx_tensor_row *r, mx_naming naming) {
    return naming == MX_NAMED_GGUF ? r->gguf : naming == MX_NAMED_MLX && r->mlx ? r->mlx : r->hf;
}

const char *mx_row_shape(const mx_tensor_row *r, bool gguf) {
    const char *stroke = gguf ? strchr(r->shape, '|') : NULL;
    return stroke ? stroke + 1 : r->shape;
}

bool mx_row_has_experts(const mx_tensor_row *r, mx_naming naming) {
    const char *pattern = mx_row_pattern(r, naming);
    return pattern && strstr(pattern, "{e}");
}

/* Digits without a leading zero; behind them, or NULL. */
static const char *number(const char *s, int *out) {
    int v = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9' && v < INT_MAX / 10; p++)
        v = 10 * v + (*p - '0');
    if (p == s || (*s == '0' && p > s + 1) || (*p >= '0' && *p <= '9'))
        return NULL;
    *out = v;
    return p;
}

/* Does s begin with the pattern? Behind it, or NULL. */
static const char *match(const char *pattern, const char *s, mx_place *out) {
    while (*pattern) {
        if (*pattern == '{') {
            s = number(s, pattern[1] == 'n' ? &out->layer : &out->expert);
            if (!s)
                return NULL;
            pattern += 3;
        } else if (*pattern++ != *s++) {
            return NULL;
        }
    }
    return s;
}

/* Ours, and those of other packers. */
static bool is_part(const char *s) {
    return mx_name_is_of(s, "weight|bias|scales|biases|qweight|qzeros|g_idx|weight_scale_inv|"
                            "weight_scale|weight_scale_2|input_scale|weight_packed|weight_shape|"
                            "weight_zero_point|weight_g_idx|weight_global_scale|input_global_scale|"
                            "k_scale|v_scale|input_zero_point|output_scale|output_zero_point");
}

static const char *without(const char *prefix, const char *name) {
    size_t n = prefix ? strlen(prefix) : 0;
    return n && strncmp(name, prefix, n) == 0 ? name + n : name;
}

static bool find_row(const mx_tensor_row *r, const char *pattern, const char *name, mx_place *out) {
    *out = (mx_place){r, -1, -1, NULL};
    const char *rest = pattern ? match(pattern, name, out) : NULL;
    if (!rest)
        return false;
    out->part = *rest == '.' ? rest + 1 : rest;
    return *rest == '.' ? is_part(rest + 1)
                        : !*rest && (r->flags & (MX_ROW_LEFT_OUT | MX_ROW_BARE));
}

static const char *former_pattern(const mx_tensor_row *r, mx_naming naming) {
    return naming == MX_NAMED_MLX && (r->flags & MX_ROW_RENAMED) ? strchr(r->mlx, 0) + 1 : NULL;
}

bool mx_family_find(const mx_family *f, mx_naming naming, const char *name, mx_place *out) {
    const mx_tensor_row *r;
    if (naming != MX_NAMED_GGUF)
        name = without(f->prefix, name);
    for (size_t i = 0; (r = mx_family_row(f, i)); i++)
        if (find_row(r, mx_row_pattern(r, naming), name, out) ||
            find_row(r, former_pattern(r, naming), name, out))
            return true;
    return false;
}

char *mx_place_name(const mx_place *p, mx_naming naming, const char *part) {
    mx_text t = {0};
    for (const char *s = mx_row_pattern(p->row, naming); *s;) {
        if (*s == '{') {
            mx_text_add(&t, "%d", s[1] == 'n' ? p->layer : p->expert);
            s += 3;
        } else {
            mx_text_char(&t, *s++);
        }
    }
    bool bare = (p->row->flags & MX_ROW_BARE) && naming != MX_NAMED_GGUF;
    if (part && *part && !bare)
        mx_text_add(&t, ".%s", part);
    return mx_text_take(&t);
}

/* --- sizes ----------------------------------------------------------------------------------- */

/* A letter or a number. 0: not known. */
static int64_t factor(const mx_dims *d, const char **s) {
    int n = 0;
    if (**s >= 'a' && **s <= 'z')
        return mx_dim(d, *(*s)++);
    const char *rest = number(*s, &n);
    *s = rest ? rest : *s + 1;
    return n;
}

static int64_t product(const mx_dims *d, const char **s) {
    int64_t v = factor(d, s);
    while (**s == '*' || **s == '/') {
        bool divides = *(*s)++ == '/';
        int64_t by = factor(d, s);
        if (by <= 0 || (divides ? v % by != 0 : __builtin_mul_overflow(v, by, &v)))
            return 0;
        if (divides)
            v /= by;
    }
    return v;
}

/* Ends at a blank. */
static int64_t sum(const mx_dims *d, const char **s) {
    int64_t v = product(d, s);
    while (v && (**s == '+' || **s == '-')) {
        bool less = *(*s)++ == '-';
        int64_t more = product(d, s);
        if (more <= 0 || (less ? more >= v : __builtin_add_overflow(v, more, &v)))
            return 0;
        v -= less ? more : 0;
    }
    return v;
}

int64_t mx_dims_formula(const mx_dims *d, const char *text) {
    return sum(d, &text);
}

int mx_dims_shape(const mx_dims *d, const char *text, int *shape, int most) {
    int n = 0;
    while (*text && *text != '|' && n < most) {
        int64_t v = sum(d, &text);
        if (v <= 0 || v > INT_MAX)
            return -1;
        shape[n++] = (int)v;
        text += *text == ' ';
    }
    return n;
}
