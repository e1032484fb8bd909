/* The checks of Wirebrick's parse(IPv4) and parse(IPv6): src/wirebrick/headers/ipv4.py and ipv6.py. */
#ifndef IP_H
#define IP_H

#include "frame.h"

#define ETHERNET 14

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

/* Bytes of the well-formed IPv4 header at `ip`, or 0; `length` bytes are in the frame, `wire` on the wire. */
static inline uint32_t ipv4(const uint8_t *ip, uint32_t length, uint32_t wire)
{
    if (unlikely(length < 20))
        return 0;
    if (unlikely((uint8_t)(ip[0] - 0x45) > 10)) /* version 4, five words at least */
        return 0;
    uint32_t size = (ip[0] & 15) * 4u;
    uint32_t total = big16(load16(ip + 2));
    if (unlikely(size > length || total < size || total > wire))
        return 0;
    return size;
}

/* What a walk over IPv6 extension headers finds. */
struct chain {
    uint32_t size;   /* bytes of the IPv6 header and its extension headers; 0: they are cut short */
    uint8_t last;    /* the protocol behind them */
    uint16_t offset; /* of the fragment, in units of 8 bytes */
};

static inline int is_extension(uint8_t kind)
{
    return kind == 0 || kind == 43 || kind == 44 || kind == 51 || kind == 60 || kind == 135;
}

static __attribute__((noinline, unused)) struct chain walk_extensions(const uint8_t *ip, uint32_t length)
{
    struct chain found = {40, ip[6], 0};
    int fragments = 0;
    for (int number = 0; number < 16 && is_extension(found.last); number++) {
        const uint8_t *header = ip + found.size;
        if (found.size + (found.last == 44 ? 4 : 2) > length) {
            found.size = 0;
            return found;
        }
        uint16_t offset = 0;
        if (found.last == 44) {
            offset = big16(load16(header + 2)) >> 3;
            if (fragments++ == 0)
                found.offset = offset;
            found.size += 8;
        } else if (found.last == 51) {
            found.size += (header[1] + 2u) * 4;
        } else {
            found.size += (header[1] + 1u) * 8;
        }
        found.last = header[0];
        if (offset != 0)
            break; /* the middle of something follows */
    }
    if (found.size > length)
        found.size = 0;
    return found;
}

/* The well-formed IPv6 header at `ip` with its extension headers; size 0 where it is not. */
static inline struct chain ipv6(const uint8_t *ip, uint32_t length, uint32_t wire)
{
    struct chain found = {0, 0, 0};
    if (unlikely(length < 40 || ip[0] >> 4 != 6))
        return found;
    uint32_t total = 40u + big16(load16(ip + 4));
    found.size = 40;
    found.last = ip[6];
    if (unlikely(is_extension(found.last)))
        found = walk_extensions(ip, length);
    if (unlikely(total < found.size || total > wire))
        found.size = 0;
    return found;
}

#endif
