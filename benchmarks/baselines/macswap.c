/* macswap: source and destination of the Ethernet header change places. */
#include "frame.h"

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* One load, one shuffle, one store; two bytes behind the header are rewritten with themselves. */
static inline void swap_shuffled(uint8_t *data)
{
    const bytes16 order = {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15};
    bytes16 header;
    memcpy(&header, data, sizeof header);
    header = __builtin_shuffle(header, order);
    memcpy(data, &header, sizeof header);
}

/* What one writes who does not think of vectors. */
static inline void swap_plain(uint8_t *data)
{
    uint8_t dst[6];
    memcpy(dst, data, 6);
    memcpy(data, data + 6, 6);
    memcpy(data + 6, dst, 6);
}

#define MACSWAP(name, swap)                                                                       \
    uint32_t name(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count,\
                  uint32_t *out)                                                                  \
    {                                                                                             \
        (void)state;                                                                              \
        for (uint32_t i = 0; i < count; i++) {                                                    \
            uint32_t position = in[i];                                                            \
            const struct descriptor *d = &burst[position];                                        \
            out[i] = position;                                                                    \
            if (likely(d->length >= 14))                                                          \
                swap(d->data);                                                                    \
        }                                                                                         \
        return count;                                                                             \
    }

MACSWAP(macswap, swap_shuffled)
MACSWAP(macswap_plain, swap_plain)
