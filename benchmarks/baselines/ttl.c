/* ttl: age IPv4 and IPv6 packets by one hop; those whose lifetime is over are dropped and counted. */
#include "ip.h"

struct ttl {
    uint64_t expired;
};

/* Whether the packet lives on. Packets without a well-formed IP header are left alone. */
static inline int age(uint8_t *data, uint32_t length, uint32_t wire)
{
    if (unlikely(length < ETHERNET))
        return 1;
    uint16_t ethertype = load16(data + 12);
    uint8_t *ip = data + ETHERNET;
    if (likely(ethertype == big16(ETHERTYPE_IPV4))) {
        if (unlikely(ipv4(ip, length - ETHERNET, wire - ETHERNET) == 0))
            return 1;
        if (unlikely(ip[8] <= 1))
            return 0;
        ip[8]--;
        /* RFC 1624 for a high byte that went down by one: the sum goes up by 0x0100, the carry added in. */
        uint32_t sum = load16(ip + 10) + (uint32_t)big16(0x0100);
        store16(ip + 10, (uint16_t)(sum + (sum >= 0xffff)));
        return 1;
    }
    if (ethertype == big16(ETHERTYPE_IPV6)) {
        if (unlikely(ipv6(ip, length - ETHERNET, wire - ETHERNET).size == 0))
            return 1;
        if (unlikely(ip[7] <= 1))
            return 0;
        /* Neighbour discovery keeps its 255 (RFC 4861). */
        if (unlikely(ip[7] == 255 && ip[6] == 58 && big16(load16(ip + 4)) > 0 && length > ETHERNET + 40 &&
                     (uint8_t)(ip[40] - 133) <= 4))
            return 1;
        ip[7]--;
    }
    return 1;
}

uint32_t ttl(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = in[i];
        const struct descriptor *d = &burst[position];
        out[kept] = position;
        kept += age(d->data, d->length, d->wire);
    }
    ((struct ttl *)state)->expired += count - kept;
    return kept;
}
