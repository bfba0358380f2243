/* CRC-32C (Castagnoli; polynomial 0x1EDC6F41 reflected, begun with and ended by all
 * ones), as iSCSI, ext4 and SSE 4.2 have it. Every change of up to 32 neighbouring bits
 * is found. */
#ifndef REASON_BASE_CRC32C_H
#define REASON_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

typedef struct rsn_crc32c {
    uint32_t state;
    uint32_t table[8][256];
} rsn_crc32c;

void rsn_crc32c_begin(rsn_crc32c *crc);
void rsn_crc32c_add(rsn_crc32c *crc, const void *bytes, size_t n);
/* Of all that was added so far; more may follow. */
uint32_t rsn_crc32c_value(const rsn_crc32c *crc);

#endif
