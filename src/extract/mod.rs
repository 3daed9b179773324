//! Untrusted bytes into text: mail HTML and plain text in this process, safe by construction; documents in a
//! bounded child process.

mod archive;
mod compound;
mod detect;
mod document;
mod docx;
mod eml;
mod encoding;
mod flow;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod html;
mod hwp;
mod hwpx;
mod letter;
mod msg;
mod office;
mod opendocument;
mod pdf;
mod pdf_korean;
mod plain;
mod pptx;
pub(crate) mod quotes;
mod rtf;
mod sheets;
mod sink;
mod types;
mod worker;
mod xml;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub(crate) use types::{ExtractError, ExtractOptions};
pub(crate) use worker::{Extractor, PoolLimits, child_main};
