/* Regular expressions: the part of the usual syntax (ECMA-262, Python's re) that is regular.
 *
 *     characters, .  [a-z] [^a-z]  \d \w \s \D \W \S (ECMA)  \n \r \t \f \v \0 \xhh \uhhhh \u{h..}
 *     ( ) (?: ) (?P<name> ) (?<name> )  |  * + ? {m} {m,} {m,n}, also lazy (the same language)
 *     ^ and $ at the ends of an alternative that is in no parentheses
 *
 * Refused by name: back references, look-around, word boundaries, atomic groups, possessive
 * quantifiers, flags, \p{...}.
 */
#ifndef MX_MODELS_STRUCTURE_REGEX_H
#define MX_MODELS_STRUCTURE_REGEX_H

#include "models/structure/automaton/points.h"

/* search: the pattern may be found anywhere in the text, as JSON schema's `pattern`; else it is all
   of the text. */
sg_expr sg_regex(sg_builder *b, const char *pattern, size_t n, sg_spelling as, bool search);

#endif
