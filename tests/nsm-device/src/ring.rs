//! Requests and answers in a split virtqueue. The kernel's driver hands over two chains a request:
//! a readable one with the bytes asked, then a writable one for the answer; a chain with both parts
//! is answered as well. Every chain that was taken is given back, whatever stood in it.

use crate::Module;
use crate::module::{REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::{Answer, Operation};
use std::io::{Read, Write};
use virtio_queue::{DescriptorChain, Queue, QueueT};
use vm_memory::GuestMemoryMmap;

/// The state between two chains.
#[derive(Debug, Default)]
pub struct Ring {
    waiting: Option<Waiting>,
}

/// A request that waits for a buffer to answer into.
#[derive(Debug)]
struct Waiting {
    head: u16,
    request: Vec<u8>,
}

/// What was done with the chains that were there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Whether a chain was given back, so that the driver must be told.
    pub used: bool,
    /// What was asked and how it ended, in order.
    pub answers: Vec<(Operation, &'static str)>,
}

impl Ring {
    /// Takes all chains that the driver has made available.
    pub fn serve(
        &mut self,
        queue: &mut Queue,
        memory: &GuestMemoryMmap,
        module: &mut Module,
    ) -> Served {
        let mut served = Served::default();
        while let Some(chain) = queue.pop_descriptor_chain(memory) {
            let head = chain.head_index();
            let request = read(&chain, memory);
            if !request.is_empty() {
                // A driver asks again only when it has given up on the answer before.
                if let Some(old) = self.waiting.replace(Waiting { head, request }) {
                    give_back(queue, memory, old.head, 0, &mut served);
                }
            }
            let Some(room_bytes) = room(&chain, memory) else {
                if self.waiting.as_ref().is_none_or(|waiting| waiting.head != head) {
                    give_back(queue, memory, head, 0, &mut served);
                }
                continue;
            };
            let written = match self.waiting.take() {
                Some(waiting) => {
                    let answer = module.answer(&waiting.request, room_bytes);
                    served.answers.push((answer.operation, answer.outcome));
                    if waiting.head != head {
                        give_back(queue, memory, waiting.head, 0, &mut served);
                    }
                    write(chain, memory, &answer)
                }
                None => 0,
            };
            give_back(queue, memory, head, written, &mut served);
        }
        served
    }
}

type Chain<'a> = DescriptorChain<&'a GuestMemoryMmap>;

/// The readable bytes, at most one more than a request may have; none where the chain is broken.
fn read(chain: &Chain<'_>, memory: &GuestMemoryMmap) -> Vec<u8> {
    let mut request = Vec::new();
    if let Ok(reader) = chain.clone().reader(memory) {
        let most = REQUEST_BYTES_MAX as u64 + 1;
        if reader.take(most).read_to_end(&mut request).is_err() {
            request.clear();
        }
    }
    request
}

/// The writable bytes, where there are any.
fn room(chain: &Chain<'_>, memory: &GuestMemoryMmap) -> Option<usize> {
    let writer = chain.clone().writer(memory).ok()?;
    Some(writer.available_bytes().min(RESPONSE_BYTES_MAX)).filter(|bytes| *bytes > 0)
}

fn write(chain: Chain<'_>, memory: &GuestMemoryMmap, answer: &Answer) -> u32 {
    let Ok(mut writer) = chain.writer(memory) else { return 0 };
    match writer.write_all(&answer.bytes) {
        Ok(()) => u32::try_from(answer.bytes.len()).unwrap_or(0),
        Err(_) => 0,
    }
}

/// A head beyond the table cannot be given back; the driver that made it has nothing to wait for.
fn give_back(
    queue: &mut Queue,
    memory: &GuestMemoryMmap,
    head: u16,
    written: u32,
    served: &mut Served,
) {
    if queue.add_used(memory, head, written).is_ok() {
        served.used = true;
    }
}
