// SPDX-License-Identifier: MIT
// chacha.h - the ChaCha20 block function (RFC 8439, section 2.3), with a 64-bit counter and a nonce of zero.
#ifndef DEV_CHACHA_H
#define DEV_CHACHA_H

#include "lib/types.h"

#define CHACHA_KEY_WORDS 8
#define CHACHA_BLOCK_WORDS 16

void chacha20_block(const uint32_t key[CHACHA_KEY_WORDS], uint64_t counter, uint32_t out[CHACHA_BLOCK_WORDS]);

#endif
