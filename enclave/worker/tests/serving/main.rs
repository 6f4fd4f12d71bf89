//! The worker as a whole: started with two sockets as the device starts it, over a full run and
//! through what goes wrong around it.

mod ends;
mod flow;
mod held;
mod host;
