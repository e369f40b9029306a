/* Folders of other packers (fp8, gptq, awq, compressed-tensors, modelopt): a model answers as one
 * whose matrices are the numbers that the codes stand for.
 */
#include "graph/eval/eval.h"
#include "models/convert/convert.h"
#include "tiny_models.h"

enum { MOST = 80, H = 64, F = 128, VOCABULARY = 64, COUNT = 12 };

/* --- files ----------------------------------------------------------------------------------- */

typedef struct file {
    char name[MOST][128];
    const char *storage[MOST];
    mx_array *array[MOST];
    int count;
} file;

static void add(file *f, const char *module, const char *part, const char *storage, mx_array *a) {
    snprintf(f->name[f->count], sizeof *f->name, "%s.%s", module, part);
    f->storage[f->count] = storage;
    f->array[f->count++] = a;
}

static mx_array *array_of(const void *data, int rows, int columns, mx_dtype t) {
    return mx_array_from(data, (const int[]){rows, columns}, 2, t);
}

static bool write_model(const file *f, const char *path, const char *quantization) {
    char text[2048], full[600];
    snprintf(full, sizeof full, "%s/config.json", path);
    mkdir(path, 0777);
    snprintf(text, sizeof text,
             "{\"model_type\": \"llama\", \"hidden_size\": 64, \"intermediate_size\": 128, "
             "\"num_hidden_layers\": 1, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
             "\"vocab_size\": 64, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5, "
             "\"tie_word_embeddings\": true%s%s}",
             quantization ? ", \"quantization_config\": " : "", quantization ? quantization : "");
    FILE *c = fopen(full, "wb");
    CHECK(c && fwrite(text, 1, strlen(text), c) == strlen(text) && fclose(c) == 0);
    snprintf(full, sizeof full, "%s/model.safetensors", path);
    mx_archive_writer *w = mx_archive_create(full, "safetensors", 0);
    for (int i = 0; i < f->count; i++)
        mx_archive_declare(w, f->name[i], f->storage[i], f->array[i]->shape, f->array[i]->ndim);
    for (int i = 0; i < f->count; i++)
        mx_archive_put(w, f->name[i], f->array[i]);
    bool ok = w && mx_archive_finish(w);
    mx_archive_writer_free(w);
    return CHECK_MSG(ok, "%s", mx_error_message());
}

/* --- packers --------------------------------------------------------------------------------- */

static uint64_t state;
static uint32_t draw(uint32_t n) {
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

/* A matrix as a packer has it, into f; its numbers into v. */
typedef struct packer {
    const char *quantization;
    void (*pack)(file *f, const char *module, int out, int in, float *v, int bits, int group);
    int bits, group;
} packer;

static uint8_t code[F * F];
static float scale[F * F], zero[F * F];
static bool even; // zero points are in the middle

/* Codes, scales and zeros of groups of a row; the numbers. */
static void draw_codes(int out, int in, int bits, int group, float *v) {
    int groups = in / group;
    for (int i = 0; i < out * groups; i++) {
        scale[i] = (float)(1 + draw(64)) / 2048; // float16 holds it
        zero[i] = (float)(1 + draw((1u << bits) - 1));
        zero[i] = even ? (float)(1 << (bits - 1)) : zero[i];
    }
    for (int i = 0; i < out * in; i++) {
        int g = i / in * groups + i % in / group;
        code[i] = (uint8_t)draw(1u << bits);
        v[i] = ((float)code[i] - zero[g]) * scale[g];
    }
}

/* Code i of a stream whose words lie `stride` apart. */
static void put_bits(uint32_t *words, int stride, int i, int bits, uint32_t c) {
    for (int k = 0; k < bits; k++) {
        int at = i * bits + k;
        words[(at / 32) * stride] |= (c >> k & 1u) << (at % 32);
    }
}

static mx_array *turned(const float *v, int rows, int columns) {
    float t[F * F];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            t[c * rows + r] = v[r * columns + c];
    return array_of(t, columns, rows, MX_FLOAT32);
}

static void add_half(file *f, const char *module, const char *part, mx_array *a) {
    add(f, module, part, "float16", mx_astype(a, MX_FLOAT16));
}

static void pack_gptq_as(file *f, const char *module, int out, int in, float *v, int bits,
                         int group, int less) {
    static uint32_t q[F * F], z[F * F];
    int groups = in / group;
    draw_codes(out, in, bits, group, v);
    memset(q, 0, sizeof q);
    memset(z, 0, sizeof z);
    for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++)
            put_bits(q + o, out, i, bits, code[o * in + i]);
        for (int g = 0; g < groups; g++)
            put_bits(z + g * (out * bits / 32), 1, o, bits, (uint32_t)zero[o * groups + g] - less);
    }
    add(f, module, "qweight", "int32", array_of(q, in * bits / 32, out, MX_INT32));
    add(f, module, "qzeros", "int32", array_of(z, groups, out * bits / 32, MX_INT32));
    add_half(f, module, "scales", turned(scale, out, groups));
}

