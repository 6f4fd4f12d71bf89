//! The queue as a driver fills it, kindly and otherwise. The layout is a split virtqueue's
//! (VIRTIO 1.2, 2.7) written by hand into guest memory.

use super::*;
use crate::ring::Served;
use crate::{Operation, Ring};
use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

const MEMORY_BYTES: usize = 0x10000;
const SIZE: u16 = 16;
const TABLE: u64 = 0;
const AVAILABLE: u64 = 0x1000;
const USED: u64 = 0x2000;
const REQUEST: u64 = 0x3000;
const RESPONSE: u64 = 0x5000;
const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

struct Driver {
    memory: GuestMemoryMmap,
    queue: Queue,
    ring: Ring,
    module: Module,
    offered: u16,
    taken: u16,
}

impl Driver {
    fn new() -> Self {
        Self::with(module())
    }

    /// New memory and a new queue before the same module: making a module's keys takes a while.
    fn again(self) -> Self {
        Self::with(self.module)
    }

    fn with(module: Module) -> Self {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), MEMORY_BYTES)]).unwrap();
        let mut queue = Queue::new(SIZE).unwrap();
        queue.set_size(SIZE);
        queue.set_desc_table_address(Some(TABLE as u32), Some(0));
        queue.set_avail_ring_address(Some(AVAILABLE as u32), Some(0));
        queue.set_used_ring_address(Some(USED as u32), Some(0));
        queue.set_ready(true);
        Self { memory, queue, ring: Ring::default(), module, offered: 0, taken: 0 }
    }

    fn describe(&self, index: u16, address: u64, bytes: u32, flags: u16, next: u16) {
        let at = TABLE + 16 * u64::from(index);
        self.memory.write_obj(address, GuestAddress(at)).unwrap();
        self.memory.write_obj(bytes, GuestAddress(at + 8)).unwrap();
        self.memory.write_obj(flags, GuestAddress(at + 12)).unwrap();
        self.memory.write_obj(next, GuestAddress(at + 14)).unwrap();
    }

    fn offer(&mut self, head: u16) {
        let slot = AVAILABLE + 4 + 2 * u64::from(self.offered % SIZE);
        self.memory.write_obj(head, GuestAddress(slot)).unwrap();
        self.offered = self.offered.wrapping_add(1);
        self.memory.write_obj(self.offered, GuestAddress(AVAILABLE + 2)).unwrap();
    }

    fn put(&self, request: &Request) -> u32 {
        let bytes = serde_cbor::to_vec(request).unwrap();
        self.memory.write_slice(&bytes, GuestAddress(REQUEST)).unwrap();
        bytes.len() as u32
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = vec![0; MEMORY_BYTES];
        self.memory.read_slice(&mut bytes, GuestAddress(0)).unwrap();
        bytes
    }

    fn serve(&mut self) -> Served {
        self.ring.serve(&mut self.queue, &self.memory, &mut self.module)
    }

    /// The chains that came back since the last call: head and bytes written.
    fn returned(&mut self) -> Vec<(u32, u32)> {
        let index: u16 = self.memory.read_obj(GuestAddress(USED + 2)).unwrap();
        let mut returned = Vec::new();
        while self.taken != index {
            let slot = USED + 4 + 8 * u64::from(self.taken % SIZE);
            let head = self.memory.read_obj(GuestAddress(slot)).unwrap();
            returned.push((head, self.memory.read_obj(GuestAddress(slot + 4)).unwrap()));
            self.taken = self.taken.wrapping_add(1);
        }
        returned
    }

    fn response(&self, bytes: u32) -> Response {
        let mut buffer = vec![0; bytes as usize];
        self.memory.read_slice(&mut buffer, GuestAddress(RESPONSE)).unwrap();
        serde_cbor::from_slice(&buffer).unwrap()
    }
}

#[test]
fn a_request_and_its_buffer_come_as_two_chains_as_linux_sends_them() {
    let mut driver = Driver::new();
    for _ in 0..100 {
        let length = driver.put(&Request::GetRandom);
        driver.describe(0, REQUEST, length, 0, 0);
        driver.describe(1, RESPONSE, 0x3000, WRITE, 0);
        driver.offer(0);
        driver.offer(1);
        assert_eq!(driver.serve().answers, [(Operation::GetRandom, "ok")]);
        let returned = driver.returned();
        let [(0, 0), (1, written)] = returned[..] else { panic!("{returned:?}") };
        assert!(matches!(driver.response(written), Response::GetRandom { .. }));
    }
}

