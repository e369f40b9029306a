/* How far rotations turn: rope_scaling of config.json as frequencies, radians a position.
 *
 *     kind        frequency i of n, f = theta^(-i/n)
 *     default     f; dynamic too, within the context that a model was trained for
 *     linear      f / factor
 *     llama3      f, f / factor where the wave is long, between them what lies between (Llama 3.1's
 *                 model card)
 *     yarn        f where it turns often in the former context, f / factor where it turns seldom, a
 *                 ramp between (Peng et al. 2023); magnitude 0.1 ln(factor) + 1
 *     longrope    f / short[i] within the former context, f / long[i] beyond (Ding et al. 2024);
 *                 magnitude sqrt(1 + ln(growth) / ln(former context))
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"

static const double PI = 3.14159265358979323846;
enum { MOST = 1 << 16 }; /* features of a head */

typedef struct turning {
    dec_build *b;
    const char *place; /* path of what says the kind, with a dot behind; "" */
    double theta;
    int rotated, n; /* n: rotated / 2 */
    float *near;
    mx_rotation *out;
} turning;

/* --- where the config says it ---------------------------------------------------------------- */

static double at(const turning *t, const char *key, double other) {
    char path[160];
    size_t n = strlen(t->place);
    if (n + strlen(key) >= sizeof path)
        return other;
    memcpy(path, t->place, n);
    strcpy(path + n, key);
    return dec_number(t->b, path, other);
}

static bool has(const turning *t, const char *key) {
    return !isnan(at(t, key, NAN));
}

/* The object for layers of one sight: its path with a dot behind. */
static const char *place_of(dec_build *b, dec_sight sight) {
    bool local = sight == DEC_WINDOW;
    // files of two versions say it twice
    const char *const said[] = {"rope_theta", "rope_scaling", "partial_rotary_factor",
                                b->trait->local_theta};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i])
            dec_at(b, said[i]);
    if (json_is_object(dec_at(b, local ? "rope_parameters.sliding_attention"
                                       : "rope_parameters.full_attention")))
        return local ? "rope_parameters.sliding_attention." : "rope_parameters.full_attention.";
    if (json_is_object(dec_at(b, "rope_parameters")))
        return "rope_parameters.";
    if (local && b->trait->local_theta) // its scaling is that of layers that see all
        return "";
    return json_is_object(dec_at(b, "rope_scaling")) ? "rope_scaling." : "";
}

static double theta_of(const turning *t, dec_sight sight) {
    const char *local = sight == DEC_WINDOW ? t->b->trait->local_theta : NULL;
    double v = *t->place ? at(t, "rope_theta", NAN) : NAN;
    if (!isnan(v))
        return v;
    return dec_number(t->b, local ? local : "rope_theta", 10000);
}

static const char *kind_of(const turning *t) {
    const char *kind = NULL;
    if (strcmp(t->place, "rope_scaling.") == 0)
        kind = dec_text(t->b, "rope_scaling.rope_type|rope_scaling.type");
    else if (strcmp(t->place, "rope_parameters.") == 0)
        kind = dec_text(t->b, "rope_parameters.rope_type|rope_parameters.type");
    else if (*t->place)
        kind = dec_text(t->b, strstr(t->place, "full")
                                  ? "rope_parameters.full_attention.rope_type"
                                  : "rope_parameters.sliding_attention.rope_type");
    return kind ? kind : "default";
}

static double former_context(const turning *t) {
    double now = (double)dec_size(t->b, "max_position_embeddings", 0);
    double own = dec_number(t->b, "original_max_position_embeddings", now);
    return at(t, "original_max_position_embeddings", own);
}

/* Do a former and a present version's keys say the same? What one of them leaves out does not
   count, but the kind does. */
static bool agree(const json_t *former, const json_t *now) {
    const char *key, *a = mx_json_text_at(former, "rope_type|type"),
                     *b = mx_json_text_at(now, "rope_type|type");
    json_t *v;
    if (a && b && strcmp(a, b))
        return false;
    json_object_foreach((json_t *)(uintptr_t)former, key, v) {
        const json_t *other = json_object_get(now, key);
        bool numbers = json_is_number(v) && json_is_number(other);
        if (other && strcmp(key, "type") && strcmp(key, "rope_type") &&
            (numbers ? json_number_value(v) != json_number_value(other) : !json_equal(v, other)))
            return false;
    }
    return true;
}

