/* The files of a folder that is written: see side.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "models/convert/side/pooling.h"
#include "models/convert/side/side.h"
#include "models/convert/side/tokens.h"

static const char op[] = "convert";

/* --- config.json: what is quantized ---------------------------------------------------------- */

/* What config.json says of elements: the words of mlx-lm, and for blocks their mode. */
static json_t *entry_of(const mx_elements *e) {
    static const char *const mode[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
    if (e->block)
        return json_pack("{s:s}", "mode", e->block->name);
    return json_pack("{s:i,s:i,s:s}", "group_size", e->quant.group, "bits", e->quant.bits, "mode",
                     mode[e->quant.mode]);
}

static bool is_quantized(const mx_output *o) {
    return o->made.block || mx_elements_are_words(&o->made);
}

/* The first format of words that more outputs have than any other; NULL: there are no words. */
static const mx_elements *most_used(const mx_conversion *p) {
    const mx_elements *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < p->count; i++) {
        const mx_elements *e = &p->output[i].made;
        size_t n = 0;
        if (!mx_elements_are_words(e) || (best && mx_elements_same(e, best)))
            continue;
        for (size_t j = i; j < p->count; j++)
            n += mx_elements_same(e, &p->output[j].made);
        if (n > most) {
            most = n;
            best = e;
        }
    }
    return best;
}

static bool add_entries(const mx_conversion *p, json_t *all) {
    bool ok = true;
    for (size_t i = 0; ok && i < p->count; i++) {
        const mx_output *o = &p->output[i];
        json_t *entry = is_quantized(o) ? entry_of(&o->made) : NULL;
        bool usual = true;
        const char *key;
        json_t *value;
        json_object_foreach(entry, key, value) {
            usual = usual && json_equal(value, json_object_get(all, key));
        }
        if (entry && (o->made.block || !usual))
            ok = json_object_set(all, o->name, entry) == 0;
        json_decref(entry);
    }
    return ok || mx_fail_nomem(op, 0);
}

json_t *mx_side_quantization(const mx_conversion *p) {
    const mx_elements usual = mx_elements_words((mx_quant_format){MX_AFFINE, 4, 64}, MX_FLOAT16),
                      *most = most_used(p);
    bool any = false;
    for (size_t i = 0; i < p->count; i++)
        any = any || is_quantized(&p->output[i]);
    json_t *all = any ? entry_of(most ? most : &usual) : NULL;
    if (!any || (all && add_entries(p, all)))
        return all;
    json_decref(all);
    return mx_fail_nomem(op, 0); // unless another reason is known
}

static bool put_quantization(const mx_conversion *p, json_t *config) {
    json_object_del(config, "quantization");
    json_object_del(config, "quantization_config");
    json_t *all = mx_side_quantization(p);
    return all ? mx_json_put(config, "quantization", all) &&
                     json_object_set(config, "quantization_config", all) == 0
               : !mx_failed();
}

/* --- config.json: the dtype ------------------------------------------------------------------ */

static uint64_t size_of(const mx_shape *s) {
    uint64_t n = 1;
    for (int i = 0; i < s->ndim; i++)
        n *= (uint64_t)s->dim[i];
    return n;
}

/* Of the largest plain tensor, or of its scales; NULL: there is none. */
static const char *dtype_of(const mx_conversion *p) {
    const mx_output *most = NULL;
    for (size_t i = 0; i < p->count; i++) {
        const mx_output *o = &p->output[i];
        if (!o->made.block && mx_dtype_is_float(o->made.dtype) &&
            (!most || size_of(&o->shape) > size_of(&most->shape)))
            most = o;
    }
    return most ? mx_dtype_name(most->made.dtype) : NULL;
}

/* Where the source said none, or what it said is not so any more. */
static bool put_dtype(const mx_conversion *p, json_t *config) {
    const char *key = json_object_get(config, "dtype") ? "dtype" : "torch_dtype";
    const char *dtype = dtype_of(p);
    bool keep = json_object_get(config, key) && !p->choice->has_dtype &&
                !p->choice->o->dequantize && !p->choice->quantizes;
    return keep || !dtype || mx_json_put(config, key, json_string(dtype));
}

static bool write_config(const mx_conversion *p, const char *folder) {
    json_t *config = json_deep_copy(p->model->config);
    bool ok = config && put_quantization(p, config) && put_dtype(p, config);
    char *text = ok ? mx_json_text(config) : NULL;
    ok = text && mx_side_write(folder, "config.json", text, strlen(text));
    mx_free(text);
    json_decref(config);
    return ok;
}

/* --- other files ----------------------------------------------------------------------------- */

