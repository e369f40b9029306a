/* Conversion, from the two paths to the new files: see convert.h. */
#include "models/convert/convert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>

#include "base/ending.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "models/convert/write.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* --- what is to be made ---------------------------------------------------------------------- */

/* Files and folders that can be asked for. */
static const struct target {
    const char *name, *ending; /* ending NULL: a folder */
    const char *format;        /* of the writer */
    mx_naming naming;
    bool keeps_names;
    uint64_t most_bytes;
    const mx_archive_output *output; /* of a plug-in */
} targets[] = {
    {"gguf", ".gguf", "gguf", MX_NAMED_GGUF, false, 0, NULL},
    {"safetensors", ".safetensors", "safetensors", MX_NAMED_MLX, true, 0, NULL},
    {"npz", ".npz", NULL, MX_NAMED_HF, true, 0, NULL},
    {"mlx", NULL, "safetensors", MX_NAMED_MLX, false, (uint64_t)5 << 30, NULL},
    {"hf", NULL, "safetensors", MX_NAMED_HF, false, (uint64_t)5 << 30, NULL},
};
enum { TARGETS = sizeof targets / sizeof *targets, TO_MLX = 3 };

/* ".tst" of "a/x.tst", ".tst/" of "a/x.tst/": what looks like the ending of a file, in small letters
   or capitals alone. Models have names like "SmolLM2-1.7B" as well. NULL: there is none. */
static const char *ending_of(const char *path) {
    size_t end = strlen(path);
    while (end && path[end - 1] == '/')
        end--;
    const char *name = path + end;
    while (name > path && name[-1] != '/')
        name--;
    const char *dot = strrchr(name, '.');
    size_t small = dot ? strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz") : 0,
           large = dot ? strspn(dot + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0, n = small + large;
    return dot && dot > name && n && dot + 1 + n == path + end ? dot : NULL;
}

/* What plug-ins write: tensors under the names they have. */
static bool of_plugin(const char *out, const char *format, struct target *t) {
    const mx_archive_output *o = mx_output_find(out, format);
    if (o)
        *t = (struct target){o->name, o->ending, o->name, MX_NAMED_MLX, true, 0, o};
    return o;
}

static bool fail_target(const char *out, const char *format) {
    char names[512];
    mx_output_names(names, sizeof names);
    if (format)
        return mx_fail(MX_INVALID, "[%s] the format '%.80s' is none of npz, mlx, hf, %s", op,
                       format, names);
    return mx_fail(MX_INVALID,
                   "[%s] '%s': no format that is written ends in '%s' (npz, %s do); a folder of "
                   "that name is made where the format mlx or hf is asked for",
                   op, out, ending_of(out), names);
}

/* Of a file; ".gguf" alone is its own. */
static bool is_ending(const char *ending, const char *out) {
    return ending && (mx_has_ending(out, ending) || strcasecmp(out, ending) == 0);
}

/* *t stays what it is where nothing says otherwise. */
static bool target_of(const char *out, const char *format, struct target *t) {
    for (int i = 0; i < TARGETS; i++)
        if (format ? strcmp(format, targets[i].name) == 0 : is_ending(targets[i].ending, out)) {
            *t = targets[i];
            return true;
        }
    if (of_plugin(out, format, t) || mx_failed())
        return !mx_failed();
    return (!format && !ending_of(out)) || fail_target(out, format);
}

/* --- the two paths --------------------------------------------------------------------------- */

static bool is_empty_folder(const char *path) {
    DIR *d = opendir(path);
    struct dirent *e;
    bool empty = d != NULL;
    while (empty && (e = readdir(d)))
        empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
    if (d)
        closedir(d);
    return empty;
}

static bool check_paths(const char *in, const char *out, const struct target *t, bool overwrite) {
    struct stat a, b;
    if (stat(out, &b))
        return true; // whatever hinders is found when it is made
    if (stat(in, &a) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return mx_fail(MX_INVALID, "[%s] '%s' and '%s' are the same", op, in, out);
    if (t->ending && S_ISDIR(b.st_mode))
        return mx_fail(MX_INVALID, "[%s] '%s' is a folder, and a %s file was to be made", op, out,
                       t->name);
    if (!t->ending && (!S_ISDIR(b.st_mode) || !is_empty_folder(out)))
        return mx_fail(MX_INVALID, "[%s] '%s' exists: a folder is made anew, name another", op,
                       out);
    return !t->ending || overwrite ||
           mx_fail(MX_INVALID, "[%s] '%s' exists, and may not be overwritten", op, out);
}

/* --- writing --------------------------------------------------------------------------------- */

static bool write_folder(const mx_conversion *p, const char *out, uint64_t most) {
    mx_staging s;
    bool ok = mx_staging_open(&s, out);
    char *path = ok ? mx_text_path(s.path, "model.safetensors") : NULL;
    ok = path && mx_write_model(p, path, "safetensors", most) && mx_side_files(p, s.path) &&
         mx_staging_commit(&s);
    mx_free(path);
    mx_staging_close(&s);
    return ok;
}

/* npy has no bfloat16, no 8-bit floats and no storages of plug-ins. */
static void make_npy(mx_conversion *p) {
    for (size_t i = 0; i < p->count; i++) {
        mx_elements *e = &p->output[i].made;
        if (e->dtype == MX_BFLOAT16)
            *e = mx_elements_plain(MX_FLOAT32);
        else if (strcmp(e->storage, mx_dtype_name(e->dtype)))
            *e = mx_elements_plain(e->dtype);
    }
}

static bool write(mx_conversion *p, const char *out, const struct target *t) {
    uint64_t most = p->choice->o->most_bytes ? p->choice->o->most_bytes : t->most_bytes;
    if (!t->format)
        make_npy(p);
    if (!t->format)
        return mx_write_npz(p, out);
    return t->ending ? mx_write_model(p, out, t->format, most) : write_folder(p, out, most);
}

/* --- all ------------------------------------------------------------------------------------- */

/* What others have packed becomes numbers, where nobody asks for more; of gpt-oss blocks of mxfp4,
   which are those of GGUF in another order. */
static bool check_method(const mx_model *m, const struct target *t, const mx_convert_options *o) {
    if (!m->method)
        return true;
    bool blocks = strcmp(m->method, "mxfp4") == 0;
    if (!m->family || (blocks && t->naming != MX_NAMED_GGUF))
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s/config.json': weights packed by '%.80s' are made %s alone", op,
                       m->folder, m->method,
                       blocks ? "GGUF files" : "folders and GGUF files, of a family that is known");
    return blocks || o->mode || o->dequantize ||
           mx_note(o, "config.json", "weights packed by %s become numbers: a mode packs them anew",
                   m->method);
}

/* Without a family nobody knows which tensor is which. */
static bool check_changes(const mx_model *m, const char *out, const mx_convert_options *o) {
    return !o->changes || m->family ||
           mx_fail(MX_INVALID,
                   "[%s] '%s': an adapter goes into a folder or a GGUF file, of a family that is "
                   "known",
                   op, out);
}

static bool check_factors(const mx_model *m, const struct target *t) {
    const char *kind = mx_json_text_at(m->config, "rope_scaling.rope_type");
    return !m->is_gguf || t->naming == MX_NAMED_GGUF || !kind || strcmp(kind, MX_ROPE_FACTORS) ||
           mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s': rope_freqs.weight holds factors that config.json has no name for",
                   op, m->label);
}

