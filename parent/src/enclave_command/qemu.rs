//! The QEMU runner: kernel, command line and ramdisks out of the image, started on a `microvm`
//! whose vsock and NSM devices are vhost-user processes beside it. It runs the same image as EC2
//! without any of its protection: the NSM's root is a test root. It must never start an image
//! other than the bytes that were measured.

use super::heartbeat::{Heartbeat, fits, path_beside};
use super::image::Measured;
use super::limits::{COMMAND_PORT, DEVICE_POLL, DEVICE_WAIT};
use super::options::{MachineOptions, RunOptions};
use super::processes::{Process, clean};
use super::state::Member;
use crate::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

/// Word of the kernel's command line that says where the parent is; on EC2 it is absent, and the
/// parent is CID 3. vhost-device-vsock forwards what goes to CID 2 only.
const PARENT: &str = "probity_parent_cid=2";
/// What the NSM device says when it listens.
const READY: &str = "ready";
/// virtio's number of the Nitro Secure Module.
const NSM_VIRTIO_ID: u32 = 33;

/// Names of a machine's files in its folder: what starts, and the devices' sockets.
const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";
const VSOCK_DEVICE: &str = "vhost-vsock.sock";
const NSM_DEVICE: &str = "vhost-nsm.sock";

/// Where a machine's serial port goes.
#[derive(Debug)]
enum Console {
    /// There is none.
    None,
    /// Into a file.
    File(PathBuf),
    /// To the terminal, with QEMU's own commands behind Ctrl-A.
    Terminal,
}

/// How to start QEMU.
#[derive(Debug)]
pub struct Qemu {
    qemu: PathBuf,
    vsock_device: PathBuf,
    nsm_device: PathBuf,
    nsm_arguments: Vec<String>,
    folder: PathBuf,
    socket: PathBuf,
    cid: u32,
    memory_mib: u32,
    cpus: u32,
    console: bool,
    cmdline: String,
}

/// The processes of one run.
#[derive(Debug)]
pub struct Machine {
    run: String,
    nsm: Process,
    vsock: Process,
    qemu: Process,
}

impl Qemu {
    /// Writes the image's parts into the state's folder.
    pub fn prepare(options: &RunOptions, folder: &Path, image: &Measured) -> Result<Self, Error> {
        let named = |option: &Option<PathBuf>, variable: &str, what: &'static str| {
            let named = option.clone().or_else(|| std::env::var_os(variable).map(PathBuf::from));
            named.ok_or_else(|| Error::Runner {
                what: what.into(),
                problem: format!("neither --{what} nor {variable} names it"),
                remedy: "tests/image/tools installs QEMU and the vsock device and prints both \
                         variables; the NSM device is the binary test-nsm-device",
            })
        };
        let socket = options.socket.clone().unwrap_or_else(|| folder.join("vsock"));
        // The longest of them.
        fits(&path_beside(&socket))?;
        fits(&folder.join(VSOCK_DEVICE))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(Error::file(&path))
        };
        write(KERNEL, &image.image().kernel)?;
        // The kernel takes archives one after the other, as the Nitro hypervisor gives them.
        write(INITRD, &image.image().ramdisks.concat())?;
        Ok(Self {
            qemu: named(&options.qemu, "PROBITY_QEMU", "qemu")?,
            vsock_device: named(&options.vsock_device, "PROBITY_VSOCK_DEVICE", "vsock-device")?,
            nsm_device: named(&options.nsm_device, "PROBITY_NSM_DEVICE", "nsm-device")?,
            nsm_arguments: options.nsm_argument.clone(),
            folder: folder.to_owned(),
            socket,
            cid: options.cid,
            memory_mib: options.memory,
            cpus: options.cpus,
            console: options.debug_console,
            cmdline: image.image().cmdline.clone(),
        })
    }

    /// What `probity serve --enclave` takes.
    pub fn address(&self) -> String {
        format!("hybrid:{}:{COMMAND_PORT}", self.socket.display())
    }

    /// Sockets to remove at the end.
    pub fn sockets(&self) -> Vec<PathBuf> {
        let beside = path_beside(&self.socket);
        vec![self.socket.clone(), beside, self.vhost_socket(), self.nsm_socket()]
    }

    /// Starts devices and machine. Each is waited for: QEMU ends when a device is not there.
    pub async fn start(&self, run: &str) -> Result<(Machine, Heartbeat), Error> {
        for path in self.sockets() {
            // Left over from the run before.
            fs::remove_file(path).ok();
        }
        let heartbeat = Heartbeat::listen(&self.socket)?;
        let place = (self.folder.as_path(), run);
        let program = (self.nsm_device.as_path(), self.nsm_arguments());
        let mut nsm = Process::start("nsm-device", program, place, true)?;
        ready(&mut nsm).await?;
        let program = (self.vsock_device.as_path(), self.vsock_arguments());
        let mut vsock = Process::start("vsock-device", program, place, false)?;
        listening(&mut vsock, &self.vhost_socket()).await?;
        let program = (self.qemu.as_path(), self.qemu_arguments());
        let qemu = Process::start("qemu", program, place, false)?;
        Ok((Machine { run: run.to_owned(), nsm, vsock, qemu }, heartbeat))
    }

    fn nsm_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["--socket".into(), self.nsm_socket().into(), "--eif".into()];
        arguments.push(self.folder.join(super::image::COPY).into());
        if self.console {
            // As the hypervisor does with an enclave whose console can be read.
            arguments.push("--debug-mode".into());
        }
        arguments.extend(self.nsm_arguments.iter().map(OsString::from));
        arguments
    }

    fn vsock_arguments(&self) -> Vec<OsString> {
        let with = |name: &str, path: &Path| {
            let mut argument = OsString::from(name);
            argument.push(path);
            argument
        };
        vec![
            format!("--guest-cid={}", self.cid).into(),
            with("--socket=", &self.vhost_socket()),
            with("--uds-path=", &self.socket),
        ]
    }

    fn qemu_arguments(&self) -> Vec<OsString> {
        let console = self.console.then(|| self.folder.join(super::CONSOLE));
        let console = console.map_or(Console::None, Console::File);
        arguments(&self.folder, (self.memory_mib, self.cpus), &self.cmdline, &console)
    }

    fn vhost_socket(&self) -> PathBuf {
        self.folder.join(VSOCK_DEVICE)
    }

    fn nsm_socket(&self) -> PathBuf {
        self.folder.join(NSM_DEVICE)
    }
}

