//! Values that stay packed until they are asked for: most polls need none of them, and thousands of small texts would
//! cost more to read from the checkpoint than all that is judged.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value as bytes. Those that were read from the checkpoint stay where they were read, and are written as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Packed(Cow<'static, [u8]>);

impl Packed {
    /// Plain data cannot fail to be packed; without it the value would only be made anew.
    pub(crate) fn of<T: Serialize>(value: &T) -> Self {
        Self(postcard::to_stdvec(value).unwrap_or_default().into())
    }

    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value, if it was read from the checkpoint.
    pub(crate) fn unpack<T: Deserialize<'static>>(&self) -> Option<T> {
        match self.0 {
            Cow::Borrowed(bytes) => postcard::from_bytes(bytes).ok(),
            Cow::Owned(_) => None,
        }
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'static> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Cow::Borrowed(<&[u8]>::deserialize(deserializer)?)))
    }
}

/// A value that is unpacked where it is asked for, and packed again once it was worked on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Lazy<T> {
    /// Empty for a value that nothing was ever put in.
    packed: Packed,
    /// While it is worked on; what is packed does not count then.
    open: Option<Box<T>>,
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Lazy<T> {
    #[cfg(test)]
    pub(crate) fn of(value: &T) -> Self {
        Self { packed: Packed::of(value), open: None }
    }

    /// Nothing was ever put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.packed.bytes().is_empty() && self.open.is_none()
    }

    pub(crate) fn get(&self) -> T {
        self.open.as_deref().cloned().unwrap_or_else(|| self.unpack())
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        if self.open.is_none() {
            self.open = Some(Box::new(self.unpack()));
        }
        self.open.get_or_insert_default()
    }

    /// The value, where it was worked on since it was packed.
    pub(crate) fn opened(&mut self) -> Option<&mut T> {
        self.open.as_deref_mut()
    }

    fn unpack(&self) -> T {
        postcard::from_bytes(self.packed.bytes()).unwrap_or_default()
    }

    pub(crate) fn encode(&mut self) {
        if let Some(value) = self.open.take() {
            self.packed = Packed::of(&*value);
        }
    }
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Serialize for Lazy<T> {
    /// The value for people's formats, the bytes for the checkpoint.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.get().serialize(serializer)
        } else if let Some(value) = &self.open {
            Packed::of(&**value).serialize(serializer)
        } else {
            self.packed.serialize(serializer)
        }
    }
}

impl<'de: 'static, T> Deserialize<'de> for Lazy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { packed: Packed::deserialize(deserializer)?, open: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_put_in() {
        let mut lazy = Lazy::<Vec<String>>::default();
        assert!(lazy.is_empty() && lazy.get().is_empty());
        lazy.get_mut().push("a".to_owned());
        assert_eq!((lazy.is_empty(), serde_json::to_string(&lazy).unwrap()), (false, r#"["a"]"#.to_owned()));
        let open = postcard::to_stdvec(&lazy).unwrap();
        lazy.encode();
        assert_eq!(open, postcard::to_stdvec(&lazy).unwrap(), "open or shut");
        let mut back: Lazy<Vec<String>> = postcard::from_bytes(open.leak()).unwrap();
        assert_eq!(back, lazy);
        back.get_mut().push("b".to_owned());
        assert_eq!(back.get(), ["a", "b"]);
        assert_eq!(Lazy::of(&vec!["a".to_owned()]), lazy);
    }

    #[test]
    fn what_cannot_be_unpacked_is_empty() {
        let bad: Lazy<Vec<String>> = postcard::from_bytes(&[2, 9, 9]).unwrap();
        assert_eq!(bad.get(), Vec::<String>::new());
    }
}
