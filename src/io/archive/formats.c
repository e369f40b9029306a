/* The formats of files of tensors: the library's, by what their first bytes are, and those that
   were added. */
#include "io/archive/formats.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/ending.h"
#include "base/status.h"

static const mx_archive_format *const formats[] = {&mx_archive_gguf, &mx_archive_npy,
                                                   &mx_archive_pytorch, &mx_archive_npz,
                                                   &mx_archive_safetensors};
static const mx_archive_output *const outputs[] = {&mx_output_safetensors, &mx_output_gguf};
enum { FORMATS = sizeof formats / sizeof *formats, OUTPUTS = sizeof outputs / sizeof *outputs };

/* --- formats that were added: a list that grows at its head and never shrinks --------- */

static _Atomic(mx_format_row *) added;
static bool (*_Atomic loader)(void);

void mx_format_set_loader(bool (*load)(void)) {
    atomic_store(&loader, load);
}

static bool loaded(void) {
    bool (*load)(void) = atomic_load(&loader);
    return !load || load();
}

static bool is_taken(const mx_format_row *list, const char *name) {
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return true;
    for (; list; list = list->next)
        if (strcmp(list->format->name, name) == 0)
            return true;
    return false;
}

bool mx_format_add(mx_format_row *row) {
    do {
        row->next = atomic_load(&added);
        if (is_taken(row->next, row->format->name))
            return mx_fail(MX_INVALID, "[format_register] there is a format '%.100s' already",
                           row->format->name);
    } while (!atomic_compare_exchange_strong(&added, &row->next, row));
    return true;
}

/* --- looking up ------------------------------------------------------------------------ */

const mx_archive_format *mx_format_of(mx_source *s) {
    for (int i = 0; i < FORMATS; i++) {
        if (formats[i]->detect(formats[i], s))
            return formats[i];
        if (mx_failed())
            return NULL;
    }
    if (!loaded())
        return NULL;
    for (const mx_format_row *r = atomic_load(&added); r; r = r->next) {
        if (r->format->detect(r->format, s))
            return r->format;
        if (mx_failed())
            return NULL;
    }
    return mx_source_fail(
        s, 0, "it is of no format that can be read: safetensors, GGUF, npy, npz, PyTorch");
}

static bool is_wanted(const mx_archive_output *o, const char *path, const char *format) {
    return o && (format ? strcmp(o->name, format) == 0 : mx_has_ending(path, o->ending));
}

const mx_archive_output *mx_output_find(const char *path, const char *format) {
    for (int i = 0; i < OUTPUTS; i++)
        if (is_wanted(outputs[i], path, format))
            return outputs[i];
    if (!loaded())
        return NULL;
    for (const mx_format_row *r = atomic_load(&added); r; r = r->next)
        if (is_wanted(r->output, path, format))
            return r->output;
    return NULL;
}

void mx_output_names(char *room, size_t n) {
    size_t at = 0;
    for (int i = 0; i < OUTPUTS; i++)
        at += (size_t)snprintf(room + at, n - at, "%s%s", i ? ", " : "", outputs[i]->name);
    for (const mx_format_row *r = atomic_load(&added); r && n - at > 70; r = r->next)
        if (r->output)
            at += (size_t)snprintf(room + at, n - at, ", %s", r->output->name);
}

const mx_archive_output *mx_output_for(const char *path, const char *format) {
    static const char op[] = "file_writer";
    char names[512];
    const mx_archive_output *o = mx_output_find(path, format);
    if (o || mx_failed())
        return o;
    mx_output_names(names, sizeof names);
    if (format)
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s': the format '%.100s' cannot be written: %s can be", op, path,
                       format, names);
    return mx_fail(MX_INVALID, "[%s] '%s': no format was given, and the name does not tell one", op,
                   path);
}
