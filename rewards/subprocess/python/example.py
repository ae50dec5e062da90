"""A reward in Python for Terrarium's subprocess tier: stay slow and upright.

Needs nothing but Python 3. The messages are those of reward.proto, read and written here by
hand; with protoc, generated classes do the same. Run it through Terrarium:

    terrarium reward score runs/lander --with "exec:python3 example.py speed"
"""

import struct
import sys


def read_varint(stream):
    value = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
        shift += 7


def read_frame(stream):
    size = read_varint(stream)
    return None if size is None else stream.read(size)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_frame(stream, message):
    stream.write(varint(len(message)) + message)
    stream.flush()


def fields(message):
    """Yields (number, value) for each field: an int, bytes, or a float."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < len(message):
        tag = number()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, number()
        elif kind == 2:
            size = number()
            yield tag >> 3, message[at : at + size]
            at += size
        elif kind == 5:
            yield tag >> 3, struct.unpack_from("<f", message, at)[0]
            at += 4
        else:
            raise ValueError(f"field of kind {kind}")


def text(number, value):
    data = value.encode()
    return varint(number << 3 | 2) + varint(len(data)) + data


def floats(number, values):
    return varint(number << 3 | 2) + varint(4 * len(values)) + struct.pack(f"<{len(values)}f", *values)


def column(hello, number, name):
    """Returns the first column of the named field, and the width of a row."""
    found, width = None, 0
    for key, value in fields(hello):
        if key == number:
            field = dict(fields(value))
            if field[1].decode() == name:
                found = width
            width += field[2]
    return found, width


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "speed"
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    hello = read_frame(source)
    fact, width = column(hello, 5, name)
    if fact is None:
        write_frame(sink, text(1, f"the environment has no fact {name}"))
        return
    write_frame(sink, b"")
    while (message := read_frame(source)) is not None:
        batch = dict(fields(message))
        facts = struct.unpack(f"<{len(batch.get(6, b'')) // 4}f", batch.get(6, b""))
        rewards = [1 / (1 + x * x) for x in facts[fact::width]]
        write_frame(sink, varint(1 << 3) + varint(batch[1]) + floats(2, rewards))


main()
