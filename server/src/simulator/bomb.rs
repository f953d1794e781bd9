//! A small body that unpacks into a very large one.

use bytes::Bytes;

const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
/// Bits of the packed body; thirteen of them unpack into 258 bytes.
const REPEATS: usize = 4_000_000;

/// About a gigabyte of zeros in six and a half megabytes of gzip.
///
/// One block with the fixed codes of RFC 1951: a zero, then the longest repetition of it again and again. The checksum
/// at the end is missing, for nobody is meant to come that far.
pub fn gzip() -> Bytes {
    let mut bits = Bits::default();
    bits.push(0b011, 3);
    bits.push(reversed(0b0011_0000, 8), 8);
    for _ in 0..REPEATS {
        // Length 258, and how far back it begins: one byte.
        bits.push(reversed(0b1100_0101, 8), 8);
        bits.push(0, 5);
    }
    bits.push(0, 7);
    [&HEAD[..], &bits.finish()].concat().into()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    /// Adds the lowest bits of a number, the lowest first.
    fn push(&mut self, value: u32, count: u32) {
        self.waiting |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.waiting.to_le_bytes()[0]);
            self.waiting >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}

/// Codes are written with their highest bit first, unlike everything else.
fn reversed(code: u32, bits: u32) -> u32 {
    code.reverse_bits() >> (u32::BITS - bits)
}
