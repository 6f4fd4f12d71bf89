//! Pieces that commands and reports share.

use cbor::{CborError, Reader};

/// An enumeration whose variants are numbered from 0, with the list of all of them.
macro_rules! closed {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$each:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
                let number = r.uint_max(stringify!($name), Self::ALL.len() as u64 - 1)?;
                Ok(Self::ALL[number as usize])
            }
        }
    };
}

pub(crate) type Checkpoint = ([u8; 16], u64, [u8; 32]);

pub(crate) fn write_checkpoint(w: &mut cbor::Writer, checkpoint: Option<&Checkpoint>) {
    match checkpoint {
        Some((boot_id, size, root)) => w.array(3).bytes(boot_id).uint(*size).bytes(root),
        None => w.null(),
    };
}

pub(crate) fn read_checkpoint(r: &mut Reader<'_>) -> Result<Option<Checkpoint>, CborError> {
    if r.null()? {
        return Ok(None);
    }
    r.array_of("checkpoint", 3)?;
    Ok(Some((r.array_bytes("boot id")?, r.uint()?, r.array_bytes("root")?)))
}

/// Opens the message array and returns its kind and how many fields follow.
pub(crate) fn open(r: &mut Reader<'_>) -> Result<(u64, u64), CborError> {
    let at = r.position();
    let fields = r.array()?;
    let count = fields.left().unwrap_or(0);
    if count == 0 {
        return Err(CborError::Range { at, what: "message", expected: "a kind", found: 0 });
    }
    Ok((r.uint()?, count - 1))
}
