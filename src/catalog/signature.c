/* Signatures: the text that Python shows, taken apart.
 *
 *     signature = name "(" [ part { "," part } ] ")" [ "->" result ]
 *     part      = "/" | "*" | [ "*" ] name [ ":" type ] [ "=" fallback ]
 *     type      = alternatives joined by "|"
 *
 * Parameters without a type are told by their name: see `untyped`.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/dtype.h"
#include "catalog/cat.h"

#define BIT(kind) (1u << MLX_VALUE_##kind)
#define SCALAR    (BIT(BOOL) | BIT(INT) | BIT(FLOAT) | BIT(COMPLEX))

static mlx_text trim(const char *from, const char *to) {
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return (mlx_text){from, (int)(to - from)};
}

static bool is(mlx_text t, const char *s) {
    return (size_t)t.length == strlen(s) && !memcmp(t.start, s, (size_t)t.length);
}
static bool begins(mlx_text t, const char *s) {
    return (size_t)t.length >= strlen(s) && !memcmp(t.start, s, strlen(s));
}
static bool holds(mlx_text t, const char *s) {
    for (int i = 0; i + (int)strlen(s) <= t.length; i++)
        if (!memcmp(t.start + i, s, strlen(s)))
            return true;
    return false;
}

/* The first of `stops` outside brackets and quotes, or the end. */
static const char *find(const char *p, const char *end, const char *stops) {
    int depth = 0;
    char quote = 0;
    for (; p < end; p++) {
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (depth == 0 && strchr(stops, *p))
            return p;
        else if (*p == '\'' || *p == '"')
            quote = *p;
        else
            depth += strchr("([", *p) ? 1 : strchr(")]", *p) ? -1 : 0;
    }
    return end;
}

/* --- types ------------------------------------------------------------------------------------ */

typedef struct type_row {
    const char *text;
    unsigned accepts;
} type_row;

static const type_row types[] = {
    {"None", BIT(NONE)},
    {"bool", BIT(BOOL)},
    {"int", BIT(INT)},
    {"float", BIT(FLOAT)},
    {"str", BIT(STRING)},
    {"Dtype", BIT(DTYPE)},
    {"array", BIT(ARRAY)},
    {"scalar", SCALAR},
    {"StreamOrDevice", BIT(STREAM)},
    {"Stream", BIT(STREAM)},
    {"Device", BIT(STREAM)},
    {"DeviceType", BIT(STREAM)},
    {"ThreadLocalStream", BIT(STREAM)},
    {"Group", BIT(GROUP)},
    {"complex", BIT(COMPLEX)},
};

/* Parameters that the original leaves untyped. */
static const type_row untyped[] = {
    {"self", BIT(ARRAY)},
    {"operands", BIT(ARRAY)},
    {"shape", BIT(INT)},
    {"axes", BIT(INT)},
};

static unsigned look_up(const type_row *rows, size_t n, mlx_text t) {
    for (size_t i = 0; i < n; i++)
        if (is(t, rows[i].text))
            return rows[i].accepts;
    return 0;
}

static bool is_sequence(mlx_text t) {
    return holds(t, "Sequence[") || begins(t, "list[") || begins(t, "tuple[");
}

static unsigned one_type(mlx_text t) {
    if (begins(t, "Literal["))
        return BIT(STRING);
    if (!is_sequence(t))
        return look_up(types, sizeof types / sizeof *types, t);
    if (holds(t, "array"))
        return BIT(ARRAYS);
    if (holds(t, "float"))
        return BIT(LIST);
    const char *inner = memchr(t.start, '[', (size_t)t.length) + 1;
    return memchr(inner, '[', (size_t)(t.start + t.length - inner)) ? BIT(LIST) : BIT(INTS);
}

static unsigned all_types(mlx_text t) {
    unsigned accepts = 0;
    const char *p = t.start, *end = t.start + t.length;
    while (p < end) {
        const char *stop = find(p, end, "|");
        accepts |= one_type(trim(p, stop));
        p = stop + 1;
    }
    return accepts & BIT(STREAM) ? BIT(STREAM) : accepts;
}

/* --- fallbacks -------------------------------------------------------------------------------- */

static bool string_value(mlx_parameter *p, mlx_text t) {
    if (t.length < 2 || t.length - 2 >= (int)sizeof p->string)
        return false;
    memcpy(p->string, t.start + 1, (size_t)t.length - 2);
    p->value = (mlx_value){.kind = MLX_VALUE_STRING, .as.string = p->string};
    return true;
}

