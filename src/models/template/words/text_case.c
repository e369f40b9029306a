/* Upper and lower case: see text_case.h. */
#include "models/template/words/text_case.h"

#include <utf8proc.h>

#include "models/tokenizer/text.h"

static const struct {
    uint32_t c, upper[3], title[3];
} cases[] = {
#define CASE(c, u0, u1, u2, t0, t1, t2) {c, {u0, u1, u2}, {t0, t1, t2}},
#include "models/template/words/cases.def"
#undef CASE
};
enum { CASES = sizeof cases / sizeof *cases };

/* The row of a character; CASES: it has none. */
static int special(uint32_t c) {
    int low = 0, high = CASES;
    while (low < high) {
        int mid = (low + high) / 2;
        if (cases[mid].c < c)
            low = mid + 1;
        else
            high = mid;
    }
    return low < CASES && cases[low].c == c ? low : CASES;
}

static void put_upper(tm_run *r, uint32_t c, bool title) {
    int at = c < 0x80 ? CASES : special(c);
    if (at == CASES) {
        utf8proc_int32_t x = (utf8proc_int32_t)c;
        tm_put_char(r, (uint32_t)(title ? utf8proc_totitle(x) : utf8proc_toupper(x)));
        return;
    }
    const uint32_t *to = title ? cases[at].title : cases[at].upper;
    for (int i = 0; i < 3 && to[i]; i++)
        tm_put_char(r, to[i]);
}

bool tm_is_upper(uint32_t c) {
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k == UTF8PROC_CATEGORY_LU || (c >= 0x2160 && c <= 0x216F) ||
           (c >= 0x24B6 && c <= 0x24CF) || (c >= 0x1F130 && c <= 0x1F149) ||
           (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

bool tm_is_lower(uint32_t c) { // Lowercase: Ll and Other_Lowercase
    static const uint32_t others[][2] = {
        {0xAA, 0xAA},     {0xBA, 0xBA},     {0x2B0, 0x2B8},   {0x2C0, 0x2C1},   {0x2E0, 0x2E4},
        {0x345, 0x345},   {0x37A, 0x37A},   {0x1D2C, 0x1D6A}, {0x1D78, 0x1D78}, {0x1D9B, 0x1DBF},
        {0x2071, 0x2071}, {0x207F, 0x207F}, {0x2090, 0x209C}, {0x2170, 0x217F}, {0x24D0, 0x24E9},
        {0x2C7C, 0x2C7D}, {0xA69C, 0xA69D}, {0xA770, 0xA770}, {0xA7F8, 0xA7F9}, {0xAB5C, 0xAB5F}};
    if (utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LL)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (c >= others[i][0] && c <= others[i][1])
            return true;
    return false;
}

static bool is_cased(uint32_t c) {
    return tm_is_upper(c) || tm_is_lower(c) ||
           utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LT;
}

/* Characters that a word's end is looked for behind (Case_Ignorable, as far as they are marks and
   marks of words). */
static bool is_passed(uint32_t c) {
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF ||
           k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_SK || c == '\'' || c == '.' ||
           c == ':' || c == 0xB7 || c == 0x2019 || c == 0x2018 || c == 0x2024 || c == 0x2027;
}

/* A sigma that ends a word: a letter stands before it, and none behind it. */
static bool is_final(const tm_value *v, const char *at, size_t n) {
    uint32_t c = 0;
    const char *p = at;
    while (p > v->p && is_passed(c = tok_before(v->p, p)))
        while (((unsigned char)*--p & 0xC0) == 0x80)
            ;
    if (p == v->p || !is_cased(c))
        return false;
    for (p = at + n, c = 0; p < v->p + v->n; p += n) {
        n = tok_step(p, v->p + v->n, &c);
        if (!is_passed(c))
            return !is_cased(c);
    }
    return true;
}

static void put_lower(tm_run *r, const tm_value *v, const char *at, size_t n, uint32_t c) {
    if (c == 0x130)
        tm_put_char(r, 'i'), tm_put_char(r, 0x307);
    else if (c == 0x3A3)
        tm_put_char(r, is_final(v, at, n) ? 0x3C2 : 0x3C3);
    else
        tm_put_char(r, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

bool tm_put_case(tm_run *r, const tm_value *text, tm_case how) {
    const char *end = text->p + text->n;
    bool inside = false;
    uint32_t c;
    size_t n;
    for (const char *p = text->p; p < end; p += n) {
        n = tok_step(p, end, &c);
        bool up = how == TM_UPPER || (how == TM_TITLE && !inside) ||
                  (how == TM_CAPITAL && p == text->p) || (how == TM_SWAP && tm_is_lower(c));
        if (up)
            put_upper(r, c, how == TM_TITLE || how == TM_CAPITAL);
        else if (how == TM_SWAP && !tm_is_upper(c))
            tm_put(r, p, n);
        else
            put_lower(r, text, p, n, c);
        inside = how == TM_TITLE && is_cased(c);
    }
    return tm_spend(r, text->n / 4);
}
