/* Vectors of texts, for the interfaces that ask for them. */
#ifndef SERVE_VECTORS_H
#define SERVE_VECTORS_H

#include "serve/serve.h"

enum {
    SRV_MOST_TEXTS = 2048, /* of a request */
    SRV_TOGETHER = 32      /* of them computed at once: between, who has gone is seen */
};

/* A model that makes vectors, taken; *seconds: that loading took. NULL and a fault. */
srv_model *srv_take_encoder(srv_call *c, const char *name, double *seconds);
/* Vectors of `count` items, each a text or a list of tokens, one after the other; for free. NULL
   and a fault that names the field. */
float *srv_vectors_of(srv_call *c, srv_model *m, const json_t *const *items, size_t count,
                      const char *field);
/* Are these the dimensions that its vectors have? Below 0: none were asked for. */
bool srv_check_dimensions(const srv_about *about, int64_t dimensions, srv_fault *f);
/* As srv_answer_vectors writes it, each number is the shortest decimal of its float32. */
json_t *srv_vector_json(const float *v, size_t n);

#endif