static void pack_gptq(file *f, const char *module, int out, int in, float *v, int bits, int group) {
    int32_t index[F];
    pack_gptq_as(f, module, out, in, v, bits, group, 1);
    for (int i = 0; i < in; i++)
        index[i] = i / group;
    add(f, module, "g_idx", "int32", mx_array_from(index, &in, 1, MX_INT32));
}

static void pack_even(file *f, const char *module, int out, int in, float *v, int bits, int group) {
    even = true;
    pack_gptq(f, module, out, in, v, bits, group);
    even = false;
}

/* Columns of groups here and there. */
static void pack_permuted(file *f, const char *module, int out, int in, float *v, int bits,
                          int group) {
    int32_t index[F];
    pack_gptq_as(f, module, out, in, v, bits, group, 0);
    for (int i = 0; i < in; i++) {
        index[i] = i % (in / group);
        for (int o = 0; o < out; o++) {
            int g = o * (in / group) + index[i];
            v[o * in + i] = ((float)code[o * in + i] - zero[g]) * scale[g];
        }
    }
    add(f, module, "g_idx", "int32", mx_array_from(index, &in, 1, MX_INT32));
}

static void pack_awq(file *f, const char *module, int out, int in, float *v, int bits, int group) {
    static const int order[] = {0, 2, 4, 6, 1, 3, 5, 7};
    static uint32_t q[F * F], z[F * F];
    int groups = in / group, n = out / 8;
    draw_codes(out, in, bits, group, v);
    memset(q, 0, sizeof q);
    memset(z, 0, sizeof z);
    for (int w = 0; w < n; w++)
        for (int k = 0; k < 8; k++) {
            int o = 8 * w + order[k];
            for (int i = 0; i < in; i++)
                q[i * n + w] |= (uint32_t)code[o * in + i] << (4 * k);
            for (int g = 0; g < groups; g++)
                z[g * n + w] |= (uint32_t)zero[o * groups + g] << (4 * k);
        }
    add(f, module, "qweight", "int32", array_of(q, in, n, MX_INT32));
    add(f, module, "qzeros", "int32", array_of(z, groups, n, MX_INT32));
    add_half(f, module, "scales", turned(scale, out, groups));
}

static void pack_compressed(file *f, const char *module, int out, int in, float *v, int bits,
                            int group) {
    static uint32_t q[F * F];
    int groups = in / group, per = in * bits / 32;
    draw_codes(out, in, bits, group, v);
    memset(q, 0, sizeof q);
    for (int i = 0; i < out * in; i++) {
        int g = i / in * groups + i % in / group;
        put_bits(q + i / in * per, 1, i % in, bits, code[i]);
        v[i] = (float)(code[i] - (1 << (bits - 1))) * scale[g];
    }
    int64_t shape[] = {out, in};
    add(f, module, "weight_packed", "int32", array_of(q, out, per, MX_INT32));
    add_half(f, module, "weight_scale", array_of(scale, out, groups, MX_FLOAT32));
    add(f, module, "weight_shape", "int64", mx_array_from(shape, &(int){2}, 1, MX_INT64));
}

/* With zero points, which are packed down the columns; of 8 bits as they are. */
static void pack_compressed_zeros(file *f, const char *module, int out, int in, float *v, int bits,
                                  int group) {
    static uint32_t z[F * F];
    static int8_t plain[F * F];
    int groups = in / group, per = out * bits / 32;
    pack_compressed(f, module, out, in, v, bits, group);
    memset(z, 0, sizeof z);
    for (int i = 0; i < out * in; i++) {
        int g = i / in * groups + i % in / group;
        v[i] = (float)(code[i] - zero[g]) * scale[g];
    }
    for (int i = 0; i < out * groups; i++) {
        put_bits(z + i % groups, groups, i / groups, bits, zero[i]);
        plain[i] = (int8_t)(zero[i] - 128);
    }
    if (bits == 8)
        add(f, module, "weight_zero_point", "int8", array_of(plain, out, groups, MX_INT8));
    else
        add(f, module, "weight_zero_point", "int32", array_of(z, per, groups, MX_INT32));
}

