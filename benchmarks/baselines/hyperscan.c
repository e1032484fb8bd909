/*
 * hyperscan: scan payloads one after the other with Hyperscan and count the matches. The library is loaded by
 * benchmarks/experiments/patterns.py, which gives its hs_scan here: the other baselines need no Hyperscan.
 */
#include <stdint.h>

typedef int (*on_match_t)(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
                          void *context);
typedef int (*scan_t)(const void *database, const char *data, unsigned int length, unsigned int flags,
                      void *scratch, on_match_t on_match, void *context);

struct payload {
    const char *data;
    uint64_t length;
};

static int count(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *context)
{
    (void)id, (void)from, (void)to, (void)flags;
    ++*(uint64_t *)context;
    return 0;
}

/* The matches in all payloads, so many times over. */
uint64_t hyperscan(scan_t scan, const void *database, void *scratch, const struct payload *payloads,
                   uint64_t number, uint64_t rounds)
{
    uint64_t matches = 0;
    for (uint64_t round = 0; round < rounds; round++)
        for (uint64_t i = 0; i < number; i++)
            scan(database, payloads[i].data, (unsigned int)payloads[i].length, 0, scratch, count, &matches);
    return matches;
}
