//! A value that stays packed until somebody asks for it: most polls need none of it, and thousands of small
//! texts would cost more to read from the checkpoint than all that is judged.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Lazy<T> {
    /// What was read from the checkpoint lies where it was read, and is reported as it is. Nothing if it is empty.
    packed: Cow<'static, [u8]>,
    /// While it is worked on; what is packed does not count then.
    open: Option<Box<T>>,
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Lazy<T> {
    #[cfg(test)]
    pub(crate) fn of(value: &T) -> Self {
        Self { packed: pack(value).into(), open: None }
    }

    /// Nothing was ever put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.packed.is_empty() && self.open.is_none()
    }

    pub(crate) fn get(&self) -> T {
        self.open.as_deref().cloned().unwrap_or_else(|| unpack(&self.packed))
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.open.get_or_insert_with(|| Box::new(unpack(&self.packed)))
    }

    pub(crate) fn encode(&mut self) {
        if let Some(value) = self.open.take() {
            self.packed = pack(&*value).into();
        }
    }
}

/// Plain data cannot fail to be packed; without it the value would only be counted anew.
fn pack<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

fn unpack<T: Default + DeserializeOwned>(packed: &[u8]) -> T {
    postcard::from_bytes(packed).unwrap_or_default()
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Serialize for Lazy<T> {
    /// The value for people's formats, the bytes for the checkpoint.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.get().serialize(serializer)
        } else if let Some(value) = &self.open {
            serializer.serialize_bytes(&pack(&**value))
        } else {
            serializer.serialize_bytes(&self.packed)
        }
    }
}

impl<'de: 'static, T> Deserialize<'de> for Lazy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { packed: Cow::Borrowed(<&[u8]>::deserialize(deserializer)?), open: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_put_in() {
        let mut parcel = Lazy::<Vec<String>>::default();
        assert!(parcel.is_empty() && parcel.get().is_empty());
        parcel.get_mut().push("a".to_owned());
        assert_eq!((parcel.is_empty(), serde_json::to_string(&parcel).unwrap()), (false, r#"["a"]"#.to_owned()));
        let open = postcard::to_stdvec(&parcel).unwrap();
        parcel.encode();
        assert_eq!(open, postcard::to_stdvec(&parcel).unwrap(), "open or shut");
        let mut back: Lazy<Vec<String>> = postcard::from_bytes(open.leak()).unwrap();
        assert_eq!(back, parcel);
        back.get_mut().push("b".to_owned());
        assert_eq!(back.get(), ["a", "b"]);
        assert_eq!(Lazy::of(&vec!["a".to_owned()]), parcel);
    }

    #[test]
    fn what_is_no_parcel_is_empty() {
        let bad: Lazy<Vec<String>> = postcard::from_bytes(&[2, 9, 9]).unwrap();
        assert_eq!(bad.get(), Vec::<String>::new());
    }
}
