/* The weights of a folder: model.safetensors as Hugging Face has it, or CTranslate2's model.bin.
 *
 * model.bin is little-endian; a text has its length, with the zero at its end, as uint16 before it:
 *
 *     uint32 6, text "WhisperSpec", uint32 revision, uint32 n, then n variables:
 *         text     "encoder/layer_0/ffn/linear_0/weight"
 *         uint8    rank, then as many uint32: the shape
 *         uint8    type: 0 float32, 1 int8, 2 int16, 3 int32, 4 float16
 *         uint32   bytes, then so many: the values
 *
 * and what of them has other names, which is not needed. Projections lie on top of each other.
 */
#include <stdint.h>
#include <string.h>

#include "whisper.h"

enum { MAX_RANK = 4, HEAD_DIM = 64 }; /* all published models have heads of 64 */
enum { LEAST_POSITIONS = 8 };         /* of a prompt, half of them at most what was said before */

static const struct {
    const char *theirs, *ours[3];
} blocks[] = {
    {"self_attention/linear_0", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
    {"self_attention/linear_1", {"self_attn.out_proj"}},
    {"self_attention/layer_norm", {"self_attn_layer_norm"}},
    {"attention/linear_0", {"encoder_attn.q_proj"}},
    {"attention/linear_1", {"encoder_attn.k_proj", "encoder_attn.v_proj"}},
    {"attention/linear_2", {"encoder_attn.out_proj"}},
    {"attention/layer_norm", {"encoder_attn_layer_norm"}},
    {"ffn/layer_norm", {"final_layer_norm"}},
    {"ffn/linear_0", {"fc1"}},
    {"ffn/linear_1", {"fc2"}},
    {"embeddings", {"embed_tokens"}},
    {"position_encodings", {"embed_positions"}},
    {"conv1", {"conv1"}},
    {"conv2", {"conv2"}},
    {"layer_norm", {"layer_norm"}},
};

/* As float32, convolutions (O,I,K) as (O,K,I). */
static void put(whisper *m, const char *name, mlx_array value) {
    size_t step = step_begin();
    mlx_array wide = mlx_array_new(), whole = mlx_array_new();
    bool conv = strncmp(name, "encoder.conv", 12) == 0 && mlx_array_ndim(value) == 3;
    need(mlx_astype(&wide, value, MLX_FLOAT32, on));
    owned(wide);
    need(mlx_contiguous(&whole, conv ? swapaxes(wide, 1, 2) : wide, false, on));
    need(mlx_array_eval(owned(whole)));
    need(mlx_map_string_to_array_insert(m->weights, name, whole));
    step_end(step);
}

/* --- safetensors ------------------------------------------------------------------------------ */

static void load_safetensors(whisper *m, const char *path) {
    mlx_map_string_to_array all = mlx_map_string_to_array_new();
    mlx_map_string_to_string notes = mlx_map_string_to_string_new();
    need(mlx_load_safetensors(&all, &notes, path, on));
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(all);
    mlx_array value = mlx_array_new();
    const char *name;
    while (mlx_map_string_to_array_iterator_next(&name, &value, it) == 0)
        put(m, name + (strncmp(name, "model.", 6) == 0 ? 6 : 0), value);
    mlx_array_free(value);
    mlx_map_string_to_array_iterator_free(it);
    mlx_map_string_to_string_free(notes);
    mlx_map_string_to_array_free(all);
}

/* --- CTranslate2 ------------------------------------------------------------------------------ */

typedef struct reader {
    const char *path, *at, *end;
} reader;

static const char *bytes(reader *r, size_t n) {
    if (n > (size_t)(r->end - r->at))
        die(r->path, "the file ends early; CTranslate2's layout goes on");
    r->at += n;
    return r->at - n;
}

static uint32_t number(reader *r, int size) {
    const unsigned char *p = (const unsigned char *)bytes(r, (size_t)size);
    uint32_t n = 0;
    for (int i = size; i-- > 0;)
        n = n << 8 | p[i];
    return n;
}

/* A text, which ends in a zero in the file. */
static const char *text(reader *r) {
    size_t n = number(r, 2);
    const char *p = bytes(r, n);
    if (n == 0 || p[n - 1] != 0)
        die(r->path, "not in CTranslate2's layout");
    return p;
}

/* The values of the next variable; an empty handle for scalars, which are settings. */
static mlx_array values(reader *r) {
    static const mlx_dtype types[] = {MLX_FLOAT32, MLX_INT8, MLX_INT16, MLX_INT32, MLX_FLOAT16};
    int shape[MAX_RANK], rank = (int)number(r, 1);
    uint64_t count = 1;
    for (int i = 0; i < rank && i < MAX_RANK; i++) {
        shape[i] = (int)(number(r, 4) & INT32_MAX);
        count = count * (uint64_t)shape[i] & UINT32_MAX;
    }
    uint32_t type = number(r, 1), n = number(r, 4);
    if (rank > MAX_RANK || type >= sizeof types / sizeof *types ||
        n != count * mlx_dtype_size(types[type]))
        die(r->path, "a variable's shape, type and bytes do not fit each other");
    const char *data = bytes(r, n);
    return rank ? mlx_array_new_data(data, shape, rank, types[type]) : mlx_array_new();
}

/* The parts of a variable, as many as there are names, on top of each other. */
static void put_parts(whisper *m, const char *prefix, const char *const *names, const char *last,
                      mlx_array value) {
    char name[160];
    mlx_vector_array parts = mlx_vector_array_new();
    mlx_array part = mlx_array_new();
    int n = 1 + (names[1] != NULL) + (names[1] && names[2]);
    need(mlx_split(&parts, value, n, 0, on));
    for (int i = 0; i < n; i++) {
        need(mlx_vector_array_get(&part, parts, (size_t)i));
        snprintf(name, sizeof name, "%s%s.%s", prefix, names[i], last);
        put(m, name, part);
    }
    mlx_array_free(part);
    mlx_vector_array_free(parts);
}

static const char *last_name(const char *theirs) {
    bool gamma = !strcmp(theirs, "gamma") || !strcmp(theirs, "encodings");
    return gamma ? "weight" : !strcmp(theirs, "beta") ? "bias" : theirs;
}

/* "decoder/layer_3/ffn/linear_0/weight" is "decoder.layers.3." "fc1" "." "weight". */
static void put_theirs(whisper *m, const char *name, mlx_array value) {
    char part[16], prefix[64], block[64];
    int layer = -1, used = 0, rest = 0;
    const char *last = strrchr(name, '/');
    if (!last || sscanf(name, "%15[a-z]/%n", part, &used) != 1 || !used)
        return;
    if (sscanf(name + used, "layer_%d/%n", &layer, &rest) == 1 && rest)
        snprintf(prefix, sizeof prefix, "%s.layers.%d.", part, layer);
    else
        snprintf(prefix, sizeof prefix, "%s.", part);
    const char *begin = name + used + rest;
    snprintf(block, sizeof block, "%.*s", last > begin ? (int)(last - begin) : 0, begin);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (strcmp(block, blocks[i].theirs) == 0)
            put_parts(m, prefix, blocks[i].ours, last_name(last + 1), value);
}

static void load_ctranslate2(whisper *m, const char *path) {
    size_t size;
    char *file = file_bytes(path, &size);
    reader r = {path, file, file + size};
    if (number(&r, 4) != 6 || strcmp(text(&r), "WhisperSpec") != 0)
        die(path, "version 6 of CTranslate2's WhisperSpec was expected");
    number(&r, 4);
    for (uint32_t left = number(&r, 4); left > 0; left--) {
        const char *name = text(&r);
        mlx_array value = values(&r);
        if (value.ctx)
            put_theirs(m, name, value);
        mlx_array_free(value);
    }
    free(file);
}

/* --- both ------------------------------------------------------------------------------------- */

static bool exists(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f)
        fclose(f);
    return f != NULL;
}