/* Codes that are not packed, with a scale for each row, or one. */
static void pack_int8(file *f, const char *module, int out, int in, float *v, int bits, int group) {
    static int8_t q[F * F];
    bool one = group == 0;
    draw_codes(out, in, bits, in, v);
    for (int i = 0; i < out * in; i++) {
        q[i] = (int8_t)(code[i] - 128);
        v[i] = (float)q[i] * scale[one ? 0 : i / in];
    }
    add(f, module, "weight", "int8", array_of(q, out, in, MX_INT8));
    mx_array *scales = array_of(scale, one ? 1 : out, 1, MX_FLOAT32);
    add_half(f, module, "weight_scale", one ? mx_reshape(scales, (const int[]){1}, 1) : scales);
}

/* The same with zero points, and what is said of inputs, which are not made coarser. group 0: one
   of shape (1), 1: one for each row, 2: one of shape (); -1, -2: they are 0. */
static void pack_int8_zeros(file *f, const char *module, int out, int in, float *v, int bits,
                            int group) {
    static int8_t z[F];
    bool blank = group < 0, each = group == 1 || group == -1;
    float one = 0.5f;
    pack_int8(f, module, out, in, v, bits, each);
    for (int i = 0; i < out; i++)
        z[i] = blank ? 0 : (int8_t)(draw(100) + 1);
    for (int i = 0; i < out * in; i++)
        v[i] -= (float)z[each ? i / in : 0] * scale[each ? i / in : 0];
    mx_array *a = array_of(z, each ? out : 1, 1, MX_INT8);
    if (!each)
        a = mx_reshape(a, (const int[]){1}, group != 2);
    add(f, module, "weight_zero_point", "int8", a);
    add(f, module, "input_scale", "float32", mx_array_from(&one, &(int){1}, 1, MX_FLOAT32));
    add(f, module, "input_zero_point", "int8", mx_array_from(z, &(int){1}, 1, MX_INT8));
    if (strstr(module, "k_proj"))
        add(f, "model.layers.0.self_attn", "k_scale", "float32",
            mx_array_from(&one, &(int){1}, 1, MX_FLOAT32));
}

/* With zero points in words that say nothing. */
static void pack_compressed_even(file *f, const char *module, int out, int in, float *v, int bits,
                                 int group) {
    static uint32_t z[F * F];
    int groups = in / group, per = out * bits / 32;
    pack_compressed(f, module, out, in, v, bits, group);
    memset(z, bits == 4 ? 0x88 : 0x80, sizeof z);
    add(f, module, "weight_zero_point", "int32", array_of(z, per, groups, MX_INT32));
}

/* It says another shape. */
static void pack_compressed_wrong(file *f, const char *module, int out, int in, float *v, int bits,
                                  int group) {
    static int64_t shape[2];
    pack_compressed(f, module, out, in, v, bits, group);
    shape[0] = out + 1;
    shape[1] = in;
    f->array[f->count - 1] = mx_array_from(shape, &(int){2}, 1, MX_INT64);
}

/* Columns of groups here and there. */
static void pack_compressed_permuted(file *f, const char *module, int out, int in, float *v,
                                     int bits, int group) {
    static int32_t index[F];
    int groups = in / group;
    pack_compressed(f, module, out, in, v, bits, group);
    for (int i = 0; i < in; i++)
        index[i] = (in - 1 - i) % groups;
    for (int i = 0; i < out * in; i++)
        v[i] = (float)(code[i] - (1 << (bits - 1))) * scale[i / in * groups + index[i % in]];
    add(f, module, "weight_g_idx", "int32", mx_array_from(index, &in, 1, MX_INT32));
}

/* Numbers of e4m3 codes. */
static float e4m3(uint8_t c) {
    int e = c >> 3 & 15, m = c & 7;
    float x = e ? ldexpf((float)(8 + m), e - 10) : ldexpf((float)m, -9);
    return c & 128 ? -x : x;
}

static void draw_float8(file *f, const char *module, int out, int in, float *v) {
    static uint8_t q[F * F];
    for (int i = 0; i < out * in; i++) {
        q[i] = (uint8_t)(draw(2) * 128 + draw(0x48));
        v[i] = e4m3(q[i]);
    }
    add(f, module, "weight", "float8_e4m3", array_of(q, out, in, MX_UINT8));
}

/* Scales of blocks of `group` rows and columns. */
static void pack_fp8(file *f, const char *module, int out, int in, float *v, int bits, int group) {
    int rows = (out + group - 1) / group, columns = (in + group - 1) / group;
    draw_float8(f, module, out, in, v);
    for (int i = 0; i < rows * columns; i++)
        scale[i] = bits ? ldexpf(1, -2 - (int)draw(4)) : (float)(1 + draw(1000)) / 7000;
    for (int i = 0; i < out * in; i++)
        v[i] *= scale[i / in / group * columns + i % in / group];
    add(f, module, "weight_scale_inv", "float32", array_of(scale, rows, columns, MX_FLOAT32));
}

