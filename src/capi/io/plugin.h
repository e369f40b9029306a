/* Storages that programs add, for the formats that they add (plugin.h). */
#ifndef MX_CAPI_PLUGIN_H
#define MX_CAPI_PLUGIN_H

#include "graph/array/array.h"
#include "mlx/c/plugin.h"

/* One that was registered, for ever; NULL: there is none of this name. */
const mlx_plugin_storage *capi_storage(const char *name);
/* Elements of blocks, and back: arrays of their own. a is evaluated. */
mx_array *capi_storage_load(const mlx_plugin_storage *s, mx_array *blocks);
mx_array *capi_storage_store(const mlx_plugin_storage *s, mx_array *elements);

/* Formats that are not the library's are looked for in what MLX_PLUGINS names, too. */
void capi_plugins_use(void);

/* A copy of a plug-in's struct, whose size is checked to be what is known: NULL and an error. */
void *capi_plugin_copy(const char *op, const void *given, size_t known);

#endif