static bool check_objects(dec_build *b) {
    json_t *former = dec_at(b, "rope_scaling"), *now = dec_at(b, "rope_parameters");
    const json_t *all = mx_json_at(now, "full_attention");
    if (former && !json_is_object(former))
        return dec_refuse(b, "rope_scaling", "an object was expected");
    if (now && !json_is_object(now))
        return dec_refuse(b, "rope_parameters", "an object was expected");
    return !former || !now || !json_object_size(former) || !json_object_size(now) ||
           agree(former, all ? all : now) ||
           dec_refuse(b, "rope_scaling", "and rope_parameters says something else");
}

/* --- the kinds ------------------------------------------------------------------------------- */

static bool usual(const turning *t) {
    (void)t;
    return true;
}

/* config.json has them, as those who read it expect; a GGUF file may leave them out. */
static bool needs(const turning *t, const char *key) {
    return t->b->model.is_gguf || has(t, key) ||
           mx_fail(MX_FORMAT, "[model] '%s': %s%s is missing, which '%s' needs", t->b->name,
                   t->place, key, kind_of(t));
}

static bool linear(const turning *t) {
    if (!needs(t, "factor"))
        return false;
    double factor = at(t, "factor", 1);
    for (int i = 0; i < t->n; i++)
        t->near[i] = (float)(t->near[i] / factor);
    return true;
}

static bool llama3(const turning *t) {
    if (!needs(t, "factor") || !needs(t, "low_freq_factor") || !needs(t, "high_freq_factor"))
        return false;
    double factor = at(t, "factor", 8), low = at(t, "low_freq_factor", 1),
           high = at(t, "high_freq_factor", 4), context = former_context(t);
    for (int i = 0; i < t->n; i++) {
        double f = t->near[i], wave = 2 * PI / f;
        double s = (context / wave - low) / (high - low);
        if (wave > context / low)
            t->near[i] = (float)(f / factor);
        else if (wave >= context / high)
            t->near[i] = (float)((1 - s) * f / factor + s * f);
    }
    return true;
}

/* Which frequency turns so many times in `context` positions. */
static double turning_times(const turning *t, double times, double context) {
    return t->rotated * log(context / (times * 2 * PI)) / (2 * log(t->theta));
}

static double magnitude_of(double factor, double by) {
    return factor <= 1 ? 1 : 0.1 * by * log(factor) + 1;
}

static double yarn_magnitude(const turning *t, double factor) {
    double all = at(t, "mscale_all_dim", 0), own = at(t, "mscale", 0);
    if (has(t, "attention_factor"))
        return at(t, "attention_factor", 1);
    if (own != 0 && all != 0)
        return magnitude_of(factor, own) / magnitude_of(factor, all);
    return magnitude_of(factor, 1);
}

static bool truncates(const turning *t) {
    const char *key =
        strncmp(t->place, "rope_p", 6) ? "rope_scaling.truncate" : "rope_parameters.truncate";
    return dec_flag(t->b, key, !t->b->trait->fine_ramp);
}

static bool yarn(const turning *t) {
    double context = former_context(t), now = (double)dec_size(t->b, "max_position_embeddings", 0);
    double factor = at(t, "factor", context > 0 ? now / context : 1);
    double low = turning_times(t, at(t, "beta_fast", 32), context);
    double high = turning_times(t, at(t, "beta_slow", 1), context);
    bool whole = truncates(t);
    low = fmax(whole ? floor(low) : low, 0);
    high = fmin(whole ? ceil(high) : high, t->rotated - 1);
    high = high == low ? high + 0.001 : high;
    for (int i = 0; i < t->n; i++) {
        double ramp = fmin(fmax((i - low) / (high - low), 0), 1), f = t->near[i];
        t->near[i] = (float)(f / factor * ramp + f * (1 - ramp));
    }
    t->out->magnitude = (float)yarn_magnitude(t, factor);
    return true;
}

