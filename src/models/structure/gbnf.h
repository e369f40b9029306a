/* GBNF, the notation of llama.cpp's grammars:
 *
 *     root  ::= item ("," " "? item)*      # a comment
 *     item  ::= "a" | [b-d^] | [^\x00-\x1f"] | . | (root){2,3}
 *
 * A rule ends at the end of a line, but not inside of parentheses, after ::= or after a bar.
 * Characters in quotes and classes are those of Unicode; escapes: \n \r \t \\ \" \[ \] \xhh \uhhhh
 * \Uhhhhhhhh. Tokens by name or number (<...>) are refused.
 */
#ifndef MX_MODELS_STRUCTURE_GBNF_H
#define MX_MODELS_STRUCTURE_GBNF_H

#include "models/structure/automaton/points.h"

/* Every rule of the text; the number of "root". UINT32_MAX: an error. */
uint32_t sg_gbnf(sg_builder *b, const char *text, size_t n);

#endif
