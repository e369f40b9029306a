/* Sets of characters (code points of Unicode, without surrogates), and what they are as bytes. */
#ifndef MX_MODELS_STRUCTURE_POINTS_H
#define MX_MODELS_STRUCTURE_POINTS_H

#include "models/structure/automaton/expr.h"

enum { SG_LAST_POINT = 0x10ffff, SG_NO_POINT = 0xffffffff };

/* How characters stand in the text: as themselves in UTF-8, or as in a string of JSON, where quote,
   backslash and control characters are escaped, each in one way: \" \\ \b \f \n \r \t \u00xx */
typedef enum sg_spelling { SG_PLAIN, SG_JSON } sg_spelling;

typedef struct sg_span {
    uint32_t first, last;
} sg_span;

typedef struct sg_points {
    sg_span *span;
    size_t count, room;
} sg_points;

bool sg_points_add(sg_builder *b, sg_points *p, uint32_t first, uint32_t last);
/* In order, without overlaps; then, where asked, everything else instead. */
void sg_points_close(sg_builder *b, sg_points *p, bool negate);
/* One character of the set, which is emptied. */
sg_expr sg_points_expr(sg_builder *b, sg_points *p, sg_spelling as);
sg_expr sg_point(sg_builder *b, uint32_t point, sg_spelling as);
void sg_points_free(sg_points *p);

/* The character at *at, which moves on. SG_NO_POINT: it is no UTF-8 (Unicode 15, table 3-7). */
uint32_t sg_decode(const char **at, const char *end);
/* 1 to 4 bytes. */
size_t sg_encode(uint32_t point, unsigned char out[4]);

#endif
