/* How an encoder's rows become one: see build.h. */
#include <stdio.h>

#include "models/decoder/build.h"

static bool from_metadata(dec_build *b) {
    char key[128];
    double n;
    snprintf(key, sizeof key, "%s.pooling_type", b->d->family->arch);
    if (mx_meta_number(&b->model.archive->meta, key, &n))
        b->d->pooling = mx_pooling_of_number(n);
    return true;
}

bool dec_pooling(dec_build *b) {
    b->d->pooling = b->d->encoder ? MX_POOL_MEAN : MX_POOL_NONE;
    return b->model.is_gguf || !b->model.folder
               ? from_metadata(b)
               : mx_pooling_of_folder("model", b->model.folder, &b->d->pooling);
}