impl Machine {
    /// For the state.
    pub fn members(&self) -> Vec<Member> {
        [&self.nsm, &self.vsock, &self.qemu].map(Process::member).into()
    }

    /// Waits until one of the processes ends: none is of use without the others.
    pub async fn ended(&mut self) -> String {
        tokio::select! {
            // QEMU's end is the reason when its devices end with it.
            biased;
            how = self.qemu.ended() => how,
            how = self.vsock.ended() => how,
            how = self.nsm.ended() => how,
        }
    }

    /// Ends all of them.
    pub async fn end(self) {
        self.qemu.end().await;
        self.vsock.end().await;
        self.nsm.end().await;
        // What they had started and left.
        clean(&self.run);
    }
}

/// QEMU's arguments for the machine of a folder: the only place where they are written.
fn arguments(
    folder: &Path,
    (memory_mib, cpus): (u32, u32),
    cmdline: &str,
    console: &Console,
) -> Vec<OsString> {
    // In QEMU's options a comma is written twice.
    let text = |path: &Path| path.display().to_string().replace(',', ",,");
    let socket = |id: &str, name| format!("socket,id={id},path={}", text(&folder.join(name)));
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
    add(&["-nodefaults", "-no-user-config", "-display", "none"]);
    // A panicking kernel asks for a reboot: that is its end.
    add(&["-no-reboot", "-M", "microvm,acpi=off,memory-backend=mem0"]);
    let backend = format!("memory-backend-memfd,id=mem0,size={memory_mib}M,share=on");
    add(&["-m", &format!("{memory_mib}M"), "-object", &backend]);
    add(&["-accel", "tcg", "-cpu", "max", "-smp", &cpus.to_string()]);
    let (kernel, initrd) = (folder.join(KERNEL), folder.join(INITRD));
    add(&["-kernel", &kernel.to_string_lossy(), "-initrd", &initrd.to_string_lossy()]);
    add(&["-append", &format!("{} {PARENT}", cmdline.trim_end())]);
    add(&["-chardev", &socket("vsock", VSOCK_DEVICE)]);
    add(&["-device", "vhost-user-vsock-device,chardev=vsock"]);
    add(&["-chardev", &socket("nsm", NSM_DEVICE)]);
    let nsm = format!("vhost-user-test-device,chardev=nsm,virtio-id={NSM_VIRTIO_ID},num_vqs=1");
    add(&["-device", &nsm]);
    match console {
        Console::None => add(&["-monitor", "none", "-serial", "none"]),
        Console::File(path) => {
            let file = format!("file,id=console,path={}", text(path));
            add(&["-monitor", "none", "-chardev", &file, "-serial", "chardev:console"]);
        }
        Console::Terminal => add(&["-serial", "mon:stdio"]),
    }
    arguments
}