/* Bytes of the metadata of a GGUF file; *n of them. NULL: there are none. */
static const char *kept(const mx_model *m, const char *name, size_t *n) {
    char room[96];
    const mx_meta *v = mx_map_get(&m->archive->meta, mx_side_key(name, room, sizeof room));
    if (v && v->kind == MX_META_STRING) {
        *n = v->length[0];
        return v->string;
    }
    if (!v || v->kind != MX_META_ARRAY || v->array->ndim != 1 || v->array->dtype != MX_UINT8 ||
        !mx_eval1(v->array))
        return NULL;
    *n = (size_t)v->array->size;
    return v->array->data;
}

static bool copy_file(const mx_model *m, const char *folder, const char *name, bool *found) {
    size_t n = 0;
    char *own = m->is_gguf ? NULL : mx_side_read(m->folder, name, &n);
    const char *bytes = m->is_gguf ? kept(m, name, &n) : own;
    bool ok = !mx_failed() && (!bytes || mx_side_write(folder, name, bytes, n));
    *found = bytes;
    mx_free(own);
    return ok;
}

/* As the metadata says it, where no files do. */
static bool write_pooling(const mx_model *m, const char *folder) {
    char key[96], room[96];
    double n = 0;
    if (!m->is_gguf || !m->family ||
        mx_map_has(&m->archive->meta, mx_side_key("modules.json", room, sizeof room)) ||
        mx_map_has(&m->archive->meta, mx_side_key("1_Pooling/config.json", room, sizeof room)))
        return true;
    snprintf(key, sizeof key, "%s.pooling_type", m->family->arch);
    return !mx_meta_number(&m->archive->meta, key, &n) ||
           mx_pooling_to_folder(folder, mx_pooling_of_number(n), mx_dim(&m->dims, 'h'));
}

static bool copy_files(const mx_convert_options *o, const mx_model *m, const char *folder) {
    bool ok = write_pooling(m, folder), found = false, tokens = false;
    for (int i = 0; ok && mx_side_names[i]; i++) {
        ok = copy_file(m, folder, mx_side_names[i], &found);
        tokens = tokens || found;
    }
    return ok && (tokens || !m->is_gguf || mx_tokens_from_gguf(o, m, folder));
}

/* --- metadata.gguf --------------------------------------------------------------------------- */

/* Tensors that a folder has no name for. */
static bool is_extra(const char *name) {
    return mx_name_is_of(name,
                         "rope_freqs.weight|rope_factors_long.weight|rope_factors_short.weight");
}

typedef bool each_fn(mx_archive_writer *w, mx_archive *from, size_t i);

static bool declare(mx_archive_writer *w, mx_archive *from, size_t i) {
    const mx_archive_tensor *t = &from->tensor[i];
    return mx_archive_declare(w, t->name, t->storage, t->shape, t->ndim);
}

static bool put(mx_archive_writer *w, mx_archive *from, size_t i) {
    return mx_archive_put(w, from->tensor[i].name, mx_archive_read(from, i, true));
}

static bool each_extra(mx_archive_writer *w, const mx_archive *from, each_fn *do_it) {
    bool ok = true;
    for (size_t i = 0; ok && i < from->count; i++)
        if (is_extra(from->tensor[i].name))
            ok = do_it(w, (mx_archive *)(uintptr_t)from, i);
    return ok;
}

static bool write_metadata(const mx_conversion *p, const char *path) {
    mx_map meta = {0};
    const mx_archive *base = mx_side_base(p->model);
    mx_archive_writer *w = mx_archive_create(path, "gguf", 0);
    bool ok = w && mx_side_copy(p, &meta);
    for (size_t i = 0; ok && i < meta.count; i++) {
        ok = mx_archive_set_meta(w, meta.entry[i].key, meta.entry[i].value);
        meta.entry[i].value = NULL;
    }
    ok = ok && each_extra(w, base, declare) && each_extra(w, base, put) && mx_archive_finish(w);
    mx_map_free(&meta, mx_meta_free);
    mx_archive_writer_free(w);
    return ok;
}

/* --- all ------------------------------------------------------------------------------------- */

bool mx_side_files(const mx_conversion *p, const char *folder) {
    const mx_model *m = p->model;
    mx_scope scope = mx_scope_open();
    bool ok = (!m->config || write_config(p, folder)) && copy_files(p->choice->o, m, folder);
    if (ok && mx_side_base(m)) {
        char *path = mx_text_path(folder, MX_METADATA_FILE);
        ok = path && write_metadata(p, path);
        mx_free(path);
    }
    mx_scope_close(scope);
    return ok;
}
