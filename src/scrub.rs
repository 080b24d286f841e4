//! Secrets out of texts. (Stub.)

use std::borrow::Cow;

pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
