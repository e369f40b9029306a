/* Text that is held to a structure: what may come next, token by token.
 *
 *     sg_grammar *g = mx_structure_regex("[0-9]+ apples");
 *     mx_matcher *m = mx_matcher_new(g, vocabulary);
 *     while (!mx_matcher_ended(m)) {
 *         mx_matcher_mask(m, words);        // which tokens may come next
 *         mx_matcher_accept(m, chosen, &ok);
 *     }
 *
 * What the mask allows can always be continued to a complete text, as far as the vocabulary has the
 * bytes. Grammars and vocabularies are compiled once and used by any threads at once; matchers of
 * one grammar share what they find out about tokens. A matcher is used by one thread at a time.
 */
#ifndef MX_MODELS_STRUCTURE_STRUCTURE_H
#define MX_MODELS_STRUCTURE_STRUCTURE_H

#include "models/structure/grammar.h"
#include "models/structure/vocabulary.h"

/* Compiled structures, for sg_grammar_release. NULL and an error that says where: what is wrong, or
   what cannot be enforced. */
sg_grammar *mx_structure_regex(const char *pattern); /* all of the text */
sg_grammar *mx_structure_gbnf(const char *text);     /* its rule root */
sg_grammar *mx_structure_choice(const char *const *text, size_t n);
/* JSON Schema, and any value or object of JSON; flags are those of schema.h. */
sg_grammar *mx_structure_schema(const char *text, size_t n, int flags);
sg_grammar *mx_structure_json(bool object, int flags);

typedef struct mx_matcher mx_matcher;

/* At the beginning of the text. Grammar and vocabulary are retained. */
mx_matcher *mx_matcher_new(sg_grammar *g, sg_vocabulary *v);
/* At the same place, with the same past. */
mx_matcher *mx_matcher_copy(const mx_matcher *m);
void mx_matcher_free(mx_matcher *m);
sg_vocabulary *mx_matcher_vocabulary(const mx_matcher *m); /* borrowed */

/* Each is a step, where it fits; where not, *fits is false and nothing has changed. False: an
   error. */
bool mx_matcher_accept(mx_matcher *m, uint32_t token, bool *fits);
bool mx_matcher_accept_bytes(mx_matcher *m, const char *bytes, size_t n, bool *fits);
/* Back before the last n steps. False and an error: there are fewer. */
bool mx_matcher_rollback(mx_matcher *m, size_t n);
size_t mx_matcher_steps(const mx_matcher *m);

/* The text may end here; a byte may follow; an end token was accepted. */
bool mx_matcher_complete(const mx_matcher *m);
bool mx_matcher_continues(const mx_matcher *m);
bool mx_matcher_ended(const mx_matcher *m);
/* Bit i % 32 of word i / 32 for each token i that may come next, ends where the text is complete;
   v->words words. False and an error: the vocabulary has no token that continues. */
bool mx_matcher_mask(mx_matcher *m, uint32_t *words);

/* The bytes that must come next, each the only one that may: *n of them, up to `most`. No step. */
bool mx_matcher_forced(mx_matcher *m, char *out, size_t most, size_t *n);

#endif
