/* Hadamard matrices of orders that are no power of two.
 *
 *     12      Paley 1933, the second construction over the field of five elements: a symmetric
 *             conference matrix of order six, with 2 x 2 matrices in place of its entries
 *     20, 28  four by four circulants, after Williamson 1944; only their first rows are kept.
 *             Which of the equivalent matrices: those of MLX, entry for entry
 */
#include "kernels/fft/k_hadamard.h"

static const char circulant20[4][4][6] = {{"+----", "+----", "++--+", "+-++-"},
                                          {"-++++", "+----", "-+--+", "++--+"},
                                          {"--++-", "+-++-", "+----", "-++++"},
                                          {"-+--+", "--++-", "+----", "+----"}};
static const char circulant28[4][4][8] = {{"+------", "++----+", "+-+--+-", "+--++--"},
                                          {"--++++-", "+------", "-++--++", "+-+--+-"},
                                          {"-+-++-+", "+--++--", "+------", "--++++-"},
                                          {"-++--++", "-+-++-+", "++----+", "+------"}};

/* Of the conference matrix: 0 on the diagonal, a border of ones, and whether i - j is a
   square modulo five. */
static int conference(int i, int j) {
    static const int square[5] = {0, 1, -1, -1, 1};
    return i == j ? 0 : i == 0 || j == 0 ? 1 : square[(i - j + 5) % 5];
}

static int paley12(int i, int j) {
    static const int off[2][2] = {{1, 1}, {1, -1}}, diagonal[2][2] = {{1, -1}, {-1, -1}};
    int c = conference(i / 2, j / 2);
    return c ? c * off[i % 2][j % 2] : diagonal[i % 2][j % 2];
}

int mx_hadamard_entry(int m, int i, int j) {
    int q = m / 4, along = q ? (j % q - i % q + q) % q : 0;
    switch (m) {
    case 12: return paley12(i, j);
    case 20: return circulant20[i / q][j / q][along] == '+' ? 1 : -1;
    case 28: return circulant28[i / q][j / q][along] == '+' ? 1 : -1;
    default: return 1;
    }
}
