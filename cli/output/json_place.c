/* What a parser of JSON says of a number: it is of a value that has no place yet. */
#include <stdio.h>
#include <string.h>

#include "mlx/c/mlx.h"
#include "output/output.h"

bool cli_json_number_is_lost(const char *text, const json_error_t *e, char *place, size_t room) {
    size_t from = e->position > 0 ? (size_t)e->position : 0;
    mlx_string found = mlx_string_new();
    if (json_error_code(e) != json_error_numeric_overflow)
        return false;
    while (from && text[from - 1] && strchr("0123456789+-.eE", text[from - 1]))
        from--;
    bool known = mlx_json_place(&found, text, from) == 0;
    snprintf(place, room, "%s", known ? mlx_string_data(found) : "");
    mlx_string_free(found);
    return true;
}
