//! The two file systems of the image: the initramfs at `/` and the kernel's devices at `/dev`,
//! both read-only. There is no /proc, no /sys and nothing to write to.

use crate::{InitError, failed};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use std::fs::File;

const NONE: Option<&str> = None;

/// Mounts the kernel's devices, where the driver of the NSM put its own, and takes away the right
/// to make more. Devices stay usable: a device is not written on its file system.
pub(crate) fn mount_devices() -> Result<(), InitError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("devtmpfs"), "/dev", Some("devtmpfs"), flags, NONE).map_err(failed("mount /dev"))?;
    remount_read_only("/dev", flags)?;
    must_be_read_only("/dev/probe", "a write in /dev")
}

/// Makes the root read-only for good. It holds the binary that runs and nothing else.
pub(crate) fn close_root() -> Result<(), InitError> {
    remount_read_only("/", MsFlags::MS_NOSUID | MsFlags::MS_NODEV)?;
    must_be_read_only("/probe", "a write in /")
}

fn remount_read_only(target: &'static str, flags: MsFlags) -> Result<(), InitError> {
    let flags = flags | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(NONE, target, NONE, flags, NONE).map_err(failed("remount read-only"))
}

/// Tries it: a flag that was taken is not yet a write that is refused.
pub(crate) fn must_be_read_only(path: &str, what: &'static str) -> Result<(), InitError> {
    match File::create_new(path) {
        Ok(_) => Err(InitError::NotRefused(what)),
        Err(error) if error.raw_os_error() == Some(Errno::EROFS as i32) => Ok(()),
        Err(error) => {
            let problem = Errno::from_raw(error.raw_os_error().unwrap_or(0));
            Err(InitError::Step { step: what, problem })
        }
    }
}
