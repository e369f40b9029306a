/* Tensors by the names of modules: see build.h. */
#include <string.h>

#include "models/decoder/build.h"
#include "ops/ops.h"

const mx_tensor_row *dec_row_of(const dec_build *b, const char *module) {
    const mx_tensor_row *r;
    for (size_t i = 0; (r = mx_family_row(b->d->family, i)); i++)
        if (strcmp(r->gguf ? r->gguf : r->hf, module) == 0)
            return r;
    return NULL;
}

const mx_model_tensor *dec_tensor_of(const dec_build *b, const char *module, int layer, int expert,
                                     const char *part) {
    const mx_tensor_row *r = dec_row_of(b, module);
    return r ? mx_model_find(&b->model, r, layer, expert, part) : NULL;
}

mx_array *dec_part(dec_build *b, const dec_place *p, const char *part, bool stored) {
    const mx_model_tensor *t = dec_tensor_of(b, p->module, p->layer, p->expert, part);
    mx_parts all;
    return t && mx_model_read(&b->model, t, stored, &all) ? all.part[0] : NULL;
}

mx_array *dec_values(dec_build *b, const dec_place *p) {
    const mx_model_tensor *t = dec_tensor_of(b, p->module, p->layer, p->expert, "weight");
    mx_parts all;
    if (!t || !mx_model_read(&b->model, t, t->held.block != NULL, &all))
        return NULL;
    return mx_astype(mx_elements_are_plain(&t->held) ? all.part[0]
                                                     : mx_elements_values(&t->held, all),
                     MX_FLOAT32);
}
