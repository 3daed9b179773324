//! Attachments made by our own small writers, so that no binary fixture lies in the tree.
mod bomb;
pub(crate) mod mail;
mod office;
mod pdf;
mod plain;
mod sheet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a file is and what it says. Texts are compiled in; the bytes are made when first read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// One paragraph per line; `a|b` lines become a table.
    Docx(&'static str),
    /// `#Sheet` starts a sheet, then `a|b` rows; dates and numbers become typed cells.
    Xlsx(&'static str),
    /// `---` separates slides; the first line of each is its title.
    Pptx(&'static str),
    /// ASCII lines.
    Pdf(&'static str),
    Html(&'static str),
    Txt(&'static str),
    Csv(&'static str),
    /// The same in code page 949.
    CsvCp949(&'static str),
    Png,
    /// A message attached as an item: subject, then text.
    Item(&'static str, &'static str),
    /// A file in OneDrive.
    Link(&'static str),
    /// A document of 2 MB that unpacks to 310 MB.
    Bomb,
    Empty,
    /// A table of more than 3 MB.
    Large,
    /// Unreadable bytes with a document's name.
    Garbage,
    /// Somebody's file, whose bytes are known.
    Given,
}

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAABwklEQVR42g3LIbJFUAAA0L+ItwALkCRBNPLNZ0RBkgTRyDcbUZAk\
    QTTyXdZ3+vn7SZmUS6VUS0FqpV4apVmK0iYd0iU9UpL+ft7Mm3tLb+0N3tbbe0fv7I3ezXt4L+/jTd4v3Jk7d5fu2h3crbt3j+7Z\
    Hd2b+3Bf7sed3F84M2fuLJ21MzhbZ+8cnbMzOjfn4bycjzM5v7Bn9txe2mt7sLf23j7aZ3u0b/bDftkfe7J/Yc2subW01tZgba29\
    dbTO1mjdrIf1sj7WZP1CzMRcLMVaDGIr9uIozmIUN/EQL/ERk/iFJbPkltJSW4KltfSW0TJbomWzHJbL8liS5QtTZspNpak2BVNr\
    6k2jaTZF02Y6TJfpMSXTF4bMkBtKQ20IhtbQG0bDbIiGzXAYLsNjSIYvdJku15W6Whd0ra7XjbpZF3Wb7tBdukeXdF+QkVNSE2jp\
    GZmJbBxcPCS+EDIhF0qhFoLQCr0wCrMQhU04hEt4hCR8ock0uabU1JqgaTW9ZtTMmqjZNIfm0jyapPlClalyVamqVUHVqnrVqJpV\
    UbWpDtWlelRJ9YUiU+SKUlErgqJV9IpRMSuiYlMcikvxKJLiH2rpRRCdKPt5AAAAAElFTkSuQmCC";

impl FileKind {
    /// `contentType`.
    pub(crate) fn content_type(self) -> Option<&'static str> {
        Some(match self {
            Self::Docx(_) | Self::Bomb => {
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            }
            Self::Xlsx(_) => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pptx(_) => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Pdf(_) | Self::Garbage => "application/pdf",
            Self::Html(_) => "text/html",
            Self::Txt(_) | Self::Empty => "text/plain",
            Self::Csv(_) | Self::CsvCp949(_) | Self::Large => "text/csv",
            Self::Png => "image/png",
            Self::Given => "application/octet-stream",
            Self::Item(..) | Self::Link(_) => return None,
        })
    }

    /// Its bytes. Links have none.
    pub(crate) fn make(self, seed: u64) -> Vec<u8> {
        match self {
            Self::Docx(text) => office::docx(text),
            Self::Xlsx(text) => sheet::xlsx(text),
            Self::Pptx(text) => office::pptx(text),
            Self::Pdf(text) => pdf::pdf(text),
            Self::Html(text) | Self::Txt(text) | Self::Csv(text) => text.as_bytes().to_vec(),
            Self::CsvCp949(text) => encoding_rs::EUC_KR.encode(text).0.into_owned(),
            Self::Png => STANDARD.decode(PNG).unwrap_or_default(),
            Self::Item(subject, text) => mail::eml(subject, text),
            Self::Link(_) | Self::Empty | Self::Given => Vec::new(),
            Self::Bomb => bomb::docx(),
            Self::Large => plain::large_table(seed),
            Self::Garbage => plain::garbage(seed),
        }
    }
}