static bool ints_value(mlx_parameter *p, mlx_text t) {
    char *at = (char *)t.start + 1;
    p->value = (mlx_value){.kind = MLX_VALUE_INTS, .as.ints = p->ints};
    while (at < t.start + t.length - 1 && p->value.count < 4) {
        p->ints[p->value.count++] = (int)strtol(at, &at, 10);
        at += strspn(at, ", ");
    }
    return true;
}

static bool dtype_value(mlx_parameter *p, mlx_text t) {
    for (int i = 0; i < MX_DTYPE_COUNT; i++)
        if (is(t, mx_dtype_name((mx_dtype)i))) {
            p->value = (mlx_value){.kind = MLX_VALUE_DTYPE, .as.dtype = (mlx_dtype)i};
            return true;
        }
    return false;
}

static bool number_value(mlx_parameter *p, mlx_text t) {
    char *end;
    bool whole = !memchr(t.start, '.', (size_t)t.length) && !memchr(t.start, 'e', (size_t)t.length);
    double x = strtod(t.start, &end);
    if (end != t.start + t.length)
        return false;
    if (whole && !(p->accepts == BIT(FLOAT)))
        p->value = (mlx_value){.kind = MLX_VALUE_INT, .as.integer = (int64_t)x};
    else
        p->value = (mlx_value){.kind = MLX_VALUE_FLOAT, .as.number = x};
    return true;
}

static bool parse_fallback(mlx_parameter *p) {
    mlx_text t = p->fallback;
    if (is(t, "None")) {
        p->value.kind = p->accepts & BIT(STREAM)  ? MLX_VALUE_STREAM
                        : p->accepts & BIT(GROUP) ? MLX_VALUE_GROUP
                                                  : MLX_VALUE_NONE;
        return true;
    }
    if (is(t, "True") || is(t, "False")) {
        p->value = (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = is(t, "True")};
        return true;
    }
    if (*t.start == '\'' || *t.start == '"')
        return string_value(p, t);
    if (*t.start == '[')
        return ints_value(p, t);
    return dtype_value(p, t) || number_value(p, t);
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool parse_parameter(mlx_parameter *p, mlx_text part) {
    const char *end = part.start + part.length, *equals = find(part.start, end, "=");
    const char *colon = find(part.start, equals, ":");
    p->name = trim(part.start, colon);
    p->type = colon < equals ? trim(colon + 1, equals) : (mlx_text){colon, 0};
    p->fallback = equals < end ? trim(equals + 1, end) : (mlx_text){end, 0};
    p->accepts = p->type.length ? all_types(p->type)
                                : look_up(untyped, sizeof untyped / sizeof *untyped, p->name);
    return p->name.length && p->accepts && (!p->fallback.length || parse_fallback(p));
}

static bool parse_part(mlx_signature *out, mlx_text part, unsigned char *place) {
    if (is(part, "/")) {
        for (int i = 0; i < out->count; i++)
            out->parameters[i].place = MLX_PLACE_POSITION;
        return true;
    }
    bool star = begins(part, "*");
    if (star)
        part = trim(part.start + 1, part.start + part.length);
    if (star && !part.length) {
        *place = MLX_PLACE_KEYWORD;
        return true;
    }
    if (out->count == MLX_PARAMETERS_MAX || !parse_parameter(&out->parameters[out->count], part))
        return false;
    out->parameters[out->count++].place = star ? MLX_PLACE_REST : *place;
    *place = star ? MLX_PLACE_KEYWORD : *place;
    return true;
}

int mlx_signature_parse(mlx_signature *out, const char *text) {
    if (!out || !text)
        return cat_fail(MX_INVALID, "[signature] the %s is NULL", out ? "text" : "result");
    const char *end = text + strlen(text), *open = find(text, end, "(");
    const char *close = open < end ? find(open + 1, end, ")") : end;
    unsigned char place = MLX_PLACE_EITHER;
    memset(out, 0, sizeof *out);
    out->name = trim(text, open);
    for (const char *p = open + 1, *stop; p < close; p = stop + 1) {
        stop = find(p, close, ",");
        if (!parse_part(out, trim(p, stop), &place))
            return cat_fail(MX_INVALID, "[signature] %.*s is not understood in %s", (int)(stop - p),
                            p, text);
    }
    if (close == end || !out->name.length)
        return cat_fail(MX_INVALID, "[signature] %s is not one", text);
    const char *arrow = strstr(close, "->");
    out->result = arrow ? trim(arrow + 2, end) : (mlx_text){end, 0};
    return 0;
}
