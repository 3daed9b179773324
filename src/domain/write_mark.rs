//! Whether a call has sent a write: only then can nobody know what became of it when it is broken off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set before the first write of a call leaves for Microsoft 365, and never taken back. Clones are one mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteMark(Arc<AtomicBool>);

impl WriteMark {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
