"""How the memory of Patterns is laid out: the tables that all workers read, and each worker's list of matches."""

from __future__ import annotations

# The tables.
P_GENERATION = 0  # changes with the literals: what scan_from left before means nothing then
P_LONG = 64  # tables of literals by the bytes of their window: four, two, one
P_SHORT = 128
P_SINGLE = 192
P_STATES = 256  # the automaton: offsets of its states, edges, literals
P_EDGES = 264
P_EDGE_BITS = 272
P_LITERALS = 280
P_LONGEST = 288  # bytes of the longest literal
P_STATE_COUNT = 296
P_HYPERSCAN = 304  # 32 bytes; see H_*
P_FIRSTS = 352  # a bit for each byte that begins a literal: exact, then folded
P_BITMAP1 = 448  # a bit for each byte that is a window
P_BITMAP2 = 512  # a bit for each two bytes
P_BITMAP4 = P_BITMAP2 + 8192  # a bit for each hash of four bytes
BITS4 = 17
P_END = P_BITMAP4 + (1 << BITS4 - 3)

# A table: how many literals it has, where its slots (u32: the first record of a hash) and records begin, and by how
# much a hash is shifted.
T_COUNT = 0
T_SLOTS = 8
T_RECORDS = 16
T_SHIFT = 24

# Hyperscan's, or zeros: addresses of its scan, its database, what it calls for a match, its scratch by worker.
H_SCAN = 0
H_DATABASE = 8
H_CALLBACK = 16
H_SCRATCHES = 24

# A record: a literal, found by its window of a few bytes.
R_KEY = 0  # u32: the window's bytes, folded
R_NUMBER = 4
R_SIZE = 8
R_BEHIND = 12  # bytes of the literal behind its window
R_TEXT = (
    16  # offset of its bytes; in as many more, rounded up to 8, what is set in a byte before it is compared
)
RECORD = 24

# A state of the automaton: the state of its longest proper suffix, how many bytes it stands for, the literal that
# they are (plus one), and the nearest state on the way of suffixes that has one.
S_FAIL = 0
S_DEPTH = 4
S_LITERAL = 8
S_ENDS = 12
STATE = 16
EXACT, FOLDED = 0, 1  # the roots

# A literal, for the automaton: its bytes, and the next one with the same (plus one).
L_SIZE = 0
L_SAME = 4
LITERAL = 8

# A worker's list.
F_COUNT = 0
F_LOST = 8  # matches for which there was no room, ever
F_STATE = 16
F_EPOCH = 24  # number of the scan
F_MOST = 32
F_ONCE = (
    40  # bytes of what stands behind the matches, a u32 for each literal: the scan that found it last; or 0
)
F_WORKER = 48
F_MATCHES = 128
MATCH = 8  # u32 number, u32 end

FOLD = 0x20202020
MULTIPLIER = 0x9E3779B1
MASK32 = 0xFFFFFFFF
STATE_BITS = 24
GENERATION_BITS = 14
