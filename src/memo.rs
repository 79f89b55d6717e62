//! What is worked out once.

use std::sync::OnceLock;

/// A value that follows from what stands beside it, kept once it is known. It is not saved, and
/// whether it is there makes no difference: two that differ in it alone are the same. Nothing of what
/// it follows from may be changed once it is asked for.
#[derive(Clone, Debug)]
pub struct Memo<T>(OnceLock<T>);

impl<T> Memo<T> {
    /// A value that is known already.
    pub fn known(value: T) -> Self {
        Self(OnceLock::from(value))
    }

    /// The value, if it is known.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, worked out if nobody has done so yet.
    pub fn get_or(&self, work_out: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(work_out)
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> PartialEq for Memo<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Memo<T> {}
