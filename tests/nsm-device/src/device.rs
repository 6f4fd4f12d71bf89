//! The vhost-user side: one socket, one guest at a time, one queue. A new connection is a new boot
//! and gets a new module; a virtio reset by the guest does not, as it resets nothing on EC2 either.

use crate::{DeviceError, Module, Operation, Ring, Setup};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use vhost::vhost_user::Listener;
use vhost::vhost_user::message::{VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost_user_backend::{VhostUserBackendMut, VhostUserDaemon, VringMutex, VringT};
use virtio_bindings::virtio_config::VIRTIO_F_VERSION_1;
use vm_memory::{GuestAddressSpace, GuestMemoryAtomic, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::event::{
    EventConsumer, EventFlag, EventNotifier, new_event_consumer_and_notifier,
};

/// Serves guests on `socket`, one after the other, until the process is killed. Calls `ready` when
/// it listens; appends a line for each request to `log`: Unix milliseconds, operation, outcome.
pub fn serve(
    socket: &Path,
    setup: &Setup,
    log: Option<&Path>,
    ready: impl FnOnce(),
) -> Result<(), DeviceError> {
    let problem = |error: vhost::vhost_user::Error| DeviceError::Socket {
        socket: socket.display().to_string(),
        problem: error.to_string(),
    };
    let open = |path| OpenOptions::new().create(true).append(true).open(path);
    let log = log.map(open).transpose().map_err(DeviceError::Log)?.map(Arc::new);
    let mut listener = Listener::new(socket, true).map_err(problem)?;
    ready();
    loop {
        let module = Module::new(setup.clone());
        let memory = GuestMemoryAtomic::new(GuestMemoryMmap::new());
        let backend =
            Backend { module, memory: memory.clone(), ring: Ring::default(), log: log.clone() };
        let backend = Arc::new(Mutex::new(backend));
        let failed = |error: vhost_user_backend::Error| DeviceError::Vhost(error.to_string());
        let mut daemon = VhostUserDaemon::new("nsm".into(), backend, memory).map_err(failed)?;
        daemon.start(&mut listener).map_err(failed)?;
        // How a guest ends, killed in the middle of a message included, concerns the next one not.
        if let Err(error) = daemon.wait() {
            eprintln!("test-nsm-device: the guest left: {error}");
        }
    }
}

type Memory = GuestMemoryAtomic<GuestMemoryMmap>;

struct Backend {
    module: Module,
    memory: Memory,
    ring: Ring,
    log: Option<Arc<File>>,
}

impl Backend {
    fn note(&self, operation: Operation, outcome: &str) {
        let Some(log) = &self.log else { return };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!("{} {} {outcome}\n", since.as_millis(), operation.name());
        let mut log: &File = log;
        if let Err(error) = log.write_all(line.as_bytes()) {
            eprintln!("test-nsm-device: the log cannot be written: {error}");
        }
    }
}

impl VhostUserBackendMut for Backend {
    type Bitmap = ();
    type Vring = VringMutex<Memory>;

    fn num_queues(&self) -> usize {
        1
    }

    fn max_queue_size(&self) -> usize {
        QUEUE_SIZE_MAX
    }

    fn features(&self) -> u64 {
        1 << VIRTIO_F_VERSION_1 | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits()
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        VhostUserProtocolFeatures::empty()
    }

    fn set_event_idx(&mut self, _enabled: bool) {}

    fn update_memory(&mut self, memory: Memory) -> io::Result<()> {
        self.memory = memory;
        Ok(())
    }

    fn exit_event(&self, _thread: usize) -> Option<(EventConsumer, EventNotifier)> {
        new_event_consumer_and_notifier(EventFlag::NONBLOCK | EventFlag::CLOEXEC).ok()
    }

    /// Never fails: an error here would stop the queue for good, and a guest could cause it.
    fn handle_event(
        &mut self,
        queue: u16,
        _events: EventSet,
        vrings: &[Self::Vring],
        _thread: usize,
    ) -> io::Result<()> {
        let Some(vring) = vrings.get(usize::from(queue)) else { return Ok(()) };
        let memory = self.memory.memory();
        let mut state = vring.get_mut();
        let served = self.ring.serve(state.get_queue_mut(), &memory, &mut self.module);
        if served.used
            && let Err(error) = state.signal_used_queue()
        {
            eprintln!("test-nsm-device: the guest cannot be told: {error}");
        }
        for (operation, outcome) in served.answers {
            self.note(operation, outcome);
        }
        Ok(())
    }
}

/// The driver takes two entries a request.
const QUEUE_SIZE_MAX: usize = 1024;
