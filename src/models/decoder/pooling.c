/* How an encoder's rows become one: see build.h. */
#include <stdio.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/convert/side.h"
#include "models/decoder/build.h"

/* GGUF's numbers. */
static mx_pooling of_number(double n) {
    return n == 1 ? MX_POOL_MEAN : n == 2 ? MX_POOL_FIRST : n == 3 ? MX_POOL_LAST : MX_POOL_NONE;
}

static bool from_metadata(dec_build *b) {
    char key[128];
    double n;
    snprintf(key, sizeof key, "%s.pooling_type", b->d->family->arch);
    if (mx_meta_number(&b->model.archive->meta, key, &n))
        b->d->pooling = of_number(n);
    return true;
}

/* What sentence-transformers writes beside a model. */
static bool from_folder(dec_build *b) {
    static const struct {
        const char *key;
        mx_pooling how;
    } all[] = {{"pooling_mode_mean_tokens", MX_POOL_MEAN},
               {"pooling_mode_cls_token", MX_POOL_FIRST},
               {"pooling_mode_lasttoken", MX_POOL_LAST}};
    static const char name[] = "1_Pooling/config.json";
    size_t n;
    char *text = mx_side_read(b->model.folder, name, &n);
    json_t *config = text ? mx_json_parse("model", name, text, n) : NULL;
    for (size_t i = 0; config && i < sizeof all / sizeof *all; i++)
        if (json_is_true(mx_json_at(config, all[i].key)))
            b->d->pooling = all[i].how;
    json_decref(config);
    mx_free(text);
    return !mx_failed();
}

bool dec_pooling(dec_build *b) {
    b->d->pooling = b->d->encoder ? MX_POOL_MEAN : MX_POOL_NONE;
    return b->model.is_gguf || !b->model.folder ? from_metadata(b) : from_folder(b);
}