static void pack_fp8_rows(file *f, const char *module, int out, int in, float *v, int bits,
                          int group) {
    (void)bits, (void)group;
    draw_float8(f, module, out, in, v);
    for (int i = 0; i < out; i++)
        scale[i] = (float)(1 + draw(1000)) / 7000;
    for (int i = 0; i < out * in; i++)
        v[i] *= scale[i / in];
    add(f, module, "weight_scale", "float32", array_of(scale, out, 1, MX_FLOAT32));
}

/* With a zero point, which is that of none. */
static void pack_fp8_zeros(file *f, const char *module, int out, int in, float *v, int bits,
                           int group) {
    uint8_t z = (uint8_t)bits;
    pack_fp8_rows(f, module, out, in, v, bits, group);
    add(f, module, "weight_zero_point", "float8_e4m3", mx_array_from(&z, &(int){1}, 1, MX_UINT8));
}

/* down_proj has numbers of its own, v_proj is not packed. */
static void pack_gptq_each(file *f, const char *module, int out, int in, float *v, int bits,
                           int group) {
    static float plain[F * F];
    if (strstr(module, "down_proj"))
        pack_gptq(f, module, out, in, v, 8, 64);
    else if (!strstr(module, "v_proj"))
        pack_gptq(f, module, out, in, v, bits, group);
    for (int i = 0; i < out * in && strstr(module, "v_proj"); i++)
        plain[i] = v[i] = (float)draw(100) / 1024;
    if (strstr(module, "v_proj"))
        add(f, module, "weight", "float32", array_of(plain, out, in, MX_FLOAT32));
}

/* bits: 0 modelopt, which multiplies; else compressed-tensors, which divides. */
static void pack_nvfp4(file *f, const char *module, int out, int in, float *v, int bits,
                       int group) {
    static const float e2m1[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    static uint8_t q[F * F], s[F * F];
    float factor = bits ? 300 : 1.0f / 300;
    memset(q, 0, sizeof q);
    for (int i = 0; i < out * in / group; i++)
        s[i] = (uint8_t)(0x30 + draw(0x20));
    for (int i = 0; i < out * in; i++) {
        uint32_t c = draw(16);
        q[i / 2] |= (uint8_t)(c << (i % 2 * 4));
        float x = e2m1[c & 7] * e4m3(s[i / group]);
        v[i] = (c & 8 ? -x : x) * (bits ? 1 / factor : factor);
    }
    add(f, module, bits ? "weight_packed" : "weight", "uint8", array_of(q, out, in / 2, MX_UINT8));
    add(f, module, "weight_scale", "float8_e4m3", array_of(s, out, in / group, MX_UINT8));
    add(f, module, bits ? "weight_global_scale" : "weight_scale_2", "float32",
        mx_array_from(&factor, &(int){1}, 1, MX_FLOAT32));
}

/* --- models ---------------------------------------------------------------------------------- */

static void fill(file *packed, file *plain, const packer *p) {
    static const struct {
        const char *module;
        int out, in;
    } all[] = {{"self_attn.q_proj", H, H},     {"self_attn.k_proj", H / 2, H},
               {"self_attn.v_proj", H / 2, H}, {"self_attn.o_proj", H, H},
               {"mlp.gate_proj", F, H},        {"mlp.up_proj", F, H},
               {"mlp.down_proj", H, F}};
    static float v[F * F];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char module[100];
        snprintf(module, sizeof module, "model.layers.0.%s", all[i].module);
        p->pack(packed, module, all[i].out, all[i].in, v, p->bits, p->group);
        add(plain, module, "weight", "float32", array_of(v, all[i].out, all[i].in, MX_FLOAT32));
    }
    for (int i = 0; i < 2; i++) {
        file *f = i ? plain : packed;
        int h = H, table[] = {VOCABULARY, H};
        add(f, "model.embed_tokens", "weight", "float32", tiny_tensor("table", table, 2));
        add(f, "model.norm", "weight", "float32", tiny_tensor("a.weight", &h, 1));
        add(f, "model.layers.0.input_layernorm", "weight", "float32",
            tiny_tensor("b.weight", &h, 1));
        add(f, "model.layers.0.post_attention_layernorm", "weight", "float32",
            tiny_tensor("c.weight", &h, 1));
    }
}

