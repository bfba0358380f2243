/* CRC-32C, eight bytes at a time. Owns nothing beyond the caller's struct: the tables are
 * in it, as a table shared by threads would have to be made under a lock. */
#include "base/crc32c.h"

#include <string.h>

/* 0x1EDC6F41 with its bits in the other order. */
#define POLYNOMIAL UINT32_C(0x82F63B78)

void rsn_crc32c_begin(rsn_crc32c *crc) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t x = i;
        for (int bit = 0; bit < 8; bit++)
            x = x >> 1 ^ (x & 1 ? POLYNOMIAL : 0);
        crc->table[0][i] = x;
    }
    for (size_t k = 1; k < 8; k++) /* with k zero bytes behind it */
        for (size_t i = 0; i < 256; i++) {
            uint32_t x = crc->table[k - 1][i];
            crc->table[k][i] = x >> 8 ^ crc->table[0][x & 255];
        }
    crc->state = UINT32_MAX;
}

void rsn_crc32c_add(rsn_crc32c *crc, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    const uint32_t(*t)[256] = (const uint32_t(*)[256])crc->table;
    uint32_t x = crc->state;
    for (; n >= 8; n -= 8, p += 8) {
        x ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
             (uint32_t)p[3] << 24;
        x = t[7][x & 255] ^ t[6][x >> 8 & 255] ^ t[5][x >> 16 & 255] ^ t[4][x >> 24] ^
            t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    }
    for (; n > 0; n--)
        x = x >> 8 ^ t[0][(x ^ *p++) & 255];
    crc->state = x;
}

uint32_t rsn_crc32c_value(const rsn_crc32c *crc) {
    return ~crc->state;
}