#[test]
fn the_buffer_may_come_later_and_both_may_be_one_chain() {
    let mut driver = Driver::new();
    let length = driver.put(&Request::DescribePCR { index: 0 });
    driver.describe(0, REQUEST, length, 0, 0);
    driver.offer(0);
    assert_eq!(driver.serve(), Served::default());
    driver.describe(1, RESPONSE, 0x3000, WRITE, 0);
    driver.offer(1);
    assert!(driver.serve().used);
    assert_eq!(driver.returned().len(), 2);

    driver.describe(2, REQUEST, 5, NEXT, 3);
    driver.describe(3, REQUEST + 5, length - 5, NEXT, 4);
    driver.describe(4, RESPONSE, 10, NEXT | WRITE, 5);
    driver.describe(5, RESPONSE + 10, 0x1000, WRITE, 0);
    driver.offer(2);
    assert_eq!(driver.serve().answers, [(Operation::DescribePcr, "ok")]);
    let returned = driver.returned();
    let [(2, written)] = returned[..] else { panic!("{returned:?}") };
    assert!(matches!(driver.response(written), Response::DescribePCR { lock: true, .. }));
}

#[test]
fn every_chain_comes_back_whatever_stands_in_it() {
    let mut driver = Driver::new();
    let length = driver.put(&Request::DescribeNSM);
    // A buffer without a request; nothing at all; a request outside memory; one that wraps.
    driver.describe(0, RESPONSE, 0x1000, WRITE, 0);
    driver.describe(1, REQUEST, 0, 0, 0);
    driver.describe(2, MEMORY_BYTES as u64, length, 0, 0);
    driver.describe(3, u64::MAX - 3, u32::MAX, 0, 0);
    // A buffer that leaves memory; one that points at itself; a broken indirect table.
    driver.describe(4, MEMORY_BYTES as u64 - 8, 0x1000, WRITE, 0);
    driver.describe(5, RESPONSE, 0x7fff_ffff, WRITE | NEXT, 5);
    driver.describe(6, REQUEST, 17, INDIRECT, 0);
    for head in 0..7 {
        driver.offer(head);
    }
    assert!(driver.serve().answers.is_empty());
    assert!(driver.returned().into_iter().eq((0..7).map(|head| (head, 0))));
    // A head that is not in the table cannot come back; two requests in a row: the first does.
    driver.describe(7, REQUEST, length, 0, 0);
    driver.describe(8, REQUEST, length, 0, 0);
    driver.describe(9, RESPONSE, 3, WRITE, 0);
    for head in [SIZE, u16::MAX, 7, 8, 9] {
        driver.offer(head);
    }
    assert_eq!(driver.serve().answers, [(Operation::DescribeNsm, "BufferTooSmall")]);
    assert_eq!(driver.returned(), [(7, 0), (8, 0), (9, 0)]);
}

#[test]
fn a_request_that_is_too_long_is_answered_without_being_read_whole() {
    let mut driver = Driver::new();
    driver.describe(0, 0x4000, 0xc000, 0, 0);
    driver.describe(1, RESPONSE, 0x3000, WRITE, 0);
    driver.offer(0);
    driver.offer(1);
    assert_eq!(driver.serve().answers, [(Operation::Unknown, "InputTooLarge")]);
}

#[test]
fn random_rings_never_panic_and_nothing_is_written_where_nothing_was_offered() {
    let mut numbers = Numbers(7);
    let mut driver = Driver::new();
    for round in 0..600 {
        driver = driver.again();
        driver.put(&Request::ExtendPCR { index: 18, data: vec![1; 20] });
        // Every other round without indirect tables, whose entries are anywhere.
        let flags_end = if round % 2 == 0 { INDIRECT } else { INDIRECT * 2 };
        let mut offered = vec![(USED, USED + 4 + 8 * u64::from(SIZE))];
        for index in 0..SIZE {
            let address = match numbers.below(4) {
                0 => numbers.next(),
                1 => REQUEST,
                _ => numbers.below(MEMORY_BYTES as u64 + 64),
            };
            let bytes = match numbers.below(3) {
                0 => numbers.next() as u32,
                _ => numbers.below(0x4000) as u32,
            };
            let flags = numbers.below(u64::from(flags_end)) as u16;
            driver.describe(index, address, bytes, flags, numbers.below(20) as u16);
            if flags & WRITE != 0 {
                offered.push((address, address.saturating_add(bytes.into())));
            }
        }
        for _ in 0..numbers.below(12) {
            driver.offer(numbers.below(u64::from(SIZE) + 2) as u16);
            let (mut before, _) = (driver.snapshot(), driver.serve());
            let after = driver.snapshot();
            for (start, end) in &offered {
                let clip = |at: u64| at.min(MEMORY_BYTES as u64) as usize;
                before[clip(*start)..clip(*end)].copy_from_slice(&after[clip(*start)..clip(*end)]);
            }
            assert!(before == after || flags_end > INDIRECT, "written where nothing was offered");
        }
        // An index that jumps: the library refuses it, and nothing is read.
        driver.memory.write_obj(numbers.next() as u16, GuestAddress(AVAILABLE + 2)).unwrap();
        driver.serve();
    }
}