/// The same for `machine`, one a line.
pub fn lines(options: &MachineOptions) -> String {
    let console = match &options.console {
        None => Console::None,
        Some(path) if path.as_os_str() == "-" => Console::Terminal,
        Some(path) => Console::File(path.clone()),
    };
    let size = (options.memory, options.cpus);
    let words = arguments(&options.folder, size, &options.cmdline, &console);
    words.iter().map(|word| format!("{}\n", word.to_string_lossy())).collect()
}

/// Waits for the NSM device's word.
async fn ready(nsm: &mut Process) -> Result<(), Error> {
    let output = nsm.output().ok_or_else(|| silent("nsm-device", "it has no output".into()))?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let word = async {
        // The device is ours, and says one short line.
        (&mut output).take(u64::from(u8::MAX)).read_line(&mut line).await.ok();
        line.trim() == READY
    };
    match tokio::time::timeout(DEVICE_WAIT, word).await {
        Ok(true) => {
            // What it says later is read away, so that it never waits for us.
            tokio::spawn(async move {
                tokio::io::copy(&mut output, &mut tokio::io::sink()).await.ok();
            });
            Ok(())
        }
        Ok(false) => Err(silent("nsm-device", nsm.ended().await)),
        Err(_) => Err(silent("nsm-device", format!("it did not say {READY} in {DEVICE_WAIT:?}"))),
    }
}

/// Waits for a device's socket.
async fn listening(device: &mut Process, socket: &Path) -> Result<(), Error> {
    let start = Instant::now();
    while !socket.exists() {
        if start.elapsed() > DEVICE_WAIT {
            let problem = format!("{} was not there after {DEVICE_WAIT:?}", socket.display());
            return Err(silent("vsock-device", problem));
        }
        tokio::select! {
            how = device.ended() => return Err(silent("vsock-device", how)),
            () = tokio::time::sleep(DEVICE_POLL) => {}
        }
    }
    Ok(())
}

fn silent(what: &str, problem: String) -> Error {
    Error::Runner { what: what.into(), problem, remedy: "see its log in the state's folder" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qemu(console: bool) -> Qemu {
        Qemu {
            qemu: "qemu".into(),
            vsock_device: "vsock".into(),
            nsm_device: "nsm".into(),
            nsm_arguments: vec!["--quote-latency-ms".into(), "20".into()],
            folder: "/state,1".into(),
            socket: "/run/vsock".into(),
            cid: 16,
            memory_mib: 256,
            cpus: 2,
            console,
            cmdline: "reboot=k panic=-1\n".into(),
        }
    }

    fn words(arguments: Vec<OsString>) -> String {
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn the_machine_has_two_devices_and_no_console_unless_asked() {
        let line = words(qemu(false).qemu_arguments());
        assert!(line.contains("-M microvm,acpi=off,memory-backend=mem0"), "{line}");
        assert!(line.contains("-m 256M -object memory-backend-memfd,id=mem0,size=256M,share=on"));
        assert!(line.contains("-append reboot=k panic=-1 probity_parent_cid=2 "), "{line}");
        assert!(line.contains("virtio-id=33,num_vqs=1"), "{line}");
        assert!(line.contains("path=/state,,1/vhost-nsm.sock"), "{line}");
        assert!(line.contains("-kernel /state,1/kernel -initrd /state,1/initrd"), "{line}");
        assert!(line.ends_with("-serial none"), "{line}");
        assert!(!line.contains("net") && !line.contains("drive") && !line.contains("console"));
        let line = words(qemu(true).qemu_arguments());
        assert!(line.ends_with("path=/state,,1/console.log -serial chardev:console"), "{line}");
    }

    #[test]
    fn a_readable_console_means_zeros_in_documents() {
        let line = words(qemu(false).nsm_arguments());
        let expected = "--socket /state,1/vhost-nsm.sock --eif /state,1/image.eif \
                        --quote-latency-ms 20";
        assert_eq!(line, expected);
        assert!(words(qemu(true).nsm_arguments()).contains("--debug-mode"));
        let line = words(qemu(false).vsock_arguments());
        let expected = "--guest-cid=16 --socket=/state,1/vhost-vsock.sock --uds-path=/run/vsock";
        assert_eq!(line, expected);
        assert_eq!(qemu(false).address(), "hybrid:/run/vsock:5000");
    }
}