static const float *logits(const char *path) {
    static const int tokens[COUNT] = {3, 17, 42, 42, 5, 9, 60, 33, 2, 8, 25, 50};
    mx_span span = {0, COUNT, 0, NULL};
    mx_pass pass = {.token = tokens, .rows = COUNT, .span = &span, .spans = 1};
    mx_decoder *d = mx_decoder_open(path);
    mx_array *a = d ? mx_contiguous(mx_decoder_graph(d, &pass), false) : NULL;
    const float *v = a && mx_eval1(a) ? (const float *)(const void *)a->data : NULL;
    CHECK_MSG(v, "%s", mx_error_message());
    mx_error_clear();
    mx_decoder_release(d);
    return v;
}

static void near_to(const char *path, const float *y, double room, const char *what) {
    const float *x = logits(path);
    double far = 0, most = 1;
    for (int i = 0; x && y && i < COUNT * VOCABULARY; i++) {
        far = fmax(far, fabs((double)x[i] - (double)y[i]));
        most = fmax(most, fabs((double)y[i]));
    }
    CHECK_MSG(far <= room * most, "%s: %g away", what, far / most);
}

/* Conversion makes numbers of it: all digits where float32 is asked for (codes are multiplied by
   two digits of the other side), else those of scales: a half of 128 of them is a sixteenth of a
   code away, in the same direction in a group. */
static void converts(const char *packed, const float *y, const char *what) {
    static int made;
    char name[32];
    mx_convert_options wide = {.dtype = "float32", .overwrite = true}, usual = {0};
    snprintf(name, sizeof name, "made%d", made++);
    const char *gguf = own_path("made.gguf"), *path = own_path(name);
    if (CHECK_MSG(mx_convert(packed, gguf, &wide), "%s: %s", what, mx_error_message()))
        near_to(gguf, y, 1e-4, what);
    if (CHECK_MSG(mx_convert(packed, path, &usual), "%s: %s", what, mx_error_message()))
        near_to(path, y, 0.1, what);
    mx_error_clear();
}

static void one(const packer *p) {
    mx_scope scope = mx_scope_open();
    static file packed, plain;
    packed.count = plain.count = 0;
    state = check_seed(7);
    fill(&packed, &plain, p);
    const char *a = own_path("packed"), *b = own_path("plain");
    if (write_model(&packed, a, p->quantization) && write_model(&plain, b, NULL)) {
        const float *y = logits(b);
        near_to(a, y, 1e-5, p->quantization);
        converts(a, y, p->quantization);
    }
    mx_scope_close(scope);
}

static void packed_models(void) {
    static const packer all[] = {
        {"{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32}", pack_gptq, 4, 32},
        {"{\"quant_method\": \"gptq\", \"bits\": 8, \"group_size\": 64, \"dynamic\": "
         "{\"-:.*visual.*\": {}, \"+:.*q_proj\": {\"bits\": 8}}}",
         pack_gptq, 8, 64},
        {"{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32, \"dynamic\": "
         "{\"-:.*\\\\.v_proj\": {}, \"down\": {\"bits\": 2}, "
         "\"+:model\\\\.layers\\\\.\\\\d+\\\\.mlp\\\\.down\": {\"bits\": 8, \"group_size\": 64, \"mse\": 0.1}, "
         "\".*down.*\": {\"bits\": 3}}}",
         pack_gptq_each, 4, 32},
        {"{\"quant_method\": \"gptq\", \"bits\": 2, \"group_size\": 32}", pack_gptq, 2, 32},
        {"{\"quant_method\": \"gptq\", \"bits\": 3, \"group_size\": 64}", pack_gptq, 3, 64},
        {"{\"quant_method\": \"gptq\", \"bits\": 4, \"checkpoint_format\": \"gptq_v2\"}",
         pack_permuted, 4, 32},
        {"{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32, \"sym\": true, "
         "\"desc_act\": false, \"checkpoint_format\": \"gptq\"}",
         pack_even, 4, 32},
        {"{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 32}", pack_awq, 4, 32},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"pack-quantized\"}",
         pack_compressed, 4, 32},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8}}}}",
         pack_compressed, 8, 64},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"actorder\": \"group\"}}}}",
         pack_compressed_permuted, 4, 32},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"symmetric\": false}}}}",
         pack_compressed_zeros, 4, 32},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": false}}}}",
         pack_compressed_zeros, 8, 64},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"int-quantized\", "
         "\"config_groups\": {\"group_0\": {\"weights\": {\"num_bits\": 8}}}}",
         pack_int8, 8, 1},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"int-quantized\", "
         "\"config_groups\": {\"group_0\": {\"weights\": {\"num_bits\": 8}}}}",
         pack_int8, 8, 0},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"float-quantized\"}",
         pack_fp8_rows, 0, 0},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": false}}}}",
         pack_int8_zeros, 8, 0},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": false}}}}",
         pack_int8_zeros, 8, 1},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": false}}}}",
         pack_int8_zeros, 8, 2},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": true}}}}",
         pack_int8_zeros, 8, -1},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": true}}}}",
         pack_int8_zeros, 8, -2},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"symmetric\": true}}}}",
         pack_compressed_even, 4, 32},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": true}}}}",
         pack_compressed_even, 8, 64},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"float-quantized\"}",
         pack_fp8_zeros, 0, 0},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"nvfp4-pack-quantized\"}",
         pack_nvfp4, 1, 16},
        {"{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}", pack_nvfp4, 0, 16},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [48, 48]}", pack_fp8, 0, 48},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [32, 32]}", pack_fp8, 1, 32},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        one(&all[i]);
}

