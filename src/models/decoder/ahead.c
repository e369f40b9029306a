/* Layers behind the last, which predict the token behind the next one: see build.h. */
#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"

static bool join(dec_build *b, int n, mx_decoder *a) {
    mx_norm_kind kind = MX_NORM_RMS;
    mx_join *j = &a->join;
    if (!dec_norm(b, "blk.{n}.nextn.enorm", n, kind, &j->token) ||
        !dec_norm(b, "blk.{n}.nextn.hnorm", n, kind, &j->hidden) ||
        !dec_matrix(b, "blk.{n}.nextn.eh_proj", n, &j->both) ||
        !dec_norm(b, "blk.{n}.nextn.shared_head_norm", n, kind, &a->final_norm))
        return false;
    if (!a->final_norm.kind)
        a->final_norm = b->d->final_norm;
    return true;
}

/* What it shares with the model. */
static mx_decoder *like(const mx_decoder *d) {
    mx_decoder *a = mx_calloc(1, sizeof *a);
    if (!a)
        return NULL;
    *a = *d;
    a->owner = (mx_decoder *)(uintptr_t)d;
    a->ahead = NULL;
    a->layers = 1;
    a->layer = mx_calloc(1, sizeof *a->layer);
    return a;
}

bool dec_ahead(dec_build *b, dec_describe_layer *layer) {
    mx_decoder *d = b->d;
    int n = (int)d->layers;
    uint64_t bytes = d->bytes, parameters = d->parameters;
    d->normed_ahead = b->trait->normed_ahead;
    if (!b->trait->looks_ahead || b->sketch ||
        !dec_tensor_of(b, "blk.{n}.nextn.eh_proj", n, -1, "weight"))
        return !mx_failed();
    d->ahead = like(d);
    bool ok = d->ahead && d->ahead->layer && layer(b, n, d->ahead->layer) && join(b, n, d->ahead);
    // a token of the model does not read them
    d->bytes = bytes;
    d->parameters = parameters;
    return ok;
}
