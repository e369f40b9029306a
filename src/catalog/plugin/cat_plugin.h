/* An operation that a program added: its row of the catalog and its row of primitives. */
#ifndef MX_CATALOG_PLUGIN_H
#define MX_CATALOG_PLUGIN_H

#include "catalog/cat.h"
#include "ops/plugin/plugin.h"

typedef struct cat_plugin_row {
    mx_plugin_op op;
    mlx_plugin_operation given;
    mlx_operation row;
    int index; /* among the primitives */
    int parameters, arrays, numbers;
    mlx_value_kind kind[MLX_PARAMETERS_MAX]; /* ARRAY, FLOAT, INT or BOOL */
} cat_plugin_row;

/* The functions of op, by those that were given (plugin_rules.c). */
void cat_plugin_rules(cat_plugin_row *r);

#endif