/* --- what is wrong --------------------------------------------------------------------------- */

static void refuses(const packer *p, const char *quantization, int drop, const char *word) {
    mx_scope scope = mx_scope_open();
    static file packed, plain;
    packed.count = plain.count = 0;
    fill(&packed, &plain, p);
    const char *path = own_path("wrong");
    if (drop >= 0) { // a shape that does not fit
        mx_array *a = packed.array[drop];
        packed.array[drop] = mx_contiguous(mx_slice_axis(a, 0, 0, a->shape[0] / 2), false);
        CHECK(mx_eval1(packed.array[drop]));
    }
    if (write_model(&packed, path, quantization)) {
        mx_decoder *d = mx_decoder_open(path);
        CHECK_MSG(!d, "%s was expected", word);
        CHECK_HAS(mx_error_message(), word);
        mx_decoder_release(d);
        mx_error_clear();
    }
    mx_scope_close(scope);
}

/* What config.json says, and tensors do not. */
static void lies(void) {
    static const packer gptq = {NULL, pack_gptq, 4, 32}, awq = {NULL, pack_awq, 4, 32},
                        permuted = {NULL, pack_permuted, 4, 32}, fp8 = {NULL, pack_fp8, 0, 48},
                        middle = {NULL, pack_even, 4, 32}, words = {NULL, pack_compressed, 4, 32},
                        four = {NULL, pack_nvfp4, 0, 16}, whole = {NULL, pack_int8, 8, 1},
                        uneven = {NULL, pack_compressed_zeros, 4, 32},
                        shaped = {NULL, pack_compressed_wrong, 4, 32},
                        single = {NULL, pack_int8_zeros, 8, 0},
                        zeroed = {NULL, pack_fp8_zeros, 1, 0};
    static const struct {
        const packer *p;
        const char *quantization, *word;
    } all[] = {
        {&gptq, "[]", "config.json': quantization_config is []: an object"},
        {&gptq, "4", "quantization_config is 4"},
        {&gptq, "{}", "quantization_config.quant_method is not given"},
        {&gptq, "{\"quant_method\": 4}", "quant_method is 4"},
        {&gptq, "{\"quant_method\": null}", "quant_method is not given"},
        {&gptq, "{\"quant_method\": [\"gptq\"]}", "quant_method is [\"gptq\"]"},
        {&gptq, "{\"quant_method\": \"GPTQ\"}", "'GPTQ' are not understood"},
        {&gptq, "{\"quant_method\": \"gptq\", \"bits\": 8}", "by bits 8"},
        {&gptq, "{\"quant_method\": \"gptq\", \"bits\": \"4\"}", "bits is \"4\""},
        {&gptq, "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 64}",
         "scales', packed by gptq: it has shape (2,64), and (1,64) was expected by bits 4 and "
         "group_size 64"},
        {&gptq, "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": -1}", "group_size -1"},
        {&gptq, "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": -2}",
         "group_size is -2"},
        {&gptq, "{\"quant_method\": \"gptq\", \"group_size\": 0}", "group_size is 0"},
        {&awq, "{\"quant_method\": \"awq\", \"q_group_size\": 9223372036854775807}",
         "group_size is 9"},
        {&words,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"group_size\": 9223372036854775807}}}}",
         "weights.group_size"},
        {&gptq, "{\"quant_method\": \"gptq\", \"group_size\": \"all\"}", "group_size is \"all\""},
        {&gptq, "{\"quant_method\": \"gptq\", \"checkpoint_format\": \"marlin\"}",
         "checkpoint_format is \"marlin\""},
        {&gptq, "{\"quant_method\": \"gptq\", \"checkpoint_format\": 2}", "checkpoint_format is 2"},
        {&gptq, "{\"quant_method\": \"gptq\", \"is_marlin_format\": true}", "is_marlin_format"},
        {&gptq, "{\"quant_method\": \"gptq\", \"sym\": true}", "qzeros', packed by gptq: a zero"},
        {&gptq, "{\"quant_method\": \"gptq\", \"sym\": 1}", "sym is 1"},
        {&middle, "{\"quant_method\": \"gptq\", \"sym\": true, \"checkpoint_format\": \"gptq_v2\"}",
         "a zero point is 7, which is 8 by sym and checkpoint_format 'gptq_v2'"},
        {&permuted, "{\"quant_method\": \"gptq\", \"desc_act\": false}", "g_idx', packed by gptq"},
        {&awq, "{\"quant_method\": \"gptq\", \"bits\": 4}", "packed by gptq"},
        {&gptq, "{\"quant_method\": \"awq\", \"bits\": 4}", "packed by awq"},
        {&awq, "{\"quant_method\": \"awq\", \"bits\": 8}", "bits is 8"},
        {&awq, "{\"quant_method\": \"awq\", \"version\": \"gemv\"}", "version is \"gemv\""},
        {&awq, "{\"quant_method\": \"awq\", \"zero_point\": false}", "zero_point is false"},
        {&awq, "{\"quant_method\": \"awq\", \"group_size\": 128}", "group_size 128"},
        {&fp8, "{\"quant_method\": \"fp8\", \"weight_block_size\": [64, 48]}", "weight_block_size"},
        {&fp8, "{\"quant_method\": \"fp8\", \"weight_block_size\": 48}", "weight_block_size is 48"},
        {&four, "{\"quant_method\": \"modelopt\", \"quant_algo\": \"W4A8_AWQ\"}", "quant_algo"},
        {&words, "{\"quant_method\": \"compressed-tensors\", \"format\": \"marlin-24\"}", "format"},
        {&words,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"num_bits\": 8}}}}",
         "num_bits 8"},
        {&words,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"group_size\": 64}}}}",
         "group_size 64"},
        {&words,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"symmetric\": false}}}}",
         "the weight_zero_point beside it is missing"},
        {&uneven,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"symmetric\": true}}}}",
         "which is 0 by symmetric of quantization_config"},
        {&single,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"num_bits\": 8, \"symmetric\": true}}}}",
         "weight_zero_point', packed by compressed-tensors: a zero point is"},
        {&single,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"num_bits\": 8, \"group_size\": 32, \"symmetric\": false}}}}",
         "weight_scale', packed by compressed-tensors: it has shape (1), and (64,2) was expected by "
         "num_bits 8 and group_size 32"},
        {&zeroed, "{\"quant_method\": \"compressed-tensors\"}",
         "weight_zero_point', packed by compressed-tensors: a zero point is"},
        {&whole,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": "
         "{\"weights\": {\"num_bits\": 4}}}}",
         "it holds int8, and num_bits 4"},
        {&shaped, "{\"quant_method\": \"compressed-tensors\"}", "weight_shape', packed by"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"+:.*down.*\": {\"bits\": 8}}}",
         "down_proj.qzeros', packed by gptq: it has shape (4,8), and (4,16) was expected by bits 8 "
         "of quantization_config and its dynamic"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"-:.*k_proj\": {}}}",
         "k_proj.qweight', packed by gptq: '-:.*k_proj' of quantization_config.dynamic leaves it"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": [4]}", "dynamic is [4]"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"a\": 4}}", "dynamic: 'a': an object"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"+:(a\": {}}}", "dynamic: '+:(a': "},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"a\": {\"bits\": 5}}}",
         "dynamic: 'a': what it says of 'bits'"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"a\": {\"rotation\": \"x\"}}}",
         "dynamic: 'a': what it says of 'rotation'"},
        {&gptq, "{\"quant_method\": \"gptq\", \"dynamic\": {\"(([a-z._0-9]+)*)*[QZ]\": {}}}",
         "the pattern takes too long"},
        {&fp8, "{\"quant_method\": \"fp8\", \"weight_block_size\": [48, 48], \"fmt\": \"e5m2\"}",
         "it holds float8_e4m3, and fmt of quantization_config is 'e5m2'"},
        {&fp8, "{\"quant_method\": \"fp8\", \"weight_block_size\": [48, 48], \"fmt\": \"e3\"}",
         "fmt is \"e3\""},
        {&words,
         "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": "
         "{\"weights\": {\"num_bits\": 4}}, \"b\": {\"weights\": {\"num_bits\": 8}}}}",
         "different things of weights.num_bits"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        refuses(all[i].p, all[i].quantization, -1, all[i].word);
}

