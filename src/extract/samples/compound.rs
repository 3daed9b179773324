//! OLE containers: Hangul, Outlook and Excel 97-2003 files.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// A container of these streams, their storages made on the way.
pub(in crate::extract) fn cfb(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = ::cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, bytes) in streams {
        if let Some((storage, _)) = path.rsplit_once('/').filter(|(storage, _)| !storage.is_empty()) {
            file.create_storage_all(storage).unwrap();
        }
        file.create_stream(path).unwrap().write_all(bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// Records of a Hangul section, written one by one.
#[derive(Default)]
pub(in crate::extract) struct Hwp {
    pub(in crate::extract) bytes: Vec<u8>,
}

impl Hwp {
    /// A record of this tag and depth.
    pub(in crate::extract) fn record(mut self, tag: u32, level: u32, data: &[u8]) -> Self {
        let size = u32::try_from(data.len()).unwrap();
        self.bytes.extend((tag | level << 10 | size.min(0xFFF) << 20).to_le_bytes());
        if size >= 0xFFF {
            self.bytes.extend(size.to_le_bytes());
        }
        self.bytes.extend(data);
        self
    }

    /// A paragraph whose characters all have one shape.
    pub(in crate::extract) fn paragraph(self, level: u32, text: &str, shape: u32) -> Self {
        let units: Vec<u8> = text.encode_utf16().chain([13]).flat_map(u16::to_le_bytes).collect();
        self.record(0x42, level, &[0; 22]).record(0x43, level + 1, &units).record(
            0x44,
            level + 1,
            &[0_u32.to_le_bytes(), shape.to_le_bytes()].concat(),
        )
    }

    /// A cell of the table that is open.
    pub(in crate::extract) fn cell(self, level: u32, column: u16, row: u16, text: &str) -> Self {
        let place = [&[1, 0, 0, 0, 0, 0, 0, 0], &column.to_le_bytes()[..], &row.to_le_bytes()].concat();
        self.record(0x48, level, &place).paragraph(level, text, 0)
    }
}

/// A Hangul document of one section; character shape 0 is black, 1 white on nothing.
pub(in crate::extract) fn hwp(flags: u32, section: &[u8]) -> Vec<u8> {
    let mut header = b"HWP Document File".to_vec();
    header.resize(32, 0);
    header.extend([0, 0, 0, 5]);
    header.extend(flags.to_le_bytes());
    header.resize(256, 0);
    let shape = |colour: u32| {
        let mut shape = vec![0; 72];
        shape[52..56].copy_from_slice(&colour.to_le_bytes());
        shape[60..64].copy_from_slice(&u32::MAX.to_le_bytes());
        shape
    };
    let info = Hwp::default().record(0x15, 0, &shape(0)).record(0x15, 0, &shape(0x00FF_FFFF)).bytes;
    let pack = |bytes: &[u8]| {
        if flags & 1 == 0 {
            return bytes.to_vec();
        }
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    cfb(&[("/FileHeader", &header), ("/DocInfo", &pack(&info)), ("/BodyText/Section0", &pack(section))])
}

/// A property of an Outlook message.
pub(in crate::extract) enum MsgPart<'a> {
    /// Text in UTF-16.
    Wide(u16, &'a str),
    /// Text in the code page of the message.
    Narrow(u16, &'a [u8]),
    /// Bytes.
    Binary(u16, &'a [u8]),
    /// Eight bytes of the list of fixed properties.
    Fixed(u16, u64),
    /// An attachment with its own parts.
    Attached(&'a [MsgPart<'a>]),
    /// A message as the contents of an attachment.
    Message(&'a [MsgPart<'a>]),
}

/// An Outlook message.
pub(in crate::extract) fn msg(parts: &[MsgPart<'_>]) -> Vec<u8> {
    let mut streams = Vec::new();
    write("", 32, parts, &mut streams);
    let streams: Vec<_> = streams.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    cfb(&streams)
}

fn write(storage: &str, header: usize, parts: &[MsgPart<'_>], out: &mut Vec<(String, Vec<u8>)>) {
    let mut fixed = vec![0; header];
    let mut attached = 0;
    for part in parts {
        match part {
            MsgPart::Wide(id, text) => {
                let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                out.push((format!("{storage}/__substg1.0_{id:04X}001F"), wide));
            }
            MsgPart::Narrow(id, text) => {
                out.push((format!("{storage}/__substg1.0_{id:04X}001E"), text.to_vec()));
            }
            MsgPart::Binary(id, bytes) => {
                out.push((format!("{storage}/__substg1.0_{id:04X}0102"), bytes.to_vec()));
            }
            MsgPart::Fixed(id, value) => {
                fixed.extend([0, 0]);
                fixed.extend(id.to_le_bytes());
                fixed.extend([0; 4]);
                fixed.extend(value.to_le_bytes());
            }
            MsgPart::Attached(parts) => {
                write(&format!("{storage}/__attach_version1.0_#{attached:08X}"), 8, parts, out);
                attached += 1;
            }
            MsgPart::Message(parts) => write(&format!("{storage}/__substg1.0_3701000D"), 24, parts, out),
        }
    }
    out.push((format!("{storage}/__properties_version1.0"), fixed));
}

/// A workbook of Excel 97-2003 (MS-XLS): sheet "매출" with a text and a number, "Hidden" hidden.
pub(in crate::extract) fn xls() -> Vec<u8> {
    let record = |kind: u16, data: &[u8]| {
        let len = u16::try_from(data.len()).unwrap();
        [&kind.to_le_bytes()[..], &len.to_le_bytes(), data].concat()
    };
    let bof = |kind: u16| {
        let data = [0x0600_u16, kind, 0x0DBB, 0x07CC].map(u16::to_le_bytes).concat();
        record(0x0809, &[data, vec![0; 8]].concat())
    };
    let text = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let bound = |at: u32, hidden: u8, name: &str| {
        let units = u8::try_from(name.encode_utf16().count()).unwrap();
        record(0x0085, &[&at.to_le_bytes()[..], &[hidden, 0, units, 1], &text(name)].concat())
    };
    let label = |column: u16, value: &str| {
        let units = u16::try_from(value.encode_utf16().count()).unwrap();
        let place = [0, column, 0].map(u16::to_le_bytes).concat();
        record(0x0204, &[&place[..], &units.to_le_bytes(), &[1], &text(value)].concat())
    };
    let number = |column: u16, value: f64| {
        let place = [0, column, 0].map(u16::to_le_bytes).concat();
        record(0x0203, &[&place[..], &value.to_le_bytes()].concat())
    };
    let end = record(0x000A, &[]);
    let shown = [bof(0x10), label(0, "품목"), number(1, 12.5), end.clone()].concat();
    let hidden = [bof(0x10), label(0, "SECRET"), end.clone()].concat();
    let globals = |first: u32, second: u32| {
        [bof(5), bound(first, 0, "매출"), bound(second, 1, "Hidden"), end.clone()].concat()
    };
    let first = u32::try_from(globals(0, 0).len()).unwrap();
    let second = first + u32::try_from(shown.len()).unwrap();
    cfb(&[("/Workbook", &[globals(first, second), shown, hidden].concat())])
}
