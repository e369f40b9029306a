/* What is known about a device, by key. */
#include <string.h>

#include "base/machine/cpuinfo.h"
#include "base/mem.h"
#include "capi/capi.h"

enum { NOT_FOUND = 2, OTHER_TYPE = 3 };

typedef struct fact {
    const char *key;
    const char *text; /* NULL: a number */
    size_t number;
} fact;

enum { FACTS = 3 };
typedef struct facts {
    fact of[FACTS];
} facts;

static facts facts_of_cpu(void) {
    const mx_cpuinfo *cpu = mx_cpuinfo_get();
    return (facts){{{"architecture", cpu->architecture, 0},
                    {"device_name", cpu->name, 0},
                    {"memory_size", NULL, cpu->memory}}};
}

mlx_device_info mlx_device_info_new(void) {
    return (mlx_device_info){NULL};
}

int mlx_device_info_free(mlx_device_info info) {
    int status;
    if (capi_frees(info.ctx, "device_info", &status))
        mx_free(info.ctx);
    return status;
}

static bool put_facts(mlx_device_info *info) {
    facts *box = info->ctx ? info->ctx : mx_malloc(sizeof *box);
    if (box)
        *box = facts_of_cpu();
    info->ctx = box;
    return box != NULL;
}

int mlx_device_info_get(mlx_device_info *info, mlx_device dev) {
    mx_error_clear();
    mx_device d;
    capi_device(dev, &d); // an empty handle: the default device
    bool ok = !mx_failed() && capi_slot(info, "device_info");
    if (ok && !mx_device_available(d))
        ok = mx_fail(MX_DEVICE, "[device_info] device %s %d is not available",
                     d.type == MX_GPU ? "gpu" : "cpu", d.index);
    return capi_done(ok && put_facts(info));
}

/* The fact at a key; *found is false where there is none. False, with an error: bad arguments. */
static bool look_up(mlx_device_info info, const char *key, const void *res, const fact **found) {
    mx_error_clear();
    *found = NULL;
    if (!capi_object(info.ctx, "device_info"))
        return false;
    if (!key || !res)
        return mx_fail(MX_INVALID, "[device_info] the %s is NULL", key ? "result" : "key");
    const facts *f = info.ctx;
    for (int i = 0; i < FACTS; i++)
        if (strcmp(f->of[i].key, key) == 0)
            *found = &f->of[i];
    return true;
}

int mlx_device_info_has_key(bool *exists, mlx_device_info info, const char *key) {
    const fact *f;
    if (!look_up(info, key, exists, &f))
        return capi_report();
    *exists = f != NULL;
    return 0;
}

int mlx_device_info_is_string(bool *is_string, mlx_device_info info, const char *key) {
    const fact *f;
    if (!look_up(info, key, is_string, &f))
        return capi_report();
    *is_string = f && f->text;
    return f ? 0 : NOT_FOUND;
}

int mlx_device_info_get_string(const char **value, mlx_device_info info, const char *key) {
    const fact *f;
    if (!look_up(info, key, value, &f))
        return capi_report();
    if (f && f->text)
        *value = f->text;
    return !f ? NOT_FOUND : f->text ? 0 : OTHER_TYPE;
}

int mlx_device_info_get_size(size_t *value, mlx_device_info info, const char *key) {
    const fact *f;
    if (!look_up(info, key, value, &f))
        return capi_report();
    if (f && !f->text)
        *value = f->number;
    return !f ? NOT_FOUND : f->text ? OTHER_TYPE : 0;
}

int mlx_device_info_get_keys(mlx_vector_string *keys, mlx_device_info info) {
    const fact *ignored;
    const char *names[FACTS];
    if (!look_up(info, "", keys, &ignored))
        return capi_report();
    for (int i = 0; i < FACTS; i++)
        names[i] = ((const facts *)info.ctx)->of[i].key;
    return capi_done(capi_put_strings(keys, names, FACTS));
}