/* The codes of a module whose numbers are one of a kind; the third array is its g_idx. */
static void pack_wrong(file *f, const char *module, int out, int in, float *v, int bits,
                       int group) {
    static int32_t index[F];
    int which = group;
    pack_gptq_as(f, module, out, in, v, bits, 32, 1);
    for (int i = 0; i < in; i++)
        index[i] = i / 32;
    index[7] = which == 0 ? -1 : which == 1 ? in / 32 : 1;
    if (which < 4)
        add(f, module, "g_idx", "int32", mx_array_from(index, &in, 1, MX_INT32));
    if (which == 3)
        add_half(f, module, "weight_zero_point", mx_array_from(v, &in, 1, MX_FLOAT32));
}

static void wrong_groups(void) {
    static const char g[] = "{\"quant_method\": \"gptq\", \"bits\": 4}";
    static const char *const words[] = {"q_proj.g_idx', packed by gptq: column 7 is of group -1",
                                        "q_proj.g_idx', packed by gptq: column 7 is of group 2",
                                        "q_proj.g_idx', packed by gptq: 31 columns are of group 0",
                                        "q_proj.weight_zero_point', packed by gptq: it is not"};
    for (int i = 0; i < 4; i++)
        refuses(&(packer){NULL, pack_wrong, 4, i}, g, -1, words[i]);
    refuses(&(packer){NULL, pack_wrong, 4, 4}, "{\"quant_method\": \"gptq\", \"desc_act\": true}",
            -1, "qweight', packed by gptq: the g_idx beside it is missing");
}