static int size_of(const whisper *m, const char *name, int axis, const char *folder) {
    mlx_array a = mlx_array_new();
    bool found = mlx_map_string_to_array_get(&a, m->weights, name) == 0;
    int n = found && mlx_array_ndim(a) > (size_t)axis ? mlx_array_dim(a, axis) : 0;
    mlx_array_free(a);
    if (n <= 0)
        die(folder, "not a model of Whisper");
    return n;
}

static int layers_of(const whisper *m, const char *part) {
    char name[64];
    mlx_array a = mlx_array_new();
    int n = 0;
    for (; n < MAX_LAYERS; n++) {
        snprintf(name, sizeof name, "%s.layers.%d.fc1.weight", part, n);
        if (mlx_map_string_to_array_get(&a, m->weights, name) != 0)
            break;
    }
    mlx_array_free(a);
    return n;
}

void load_weights(whisper *m, const char *folder) {
    char path[4096];
    m->weights = mlx_map_string_to_array_new();
    snprintf(path, sizeof path, "%s/model.bin", folder);
    if (exists(path)) {
        load_ctranslate2(m, path);
    } else {
        snprintf(path, sizeof path, "%s/model.safetensors", folder);
        if (!exists(path))
            die(folder, "neither model.bin nor model.safetensors is there");
        load_safetensors(m, path);
    }
    m->dims = size_of(m, "encoder.conv1.weight", 0, folder);
    m->bands = size_of(m, "encoder.conv1.weight", 2, folder);
    m->vocab = size_of(m, "decoder.embed_tokens.weight", 0, folder);
    m->positions = size_of(m, "decoder.embed_positions.weight", 0, folder);
    m->heads = m->dims / HEAD_DIM;
    m->encoder_layers = layers_of(m, "encoder");
    m->decoder_layers = layers_of(m, "decoder");
    if (!m->heads || m->dims % HEAD_DIM || m->positions < LEAST_POSITIONS || !m->encoder_layers ||
        !m->decoder_layers)
        die(folder, "not a model of Whisper");
}
