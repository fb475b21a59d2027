"""Checks a packet without any of the system's code: python3 fairness.py ID SEED lucky|equal TOTAL COUNT

Prints the commitment, then every share in fen, in order of seq. Without arguments, a packet a line from the input."""
import hashlib, struct, sys


def block(key, counter):
    """One block of ChaCha20 (RFC 8439, section 2.3) with a nonce of zeros."""
    start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), counter, 0, 0, 0]
    x = start[:]
    for turn in range(80):  # 20 rounds of 4 quarter rounds: columns, then diagonals.
        row, diagonal = turn % 4, turn // 4 % 2
        a, b, c, d = (4 * i + (row + i * diagonal) % 4 for i in range(4))
        for to, add, mix, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[to] = (x[to] + x[add]) & 0xFFFFFFFF
            x[mix] ^= x[to]
            x[mix] = (x[mix] << by | x[mix] >> 32 - by) & 0xFFFFFFFF
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, start)))


def shares(seed, kind, total, count):
    for seq in range(count):
        people = count - seq
        if seq % 4 == 0:  # 16 bytes a draw, 4 draws a block.
            draws = struct.unpack("<8Q", block(seed, seq // 4))
        x, y = draws[seq % 4 * 2 : seq % 4 * 2 + 2]
        r, s = x * (2 * (total - people) + 1) >> 64, y * people >> 64
        share = -(-total // people) if kind == "equal" else total if people == 1 else 1 + (r + s) // people
        total -= share
        yield share


for packet, seed, kind, total, count in [sys.argv[1:]] if sys.argv[1:] else map(str.split, sys.stdin):
    seed = bytes.fromhex(seed)
    print(hashlib.sha256(b"hongbao/1" + packet.encode() + seed).hexdigest(), *shares(seed, kind, int(total), int(count)))
