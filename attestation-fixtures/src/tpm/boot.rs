//! A sound boot of a machine that exists nowhere: secure boot on, one loader, one kernel, and the
//! worker's digest in PCR14.

use super::eventlog::{Event, LogSpec, event_type as kind};

/// An EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureList {
    /// Declared size of the header.
    pub header_size: u32,
    /// The header.
    pub header: Vec<u8>,
    /// Declared size of one signature.
    pub signature_size: u32,
    /// Owner and data of each.
    pub signatures: Vec<Vec<u8>>,
    /// Declared size of the list, where it lies.
    pub list_size: Option<u32>,
}

impl SignatureList {
    /// A list of SHA-256 digests, which has no header.
    pub fn hashes(count: u8) -> Self {
        let signatures = (0..count).map(|n| [&OWNER[..], &[n; 32]].concat()).collect();
        let header = Vec::new();
        Self { header_size: 0, header, signature_size: 48, signatures, list_size: None }
    }

    /// The encoded list.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body: Vec<u8> = self.signatures.concat();
        let size = (28 + self.header.len() + body.len()) as u32;
        let mut out = CERT_SHA256.to_vec();
        out.extend(self.list_size.unwrap_or(size).to_le_bytes());
        out.extend(self.header_size.to_le_bytes());
        out.extend(self.signature_size.to_le_bytes());
        out.extend_from_slice(&self.header);
        out.extend(body);
        out
    }
}

/// UEFI_VARIABLE_DATA (PC Client PFP, 10.2.6).
pub fn uefi_variable(vendor: &[u8; 16], name: &str, data: &[u8]) -> Vec<u8> {
    let name: Vec<u16> = name.encode_utf16().collect();
    let mut out = vendor.to_vec();
    out.extend((name.len() as u64).to_le_bytes());
    out.extend((data.len() as u64).to_le_bytes());
    name.iter().for_each(|unit| out.extend(unit.to_le_bytes()));
    out.extend_from_slice(data);
    out
}

/// The sound log of firmware that leaves PCR14 to the running system.
pub fn good_log_without_14() -> LogSpec {
    let mut log = good_log();
    log.events.retain(|event| event.pcr != 14);
    log
}

/// The sound log. Registers 0 to 9 and 14 are extended.
pub fn good_log() -> LogSpec {
    let hashes = SignatureList::hashes(2).to_bytes();
    let image = |pcr, what: &str, content: &[u8]| {
        Event::measured(pcr, kind::EFI_BOOT_SERVICES_APPLICATION, what.as_bytes(), content)
    };
    let variable = |vendor: &[u8; 16], name: &str, data: &[u8]| {
        Event::new(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &uefi_variable(vendor, name, data))
    };
    let mut events = vec![
        Event::new(0, kind::NO_ACTION, b"StartupLocality\0\0"),
        Event::new(0, kind::S_CRTM_VERSION, b"1\0.\x00000\0\0\0"),
        Event::measured(0, kind::EFI_PLATFORM_FIRMWARE_BLOB, &[0x10; 16], b"firmware volume"),
        Event::new(1, kind::EFI_VARIABLE_BOOT, &uefi_variable(&GLOBAL, "BootOrder", &[0, 0])),
        variable(&GLOBAL, "SecureBoot", &[1]),
        variable(&GLOBAL, "PK", &hashes),
        variable(&GLOBAL, "KEK", &hashes),
        variable(&DATABASE, "db", &hashes),
        variable(&DATABASE, "dbx", &SignatureList::hashes(3).to_bytes()),
        Event::new(7, kind::SEPARATOR, &[0; 4]),
        Event::new(4, kind::EFI_ACTION, b"Calling EFI Application from Boot Option"),
    ];
    events.extend((0..7).map(|pcr| Event::new(pcr, kind::SEPARATOR, &[0; 4])));
    let allowed = [&OWNER[..], &[1; 32]].concat();
    events.extend([
        Event::new(7, kind::EFI_VARIABLE_AUTHORITY, &uefi_variable(&DATABASE, "db", &allowed)),
        image(4, "loader", b"loader image"),
        Event::measured(5, kind::EFI_GPT_EVENT, b"partition table", b"partition table"),
        Event::new(8, kind::IPL, b"kernel command line\0"),
        Event::measured(9, kind::IPL, b"kernel\0", b"kernel image"),
        Event::measured(14, kind::IPL, b"worker\0", b"worker binary"),
        Event::new(5, kind::EFI_ACTION, b"Exit Boot Services Invocation"),
        Event::new(5, kind::EFI_ACTION, b"Exit Boot Services Returned with Success"),
    ]);
    // An event that is not extended has zero digests.
    events[0].digests[0].1.fill(0);
    LogSpec::new(events)
}

/// EFI_GLOBAL_VARIABLE, as stored.
pub(crate) const GLOBAL: [u8; 16] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];
/// EFI_IMAGE_SECURITY_DATABASE_GUID, as stored.
pub(crate) const DATABASE: [u8; 16] = [
    0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f,
];
/// EFI_CERT_SHA256_GUID, as stored.
const CERT_SHA256: [u8; 16] = [
    0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28,
];
/// Whoever put the entries there.
const OWNER: [u8; 16] = *b"probity TEST own";