static void wrong_packs(void) {
    static const packer gptq = {NULL, pack_gptq, 4, 32}, awq = {NULL, pack_awq, 4, 32},
                        fp8 = {NULL, pack_fp8, 0, 48}, four = {NULL, pack_nvfp4, 0, 16};
    static const char g[] = "{\"quant_method\": \"gptq\", \"bits\": 4}",
                      a[] = "{\"quant_method\": \"awq\", \"bits\": 4}",
                      f[] = "{\"quant_method\": \"fp8\", \"weight_block_size\": [48, 48]}",
                      m[] = "{\"quant_method\": \"modelopt\"}";
    refuses(&gptq, "{\"quant_method\": \"squeeze\"}", -1, "squeeze");
    refuses(&gptq, NULL, -1, "q_proj");
    refuses(&gptq, "{\"quant_method\": \"gptq\", \"bits\": 5}", -1, "bits");
    for (int i = 0; i < 4; i++)
        refuses(&gptq, g, i, "gptq");
    for (int i = 0; i < 3; i++)
        refuses(&awq, a, i, "awq");
    refuses(&fp8, f, 1, "fp8");
    for (int i = 0; i < 2; i++)
        refuses(&four, m, i, "modelopt");
}

/* Opened, or converted, with each allocation failing once: false and an error, or done. */
static bool try_one(const char *in, const char *out, uint64_t step) {
    mx_convert_options o = {.overwrite = true};
    int64_t live = mx_alloc_live();
    mx_alloc_fail_at(step);
    mx_decoder *d = out ? NULL : mx_decoder_open(in);
    bool ok = out ? mx_convert(in, out, &o) : d != NULL;
    mx_alloc_fail_at(0);
    mx_decoder_release(d);
    CHECK_MSG(ok || mx_failed(), "allocation %llu fails and nobody says so",
              (unsigned long long)step);
    mx_error_clear();
    CHECK_MSG(ok || mx_alloc_live() <= live + 8, "%lld are left",
              (long long)(mx_alloc_live() - live));
    return ok;
}

static void no_memory(void) {
    static const packer all[] = {
        {"{\"quant_method\": \"gptq\", \"sym\": true}", pack_even, 4, 32},
        {"{\"quant_method\": \"gptq\", \"checkpoint_format\": \"gptq_v2\"}", pack_permuted, 4, 32},
        {"{\"quant_method\": \"awq\"}", pack_awq, 4, 32},
        {"{\"quant_method\": \"compressed-tensors\"}", pack_compressed_zeros, 4, 32},
        {"{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}", pack_nvfp4, 0, 16},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [48, 48]}", pack_fp8, 0, 48}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int converts_it = 0; converts_it < 2; converts_it++) {
            mx_scope scope = mx_scope_open();
            static file packed, plain;
            packed.count = plain.count = 0;
            fill(&packed, &plain, &all[i]);
            const char *in = own_path("scarce"), *out = own_path("scarce.gguf");
            bool ok = !write_model(&packed, in, all[i].quantization);
            mx_scope_close(scope);
            for (uint64_t step = 1; !ok && step < 30000; step += 1 + step / 30)
                ok = try_one(in, converts_it ? out : NULL, step);
            CHECK(ok);
        }
}

int main(void) {
    RUN(packed_models);
    RUN(wrong_packs);
    RUN(lies);
    RUN(wrong_groups);
    RUN(no_memory);
    files_done();
    return check_done();
}
