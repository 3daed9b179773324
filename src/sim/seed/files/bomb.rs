//! A small Word file that unpacks to hundreds of megabytes, written as raw deflate so that making it is cheap.

const PREFIX: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:document \
    xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>";
const SUFFIX: &[u8] = b"</w:t></w:r></w:p></w:body></w:document>";
/// Copies of 258 bytes each.
const REPEATS: u32 = 1_200_000;
/// CRC-32 of the unpacked document; fixed because its content is.
const CRC: u32 = 0xd234_3c79;
const NAME: &[u8] = b"word/document.xml";

/// The whole file: one entry, whose name is enough to be taken for a Word file.
pub(super) fn docx() -> Vec<u8> {
    let data = deflated();
    let unpacked = (PREFIX.len() + SUFFIX.len() + 1) as u32 + REPEATS * 258;
    let mut fields = Vec::new();
    // Version 20, no flags, method 8 (deflate), 1980-01-01.
    for value in [20_u16, 0, 8, 0, 33] {
        fields.extend(value.to_le_bytes());
    }
    for value in [CRC, data.len() as u32, unpacked] {
        fields.extend(value.to_le_bytes());
    }
    fields.extend((NAME.len() as u16).to_le_bytes());
    fields.extend([0, 0]);
    let mut out = b"PK\x03\x04".to_vec();
    out.extend(&fields);
    out.extend(NAME);
    out.extend(&data);
    let directory = out.len() as u32;
    out.extend(b"PK\x01\x02\x14\x00");
    out.extend(&fields);
    out.extend([0; 14]);
    out.extend(NAME);
    let directory_len = out.len() as u32 - directory;
    out.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    out.extend(directory_len.to_le_bytes());
    out.extend(directory.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// One block with the fixed codes of RFC 1951 3.2.6.
fn deflated() -> Vec<u8> {
    let mut bits = Bits { out: Vec::with_capacity(2_000_000), hold: 0, used: 0 };
    bits.low_first(0b011, 3);
    for byte in PREFIX {
        bits.literal(*byte);
    }
    bits.literal(b'A');
    for _ in 0..REPEATS {
        // Length 258 is symbol 285, distance 1 is symbol 0.
        bits.high_first(0b1100_0101, 8);
        bits.high_first(0, 5);
    }
    for byte in SUFFIX {
        bits.literal(*byte);
    }
    bits.high_first(0, 7);
    bits.finish()
}

struct Bits {
    out: Vec<u8>,
    hold: u32,
    used: u32,
}

impl Bits {
    fn low_first(&mut self, value: u32, count: u32) {
        self.hold |= value << self.used;
        self.used += count;
        while self.used >= 8 {
            self.out.push(self.hold as u8);
            self.hold >>= 8;
            self.used -= 8;
        }
    }

    /// Huffman codes go most significant bit first.
    fn high_first(&mut self, code: u32, count: u32) {
        self.low_first(code.reverse_bits() >> (32 - count), count);
    }

    /// Bytes below 144 have eight-bit codes from 0x30.
    fn literal(&mut self, byte: u8) {
        self.high_first(0x30 + u32::from(byte), 8);
    }

    fn finish(mut self) -> Vec<u8> {
        self.low_first(0, 7);
        self.out
    }
}
