//! Event types by their number in the TCG PC Client profile (1.06, 10.4.1). A type is a claim
//! of the log's writer, never measured; an unknown one in a register that a policy reads refuses.

/// The type of an event, as the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(pub u32);

impl EventKind {
    /// EV_NO_ACTION: informs, and is not extended.
    pub const NO_ACTION: Self = Self(0x3);
    /// EV_SEPARATOR: what follows was measured after the firmware handed over.
    pub const SEPARATOR: Self = Self(0x4);
    /// EV_EFI_VARIABLE_DRIVER_CONFIG: a variable, PCR7's for secure boot among them.
    pub const VARIABLE_DRIVER_CONFIG: Self = Self(0x8000_0001);
    /// EV_EFI_ACTION: a text.
    pub const EFI_ACTION: Self = Self(0x8000_0007);
    /// EV_EFI_HCRTM_EVENT: measured before the firmware began.
    pub const HCRTM: Self = Self(0x8000_0010);
    /// EV_EFI_VARIABLE_AUTHORITY: the entry of a key list that allowed an image.
    pub const VARIABLE_AUTHORITY: Self = Self(0x8000_00e0);

    /// The type's name without `EV_`; `None` for a type that the profile does not know.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "EV_{name}"),
            None => write!(f, "type {:#x}", self.0),
        }
    }
}

const NAMES: [(u32, &str); 39] = [
    (0x0, "PREBOOT_CERT"),
    (0x1, "POST_CODE"),
    (0x2, "UNUSED"),
    (0x3, "NO_ACTION"),
    (0x4, "SEPARATOR"),
    (0x5, "ACTION"),
    (0x6, "EVENT_TAG"),
    (0x7, "S_CRTM_CONTENTS"),
    (0x8, "S_CRTM_VERSION"),
    (0x9, "CPU_MICROCODE"),
    (0xa, "PLATFORM_CONFIG_FLAGS"),
    (0xb, "TABLE_OF_DEVICES"),
    (0xc, "COMPACT_HASH"),
    (0xd, "IPL"),
    (0xe, "IPL_PARTITION_DATA"),
    (0xf, "NONHOST_CODE"),
    (0x10, "NONHOST_CONFIG"),
    (0x11, "NONHOST_INFO"),
    (0x12, "OMIT_BOOT_DEVICE_EVENTS"),
    (0x13, "POST_CODE2"),
    (0x8000_0001, "EFI_VARIABLE_DRIVER_CONFIG"),
    (0x8000_0002, "EFI_VARIABLE_BOOT"),
    (0x8000_0003, "EFI_BOOT_SERVICES_APPLICATION"),
    (0x8000_0004, "EFI_BOOT_SERVICES_DRIVER"),
    (0x8000_0005, "EFI_RUNTIME_SERVICES_DRIVER"),
    (0x8000_0006, "EFI_GPT_EVENT"),
    (0x8000_0007, "EFI_ACTION"),
    (0x8000_0008, "EFI_PLATFORM_FIRMWARE_BLOB"),
    (0x8000_0009, "EFI_HANDOFF_TABLES"),
    (0x8000_000a, "EFI_PLATFORM_FIRMWARE_BLOB2"),
    (0x8000_000b, "EFI_HANDOFF_TABLES2"),
    (0x8000_000c, "EFI_VARIABLE_BOOT2"),
    (0x8000_000d, "EFI_GPT_EVENT2"),
    (0x8000_0010, "EFI_HCRTM_EVENT"),
    (0x8000_00e0, "EFI_VARIABLE_AUTHORITY"),
    (0x8000_00e1, "EFI_SPDM_FIRMWARE_BLOB"),
    (0x8000_00e2, "EFI_SPDM_FIRMWARE_CONFIG"),
    (0x8000_00e3, "EFI_SPDM_DEVICE_POLICY"),
    (0x8000_00e4, "EFI_SPDM_DEVICE_AUTHORITY"),
];
