//! What holds for every byte that a language model streams (HTML Living Standard §9.2.6, OpenAI's chunks).

pub(crate) use super::entra::fuzzing as entra;
use super::language_model::Reading;
use crate::ports::language_model::{ModelError, ModelEvent};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use std::convert::Infallible;
use std::time::Duration;

const SILENCE: Duration = Duration::from_secs(5);

/// A stream: it says the same however it is cut, and nothing after it failed.
pub(crate) fn model_stream(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else { return };
    let whole = said(stream, stream.len());
    let pieces = said(stream, usize::from(*cut));
    assert_eq!(whole, pieces);
    let failed = whole.iter().position(Result::is_err);
    assert!(failed.is_none_or(|at| at + 1 == whole.len()), "{whole:?}");
}

fn said(stream: &[u8], cut: usize) -> Vec<Result<ModelEvent, ModelError>> {
    let pieces: Vec<Result<Bytes, Infallible>> =
        stream.chunks(cut.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Vec::new();
    };
    runtime.block_on(async {
        let reading = Reading::new(stream::iter(pieces), SILENCE);
        stream::unfold(reading, Reading::next).flat_map(stream::iter).collect().await
    })
}
