/* Random bits: the generator's published answers, MLX's layout, ranges, every instruction set.
 * */
#include <stdlib.h>

#include "check.h"
#include "kernels/random/k_random.h"
#include "kernels/kernels.h"

#define ROOM 500000

static unsigned char whole[ROOM], got[ROOM];
static uint32_t seed;

static uint64_t below(uint64_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void generate(const mx_k_random *k, const mx_random_stream *s, unsigned char *out) {
    k->pairs(out, s, 0, mx_random_pairs(s));
}

/* Known answers of the Random123 distribution (kat_vectors: threefry2x32, 20 rounds): a result
   of one pair has the counter (0, 1) or, of one word, (0, 0). */
static void test_known_answers(const mx_k_random *k) {
    uint32_t word;
    mx_random_stream s = {{0, 0}, 4};
    generate(k, &s, (unsigned char *)&word);
    CHECK_EQ_INT(word, 0x6b200159);
}

/* What MLX's random bits are for a key, a number of elements and a width. */
typedef struct answer {
    uint32_t key[2];
    int count, width;
    const char *bytes;
} answer;

static const answer answers[] = {
    {{0, 0}, 1, 4, "5901206b"},
    {{0, 0}, 2, 4, "8f235f371d15dbcd"},
    {{0, 1234}, 5, 4, "672255d17222182c52f95e88e2a959086a2d54ad"},
    {{256, 17}, 9, 2, "dcb3e29e5be2482e428fa0b7e15ac8481e9f"},
    {{256, 17}, 7, 1, "2422b1cbeeb17d"},
    {{0, 99}, 3, 1, "304ca4"},
};

static void test_layout(const mx_k_random *k) {
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const answer *a = &answers[i];
        mx_random_stream s = {{a->key[0], a->key[1]}, (uint64_t)(a->count * a->width)};
        char text[64] = "";
        memset(got, 0xee, 64);
        generate(k, &s, got);
        for (size_t b = 0; b < s.bytes; b++)
            snprintf(text + 2 * b, 3, "%02x", got[b]);
        CHECK_STR(text, a->bytes);
        CHECK_EQ_INT(got[s.bytes], 0xee);
    }
}

/* Long results, as a polynomial in 31 of their bytes. */
static void test_long_results(const mx_k_random *k) {
    static const struct {
        uint64_t bytes;
        uint32_t sum;
    } rows[] = {
        {4004, 2749628441u}, {8198, 1982760964u}, {100003, 249195362u}, {262144, 3128801888u}};
    for (size_t i = 0; i < 4; i++) {
        mx_random_stream s = {{0, 7}, rows[i].bytes};
        uint32_t sum = 0;
        generate(k, &s, whole);
        for (uint64_t b = 0; b < s.bytes; b++)
            sum = sum * 31 + whole[b];
        CHECK_EQ_INT(sum, rows[i].sum);
    }
}

static void check_ranges(const mx_k_random *k, uint64_t bytes) {
    mx_random_stream s = {{11, 22}, bytes};
    uint64_t pairs = mx_random_pairs(&s), words = mx_random_words(&s);
    generate(k, &s, whole);
    memset(got, 0, bytes);
    for (uint64_t begin = 0, end; begin < pairs; begin = end) {
        end = begin + 1 + below(300);
        end = end < pairs ? end : pairs;
        k->pairs(got, &s, begin, end);
    }
    CHECK_MSG(!memcmp(got, whole, bytes), "%s pairs of %d bytes", check_where, (int)bytes);
    for (int trial = 0; trial < 20 && words; trial++) {
        uint64_t begin = below(words), n = below(words - begin) + 1;
        uint64_t end = 4 * (begin + n) < bytes ? 4 * (begin + n) : bytes;
        got[4 * n] = 0xee;
        k->words(got, &s, begin, begin + n);
        CHECK_MSG(!memcmp(got, whole + 4 * begin, end - 4 * begin) && got[4 * n] == 0xee,
                  "%s words of %d bytes", check_where, (int)bytes);
    }
}

static void test_ranges(const mx_k_random *k) {
    for (uint64_t bytes = 0; bytes < 50; bytes++)
        check_ranges(k, bytes);
    for (uint64_t bytes = 500; bytes < 540; bytes += 3)
        check_ranges(k, bytes);
    check_ranges(k, 123457);
}

int main(void) {
    seed = (uint32_t)check_seed(3);
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < count; i++) {
        check_where = all[i]->name;
        test_known_answers(all[i]->random);
        test_layout(all[i]->random);
        test_long_results(all[i]->random);
        test_ranges(all[i]->random);
    }
    return check_done();
}
