//! What every page for people shares: the shell with its one style sheet and its headers, the languages, and every
//! word that is shown. Knows no endpoint and no protocol.
//!
//! A front asks [`Lang::of`] for the reader's language, takes its words from [`Lang::texts`], builds the body with
//! maud and hands it to [`Page::respond`]. No page needs a script, loads anything from elsewhere, or can be framed.

mod icons;
mod lang;
mod page;
mod texts;

pub(crate) use icons::{Icon, icon};
pub(crate) use lang::Lang;
pub(crate) use page::{Page, Width, shown};
pub(crate) use texts::{AppTexts, Fault, KeyTexts, Texts, Words};