static bool check_apart(const mx_model *m, const struct target *t) {
    bool gguf = t->naming == MX_NAMED_GGUF;
    return !m->family || !m->family->apart || gguf == m->is_gguf ||
           mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s': GGUF's tensors of the family '%s' differ from others in more than "
                   "names, and are not converted",
                   op, m->label, m->family->name);
}

/* Of DeepSeek and others. */
static bool leave_out(mx_model *m, const mx_convert_options *o) {
    bool ok = true;
    mx_model_leave_out(m, false);
    for (size_t i = 0; ok && i < m->count; i++)
        ok =
            !m->tensor[i].dropped ||
            mx_note(o, m->tensor[i].name, "it is left out: it foretells more tokens than the next");
    return ok;
}

/* GGUF has keys for what the family's models say, and none for the rest of config.json. */
static bool check_meaning(const mx_model *m, const char *in, const struct target *t,
                          const mx_convert_options *o) {
    if (!m->family || m->is_gguf || t->naming != MX_NAMED_GGUF)
        return true;
    return (!o->understands || o->understands(in, o->family)) && mx_model_note_told(m, o);
}

static bool convert(mx_model *m, const char *in, const char *out, const struct target *t,
                    const mx_convert_options *o) {
    mx_choice c = {0};
    mx_conversion p = {0};
    bool ok = check_changes(m, out, o) && check_method(m, t, o) && check_apart(m, t) &&
              check_factors(m, t) && mx_choice_of(o, t->naming, !m->family, &c);
    c.output = t->output;
    c.folder = t->format && !t->ending;
    ok = ok && leave_out(m, o);
    if (ok)
        mx_choice_drop(&c, m);
    ok = ok && (!m->family || mx_model_check(m)) && mx_conversion_make(&p, m, &c) &&
         check_meaning(m, in, t, o) && mx_choice_note_rules(&c) && write(&p, out, t);
    mx_conversion_free(&p);
    mx_choice_free(&c);
    return ok;
}

bool mx_convert(const char *in, const char *out, const mx_convert_options *o) {
    static const mx_convert_options usual;
    mx_model m;
    o = o ? o : &usual;
    if (!in || !out || !*out)
        return mx_fail(MX_INVALID, "[%s] a path is NULL or empty", op);
    struct target t = targets[TO_MLX];
    if (!target_of(out, o->format, &t) || !check_paths(in, out, &t, o->overwrite))
        return false;
    mx_scope scope = mx_scope_open();
    const char *family = t.keeps_names ? "none" : o->family;
    bool ok = mx_model_open(&m, in, family, false) && convert(&m, in, out, &t, o);
    mx_model_close(&m);
    mx_scope_close(scope);
    return ok;
}

const char *mx_convert_family(const char *in) {
    mx_model m;
    const char *name = NULL;
    mx_scope scope = mx_scope_open();
    bool ok = mx_model_recognise(&m, in);
    if (ok || mx_error_status() == MX_UNSUPPORTED)
        name = ok && m.family ? m.family->name : "";
    if (!ok && name)
        mx_error_clear();
    mx_model_close(&m);
    mx_scope_close(scope);
    return name;
}
