//! Untrusted bytes into text: mail HTML and plain text in this process, safe by construction; documents in a
//! bounded child process.

mod archive;
mod detect;
mod document;
mod docx;
mod encoding;
pub(crate) mod html;
mod office;
mod pdf;
mod pdf_korean;
mod plain;
mod pptx;
pub(crate) mod quotes;
mod sink;
mod types;
mod worker;
mod xlsx;
mod xml;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub(crate) use types::{ExtractError, ExtractOptions};
pub(crate) use worker::{Extractor, PoolLimits, child_main};
