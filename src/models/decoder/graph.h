/* The machine that makes arrays: nothing is computed until they are evaluated, and they can be
 * differentiated. Without a cache: a span attends to itself alone. */
#ifndef MX_MODELS_DECODER_GRAPH_H
#define MX_MODELS_DECODER_GRAPH_H

#include "models/decoder/machine.h"

/* Logits (rows, vocabulary) float32, or hidden rows of encoders, of a pass: of the open scope. */
mx_array *mx_decoder_graph(const mx_decoder *d, const mx_pass *pass);

#endif
