//! Values that must not be printed, and bytes that may be stored because nobody else can read them.

use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// A secret: no `Display`, a redacted `Debug`, wiped when the last clone is dropped. Clones share the one copy.
#[derive(PartialEq, Eq)]
pub(crate) struct Secret<T: Zeroize>(Arc<Zeroizing<T>>);

impl<T: Zeroize> Secret<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Zeroizing::new(value)))
    }

    /// The plain value. Call it where the value leaves for its one purpose, nowhere else.
    pub(crate) fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<T: Zeroize> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Ciphertext made by [`super::cipher::Cipher`]. The store accepts this type where plaintext would be a leak.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed(Vec<u8>);

impl Sealed {
    /// Wraps bytes that came out of a store or a cookie; authenticity is checked when they are opened.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
