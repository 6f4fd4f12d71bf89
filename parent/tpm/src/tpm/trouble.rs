//! What a response code means for us (Part 2, 6.6; TSS 2.0 Overview, response code layers).

use tss_esapi::Error;
use tss_esapi::constants::response_code::Tss2ResponseCode;

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Ask again after a pause.
    Busy,
    /// Flush, then ask again once.
    Full,
    /// Dictionary-attack protection.
    LockedOut,
    /// An authorization value is needed.
    Password,
    /// The TPM waits for TPM2_Startup: it was reset under us.
    NotStarted,
    /// The connection is of no use any more.
    Gone,
    /// Anything else.
    Other,
}

impl Trouble {
    pub(super) fn of(error: Error) -> Self {
        let Some(code) = code(error) else { return Trouble::Other };
        // Layers: 0 is the TPM, 11 and 12 a resource manager that speaks for it; 10 the transport.
        match code >> LAYER_SHIFT {
            0 | 11 | 12 => Self::of_tpm(code & 0xffff),
            10 => Trouble::Gone,
            _ => Trouble::Other,
        }
    }

    fn of_tpm(code: u32) -> Self {
        // Format one: which parameter, handle or session it is about does not matter here.
        let plain = if code & 0x80 == 0 { code } else { code & 0xbf };
        match plain {
            // CANCELED, YIELDED, TESTING, NV_RATE, RETRY, NV_UNAVAILABLE
            0x908 | 0x909 | 0x90a | 0x920 | 0x922 | 0x923 => Trouble::Busy,
            // OBJECT_MEMORY, SESSION_MEMORY, MEMORY, SESSION_HANDLES, OBJECT_HANDLES, NV_SPACE
            0x902..=0x906 | 0x14b => Trouble::Full,
            0x921 => Trouble::LockedOut,
            // AUTH_FAIL, BAD_AUTH
            0x8e | 0xa2 => Trouble::Password,
            0x100 => Trouble::NotStarted,
            _ => Trouble::Other,
        }
    }
}

/// The code and its meaning, for people.
pub(super) fn spoken(error: Error) -> String {
    match code(error) {
        Some(code) => match error {
            Error::Tss2Error(known) => match known.kind() {
                Some(kind) if code >> LAYER_SHIFT == 0 => format!("{code:#x}, {kind:?}"),
                _ => format!("{code:#x}"),
            },
            Error::WrapperError(_) => format!("{code:#x}"),
        },
        None => error.to_string(),
    }
}

/// The number of a response code; the TSS for Rust shows it in its text only.
fn code(error: Error) -> Option<u32> {
    let Error::Tss2Error(response) = error else { return None };
    let text = match response {
        Tss2ResponseCode::Success => return None,
        Tss2ResponseCode::FormatZero(code) => code.to_string(),
        Tss2ResponseCode::FormatOne(code) => code.to_string(),
    };
    u32::from_str_radix(text.rsplit_once("0x")?.1, 16).ok()
}

const LAYER_SHIFT: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        for (code, wanted) in [
            (0x922, Trouble::Busy),
            (0x908, Trouble::Busy),
            (0x90a, Trouble::Busy),
            (0x902, Trouble::Full),
            (0x14b, Trouble::Full),
            (0x921, Trouble::LockedOut),
            (0x98e, Trouble::Password),
            (0x9a2, Trouble::Password),
            (0x100, Trouble::NotStarted),
            (0x18b, Trouble::Other),
        ] {
            assert_eq!(Trouble::of_tpm(code), wanted, "{code:#x}");
        }
    }
}
