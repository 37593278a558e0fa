// SPDX-License-Identifier: MIT
#include "dev/chacha.h"

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

// Columns, then diagonals.
static void double_round(uint32_t x[CHACHA_BLOCK_WORDS])
{
    quarter_round(&x[0], &x[4], &x[8], &x[12]);
    quarter_round(&x[1], &x[5], &x[9], &x[13]);
    quarter_round(&x[2], &x[6], &x[10], &x[14]);
    quarter_round(&x[3], &x[7], &x[11], &x[15]);
    quarter_round(&x[0], &x[5], &x[10], &x[15]);
    quarter_round(&x[1], &x[6], &x[11], &x[12]);
    quarter_round(&x[2], &x[7], &x[8], &x[13]);
    quarter_round(&x[3], &x[4], &x[9], &x[14]);
}

void chacha20_block(const uint32_t key[CHACHA_KEY_WORDS], uint64_t counter, uint32_t out[CHACHA_BLOCK_WORDS])
{
    const uint32_t start[CHACHA_BLOCK_WORDS] = {
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, // "expand 32-byte k"
        key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
        (uint32_t)counter, (uint32_t)(counter >> 32), 0, 0,
    };

    for (int i = 0; i < CHACHA_BLOCK_WORDS; i++)
        out[i] = start[i];
    for (int i = 0; i < 10; i++)
        double_round(out);
    for (int i = 0; i < CHACHA_BLOCK_WORDS; i++)
        out[i] += start[i];
}
