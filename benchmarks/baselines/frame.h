/* Frames, descriptors and network functions: the layout of src/wirebrick/packet/frame.py, seen from C. */
#ifndef FRAME_H
#define FRAME_H

#include <stdint.h>
#include <string.h>

#define HEADROOM 256
#define NO_PORT 0xffff

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct descriptor {
    uint8_t *data;    /* the packet's first byte */
    uint32_t length;  /* bytes of it that are in the frame */
    uint32_t wire;    /* bytes of it on the wire */
    int64_t time;     /* nanoseconds since 1970 */
    uint16_t ingress; /* port it came from */
    uint16_t egress;  /* port it leaves by, or NO_PORT */
    uint32_t frame;   /* its frame in the mempool */
};
_Static_assert(sizeof(struct descriptor) == 32, "a descriptor has 32 bytes");

/* Transmit list: the positions in the burst of the packets that leave, in order. */
struct list {
    uint64_t count;
    uint32_t position[];
};

/*
 * A network function, called once for each burst: it takes the packets at `count` positions, and writes the
 * positions of those that survive to `out`, which may be `in`. Returns how many survive.
 */
typedef uint32_t (*process_t)(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count,
                              uint32_t *out);

/* Numbers in packets are big-endian and not aligned: these become one load or store each. */
static inline uint16_t load16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline void store16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define big16(x) __builtin_bswap16(x)
#define big32(x) __builtin_bswap32(x)
#define big64(x) __builtin_bswap64(x)
#else
#define big16(x) (x)
#define big32(x) (x)
#define big64(x) (x)
#endif

#endif
