/* The machine that makes arrays: nothing is computed until they are evaluated, and they can be
 * differentiated. Without a cache: a span attends to itself alone. */
#ifndef MX_MODELS_DECODER_GRAPH_H
#define MX_MODELS_DECODER_GRAPH_H

#include "models/decoder/machine.h"

/* Logits (rows, vocabulary) float32, or hidden rows of encoders, of a pass: of the open scope. */
mx_array *mx_decoder_graph(const mx_decoder *d, const mx_pass *pass);
/* The same, and the hidden rows that the pass keeps. */
mx_array *mx_decoder_graph_kept(const mx_decoder *d, const mx_pass *pass, mx_array **kept);
/* The same in steps, of which each may be a function that is differentiated on its own: what the
   tokens are at first, layer n of rows x, the logits of rows x. */
mx_array *mx_decoder_graph_embed(const mx_decoder *d, const mx_pass *pass);
mx_array *mx_decoder_graph_layer(const mx_decoder *d, const mx_pass *pass, int64_t n, mx_array *x);
mx_array *mx_decoder_graph_finish(const mx_decoder *d, const mx_pass *pass, mx_array *x);
/* x w', of rows (rows, in): without bias and change. */
mx_array *mx_decoder_graph_product(const mx_weight *w, mx_array *x);
/* The elements of a matrix, (out, in) float32. */
mx_array *mx_decoder_graph_values(const mx_weight *w);

#endif