static bool divide(const turning *t, float *f, const char *a, const char *b) {
    json_t *list = dec_at(t->b, strncmp(t->place, "rope_p", 6) ? a : b);
    if (json_array_size(list) != (size_t)t->n)
        return dec_refuse(t->b, strncmp(t->place, "rope_p", 6) ? a : b,
                          "a number for each frequency was expected");
    for (int i = 0; i < t->n; i++)
        f[i] = (float)(f[i] / json_number_value(json_array_get(list, (size_t)i)));
    return true;
}

static bool longrope(const turning *t) {
    double before = former_context(t), now = (double)dec_size(t->b, "max_position_embeddings", 0);
    double growth = at(t, "factor", before > 0 ? now / before : 1);
    float *far = dec_keep_block(t->b, mx_memdup(t->near, (size_t)t->n * sizeof *far));
    if (!far || !divide(t, far, "rope_scaling.long_factor", "rope_parameters.long_factor") ||
        !divide(t, t->near, "rope_scaling.short_factor", "rope_parameters.short_factor"))
        return false;
    double magnitude = growth > 1 && before > 1 ? sqrt(1 + log(growth) / log(before)) : 1;
    t->out->far = far;
    t->out->near_context = (int64_t)before;
    t->out->magnitude = t->out->far_magnitude = (float)at(t, "attention_factor", magnitude);
    return true;
}

/* What a GGUF file's tensor says. */
static bool factors(const turning *t) {
    return divide(t, t->near, "rope_scaling.factors", "rope_scaling.factors");
}

static const struct kind {
    const char *name;
    bool (*change)(const turning *);
} kinds[] = {{"default", usual},     {"none", usual},    {"dynamic", usual},
             {"linear", linear},     {"llama3", llama3}, {"yarn", yarn},
             {"longrope", longrope}, {"su", longrope},   {MX_ROPE_FACTORS, factors}};

static bool change(const turning *t) {
    const char *kind = kind_of(t);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return kinds[i].change(t);
    return mx_fail(MX_UNSUPPORTED, "[model] '%s': rope_scaling of the kind '%.80s' is not known",
                   t->b->name, kind);
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool is_finite(const turning *t) {
    for (int i = 0; i < t->n; i++)
        if (!isfinite(t->near[i]) || (t->out->far && !isfinite(t->out->far[i])))
            return dec_refuse(t->b, "rope_scaling", "of which no frequencies can be made");
    return true;
}

static bool make(dec_build *b, dec_sight sight, int rotated, mx_rotation *out) {
    turning t = {.b = b, .rotated = rotated, .n = rotated / 2, .out = out};
    if (!check_objects(b))
        return false;
    t.place = place_of(b, sight);
    t.theta = theta_of(&t, sight);
    t.near = dec_keep_block(b, mx_malloc((size_t)t.n * sizeof *t.near));
    out->frequency = t.near;
    for (int i = 0; t.near && i < t.n; i++)
        t.near[i] = (float)pow(t.theta, -2.0 * i / rotated);
    if (!(t.theta > 0))
        return dec_refuse(b, "rope_theta", "of which no frequencies can be made");
    return t.near && change(&t) && is_finite(&t) && !mx_failed();
}

/* Layers of one sight share the frequencies. */
bool dec_rope(dec_build *b, dec_sight sight, int rotated, mx_rotation *out) {
    bool adjacent = b->trait->adjacent || (b->model.is_gguf && b->d->family->interleaves);
    *out =
        (mx_rotation){.rotated = rotated, .adjacent = adjacent, .magnitude = 1, .far_magnitude = 1};
    if (rotated <= 0 || rotated % 2 || rotated > MOST)
        return rotated == 0 || dec_refuse(b, "head_dim", "features of a head turn in pairs");
    if (b->rope[sight].rotated != rotated) {
        if (!make(b, sight, rotated, out))
            return false;
        b->rope[sight] = *out;
    }
    *out = b->rope[sight];
    return true;
}
