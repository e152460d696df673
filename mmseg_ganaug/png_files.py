"""PNG files: a signature, then chunks of which each has a checksum."""

import struct
import zlib
from typing import Iterator, Optional, Tuple

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'


def png_chunks(content: bytes) -> Iterator[Tuple[bytes, int, int]]:
    """Lists the chunks of a PNG file.

    Args:
        content (bytes): The file.

    Yields:
        tuple[bytes, int, int]: Type of a chunk, and where its data begin and end; the
        last one may reach beyond the file.
    """
    position = len(PNG_SIGNATURE)
    while position + 8 <= len(content):
        length, kind = struct.unpack_from('>I4s', content, position)
        yield kind, position + 8, position + 8 + length
        position += length + 12
        if kind == b'IEND':
            return


def find_png_damage(content: bytes) -> Optional[str]:
    """Looks for changed or missing bytes in a PNG, which has a checksum in each chunk.

    Args:
        content (bytes): The file.

    Returns:
        str | None: What is wrong; None where every byte up to its end is as written.
    """
    if not content.startswith(PNG_SIGNATURE):
        return 'it does not begin as a PNG'
    kind = b''
    for kind, start, end in png_chunks(content):  # noqa: B007
        if end + 4 > len(content):
            return 'it is truncated'
        stored = int.from_bytes(content[end : end + 4], 'big')
        if zlib.crc32(memoryview(content)[start - 4 : end]) != stored:
            return f'the checksum of the bytes {start - 4} to {end} is wrong'
    return None if kind == b'IEND' else 'it is truncated'
