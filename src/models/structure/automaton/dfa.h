/* Deterministic automata over bytes, by themselves: what texts of strings and numbers are made of
 * where several demands meet. Intersections and differences are products of states (Rabin and Scott
 * 1959).
 *
 *     state 0 is the start; next[state * letters + letter[byte]], SG_DEAD where nothing follows
 *
 * From every state a final one can be reached; an automaton without states matches nothing.
 */
#ifndef MX_MODELS_STRUCTURE_DFA_H
#define MX_MODELS_STRUCTURE_DFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_DEAD = UINT32_MAX, SG_MOST_DFA = 1 << 17 /* states of one */ };

typedef struct sg_dfa {
    uint32_t states, letters;
    uint8_t letter[256];
    uint32_t *next;
    bool *final;
} sg_dfa;

/* All transitions dead, no state final. NULL: no memory. */
sg_dfa *sg_dfa_new(uint32_t states, uint32_t letters);
void sg_dfa_free(sg_dfa *d);
bool sg_dfa_accepts(const sg_dfa *d, const char *text, size_t n);
/* Without the states from which no final one is reached. False: no memory. */
bool sg_dfa_trim(sg_dfa *d);

#endif
