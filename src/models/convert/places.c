/* Tensors of a model by their places: see model.h. */
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/tensors.h"

static const char op[] = "convert";

/* "blk.{n}.attn_q/3/-1/weight" */
static char *key_of(const mx_tensor_row *row, int layer, int expert, const char *part) {
    mx_text t = {0};
    mx_text_add(&t, "%s/%d/%d/%s", row->gguf ? row->gguf : row->hf, layer, expert, part);
    return mx_text_take(&t);
}

const mx_model_tensor *mx_model_find(const mx_model *m, const mx_tensor_row *row, int layer,
                                     int expert, const char *part) {
    char *key = key_of(row, layer, expert, part);
    size_t i = key ? (size_t)(uintptr_t)mx_map_get(&m->at, key) : 0;
    mx_free(key);
    return i ? &m->tensor[i - 1] : NULL;
}

bool mx_model_remember(mx_model *m, const mx_model_tensor *t) {
    const mx_place *p = &t->place;
    char *key = key_of(p->row, p->layer, p->expert, p->part);
    void *former = NULL;
    bool ok = key && mx_map_set(&m->at, key, (void *)(uintptr_t)(m->count + 1), &former);
    mx_free(key);
    if (ok && former)
        return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' and '%.200s' are the same tensor", op,
                       m->label, m->tensor[(uintptr_t)former - 1].name, t->name);
    return ok;
}
